#!lua flags=allow-oom
-- Stores retry state, for the holder of the lease.
-- What is gone can't be retried.
-- KEYS: lease, queue, retries, marks. ARGV: token, bytes of entries at most, then stream id, part (0 = no page) and
-- record of each
-- Returns how many it has dealt with, or -1 without the lease.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local bytes = tonumber(ARGV[2])
for i = 3, #ARGV, 3 do
  if bytes <= 0 then return (i - 3) / 3 end
  local id, part = ARGV[i], tonumber(ARGV[i + 1])
  if part == 0 then
    local e = redis.call('XRANGE', KEYS[2], id, id)[1]
    if e then
      bytes = bytes - #e[2][#e[2]]
      redis.call('HSET', KEYS[3], id, ARGV[i + 2])
    end
  elseif waits(marks(KEYS[2], KEYS[4], id), part) then
    redis.call('HSET', KEYS[3], id .. '-' .. part, ARGV[i + 2])
  end
end
return (#ARGV - 2) / 3
