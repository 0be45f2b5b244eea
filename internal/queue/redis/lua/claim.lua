#!lua
-- Gives a task to one of those that ask for it.
--
-- KEYS[1] -> who has it, and until when (ms), a hash
-- ARGV[1] -> who asks
-- ARGV[2] -> now (ms)
-- ARGV[3] -> for how long (ms)
--
-- Returns 1 if it is who asks, else 0.
local has = redis.call('HMGET', KEYS[1], 'by', 'till')
if has[1] and has[1] ~= ARGV[1] and tonumber(has[2]) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'by', ARGV[1], 'till', tonumber(ARGV[2]) + tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
