#!lua flags=allow-oom
-- Discards a destination. KEYS: queue, dead letters, retries, state, destinations, marks, those of what it takes over
-- (queue, marks, retries, dead letters, what was taken). ARGV: name
-- Returns how many entries and dead letters it had, and whether it was known.
local n, dead = waiting(KEYS[1], KEYS[6]) + waiting(KEYS[7], KEYS[8]), redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[10])
local known = redis.call('SREM', KEYS[5], ARGV[1])
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11])
return {n, dead, known}
