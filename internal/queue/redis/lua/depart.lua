#!lua flags=allow-oom
-- Notes, for the holder of the lease, that entries are about to be sent.
--
-- KEYS[1] -> lease
-- KEYS[2] -> departures
-- ARGV[1] -> token
-- ARGV[2] -> the note's id
-- ARGV[3] -> the note's record
--
-- Returns 1; -1 without the lease; 0 if entries came whose departures the holder has not
-- looked at: it must do so first.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('HEXISTS', KEYS[2], '=') == 1 then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return 1
