#!lua flags=allow-oom
-- Moves entries to the dead letters, for the holder of the lease.
-- KEYS: lease, queue, retries, dead letters. ARGV: token, now, then position and death record of each
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('XLEN', KEYS[4]) -- its type, before the first write
redis.call('HLEN', KEYS[3])
for i = 3, #ARGV, 2 do
  local e = redis.call('XRANGE', KEYS[2], ARGV[i], ARGV[i])[1]
  if e then
    local r = redis.pcall('XADD', KEYS[4], ARGV[2] .. '-*', 't', ARGV[2], 'd', ARGV[i + 1], unpack(e[2]))
    if type(r) == 'table' then redis.call('XADD', KEYS[4], '*', 't', ARGV[2], 'd', ARGV[i + 1], unpack(e[2])) end
    redis.call('XDEL', KEYS[2], ARGV[i])
  end
  redis.call('HDEL', KEYS[3], ARGV[i])
end
return 1
