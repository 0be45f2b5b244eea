#!lua flags=allow-oom
-- Sets a destination's state.
--
-- KEYS[1] -> state
-- KEYS[2] -> the tenant's destinations
-- ARGV[1] -> the destination's name
-- ARGV[2] -> state record; '' = none
-- ARGV[3] -> channel
-- ARGV[4] -> the message for other edges
--
-- Returns 1.
redis.call('SADD', KEYS[2], ARGV[1])
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return 1
