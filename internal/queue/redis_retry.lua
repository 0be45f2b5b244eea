#!lua flags=allow-oom
-- Stores retry state, for the holder of the lease.
-- What is gone can't be retried.
-- KEYS: lease, queue, retries. ARGV: token, then position and record of each
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do
  if redis.call('XRANGE', KEYS[2], ARGV[i], ARGV[i])[1] then
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  end
end
return 1
