#!lua flags=allow-oom
-- Takes, renews or looks at leases, and looks at their queues.
-- KEYS: lease, queue, state for each destination. ARGV: token, ms, 1 = renew
-- Returns the server's run id ('' where INFO is refused), then for each: 0 = another's, 1 = ours still,
-- 2 = ours anew, or a reason; the backlog; the state.
local info = redis.pcall('INFO', 'server')
local out = {type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''}
for i = 1, #KEYS, 3 do
  local holder, held = redis.pcall('GET', KEYS[i]), 0
  if type(holder) == 'table' then
    held = holder.err
  elseif not holder then
    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
    held = 2
  elseif holder == ARGV[1] then
    if ARGV[3] == '1' then redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
    held = 1
  end
  local n, state = redis.pcall('XLEN', KEYS[i + 1]), redis.pcall('GET', KEYS[i + 2])
  out[#out + 1] = held
  out[#out + 1] = type(n) == 'number' and n or 0
  out[#out + 1] = type(state) == 'string' and state or ''
end
return out
