#!lua flags=allow-oom
-- Discards a destination. KEYS: queue, dead letters, retries, state, destinations, marks. ARGV: name
-- Returns how many entries and dead letters it had, and whether it was known.
local n, dead = waiting(KEYS[1], KEYS[6]), redis.call('XLEN', KEYS[2])
local known = redis.call('SREM', KEYS[5], ARGV[1])
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6])
return {n, dead, known}
