#!lua flags=allow-oom
-- Moves entries to the dead letters, for the holder of the lease.
-- KEYS: lease, queue, retries, dead letters, marks. ARGV: token, now, bytes of entries at most, then stream id,
-- part (0 = no page), death record, and of a part its header and payload
-- Returns how many it has dealt with, or -1 without the lease.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('XLEN', KEYS[4]) -- its type, before the first write
redis.call('HLEN', KEYS[3])
local bytes = tonumber(ARGV[3])
for i = 4, #ARGV, 5 do
  if bytes <= 0 then return (i - 4) / 5 end
  local id, part, e = ARGV[i], tonumber(ARGV[i + 1]), nil
  if part == 0 then
    e = redis.call('XRANGE', KEYS[2], id, id)[1]
    e = e and e[2]
  elseif waits(marks(KEYS[2], KEYS[5], id), part) then
    e = {'h', ARGV[i + 3], 'p', ARGV[i + 4]}
  end
  if e then
    bytes = bytes - #e[#e]
    local r = redis.pcall('XADD', KEYS[4], ARGV[2] .. '-*', 't', ARGV[2], 'd', ARGV[i + 2], unpack(e))
    if type(r) == 'table' then redis.call('XADD', KEYS[4], '*', 't', ARGV[2], 'd', ARGV[i + 2], unpack(e)) end
    if part == 0 then redis.call('XDEL', KEYS[2], id) else clear(KEYS[2], KEYS[5], id, string.char(part)) end
  end
  redis.call('HDEL', KEYS[3], part == 0 and id or id .. '-' .. part)
end
return (#ARGV - 3) / 5
