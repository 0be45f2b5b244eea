#!lua flags=allow-oom
-- Gives a lease back. KEYS: lease. ARGV: token, channel, message
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[3])
return 1
