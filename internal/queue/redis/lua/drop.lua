#!lua flags=allow-oom
-- Discards a destination.
--
-- KEYS[1]  -> queue
-- KEYS[2]  -> dead letters
-- KEYS[3]  -> retries
-- KEYS[4]  -> state
-- KEYS[5]  -> the tenant's destinations
-- KEYS[6]  -> pending
-- KEYS[7]  -> queue    of what it takes over
-- KEYS[8]  -> pending
-- KEYS[9]  -> retries
-- KEYS[10] -> dead letters
-- KEYS[11] -> how far that went
-- KEYS[12] -> departures
-- KEYS[13] -> departures of what it takes over
-- ARGV[1]  -> the destination's name
--
-- Returns how many entries and dead letters it had, and 1 if the tenant's set had it.
-- include bundles.lua
local n, dead = waiting(KEYS[1], KEYS[6]) + waiting(KEYS[7], KEYS[8]), redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[10])
local known = redis.call('SREM', KEYS[5], ARGV[1])
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13])
return {n, dead, known}
