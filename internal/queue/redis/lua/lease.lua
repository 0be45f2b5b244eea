#!lua flags=allow-oom
-- Takes, renews or looks at leases, and looks at their queues.
--
-- KEYS    -> of each destination: lease, queue, state; a rest of these is none
-- ARGV[1] -> token
-- ARGV[2] -> how long a lease lives (ms)
-- ARGV[3] -> 1 = renew those that are held
-- ARGV[4] -> what tokens of this edge begin with, '' = it has no identity
-- ARGV[5] -> and those of this process: any other process of the edge is dead
-- ARGV[6] -> 1 = INFO is refused, as is known
--
-- Returns the server's run id, '' where INFO is refused; then of each destination:
-- 0 = the lease is another's, 1 = it is still ours, 2 = it is ours from now on, or why
-- it can't be read; the length of the queue's stream; the state record.
local token, ttl, renew, edge, process = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4], ARGV[5]
local function begins(s, with) return string.sub(s, 1, #with) == with end
local function dead(holder) return edge ~= '' and begins(holder, edge) and not begins(holder, process) end
local info = ARGV[6] ~= '1' and redis.pcall('INFO', 'server')
local out = {type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''}
for i = 1, #KEYS - 2, 3 do
  local lease, queue, state = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  local holder, held = redis.pcall('GET', lease), 0
  if type(holder) == 'table' then
    held = holder.err
  elseif not holder or dead(holder) then
    redis.call('SET', lease, token, 'PX', ttl)
    held = 2
  elseif holder == token then
    if renew then redis.call('PEXPIRE', lease, ttl) end
    held = 1
  end
  local n, record = redis.pcall('XLEN', queue), redis.pcall('GET', state)
  out[#out + 1] = held
  out[#out + 1] = type(n) == 'number' and n or 0
  out[#out + 1] = type(record) == 'string' and record or ''
end
return out
