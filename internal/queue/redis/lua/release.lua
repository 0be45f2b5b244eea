#!lua flags=allow-oom
-- Gives a lease back.
--
-- KEYS[1] -> lease
-- ARGV[1] -> token
-- ARGV[2] -> channel
-- ARGV[3] -> the message for other edges
--
-- Returns 1 if the lease was this token's, else 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[3])
return 1
