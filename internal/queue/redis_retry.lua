#!lua flags=allow-oom
-- Stores retry state, for the holder of the lease.
-- What is gone can't be retried.
-- KEYS: lease, queue, retries, marks. ARGV: token, then stream id, part (0 = no page) and record of each
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 3 do
  local id, part = ARGV[i], tonumber(ARGV[i + 1])
  if part == 0 then
    if redis.call('XRANGE', KEYS[2], id, id)[1] then redis.call('HSET', KEYS[3], id, ARGV[i + 2]) end
  elseif waits(marks(KEYS[2], KEYS[4], id), part) then
    redis.call('HSET', KEYS[3], id .. '-' .. part, ARGV[i + 2])
  end
end
return 1
