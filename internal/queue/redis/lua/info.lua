#!lua flags=no-writes,allow-oom
-- Looks at a destination.
--
-- KEYS[1] -> queue
-- KEYS[2] -> pending
-- KEYS[3] -> dead letters
-- KEYS[4] -> queue    of what it takes over
-- KEYS[5] -> pending
-- KEYS[6] -> dead letters
-- KEYS[7] -> state
-- KEYS[8] -> how many entries have a receipt
--
-- Returns how many entries wait, how many dead letters there are, the header of the
-- oldest entry, the state record; '' for none; how many have a receipt.
-- include bundles.lua
local function first(queue) return redis.call('XRANGE', queue, '-', '+', 'COUNT', 1)[1] end
local oldest = first(KEYS[4]) or first(KEYS[1])
return {
  waiting(KEYS[1], KEYS[2]) + waiting(KEYS[4], KEYS[5]), redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[6]),
  oldest and oldest[2][2] or '', redis.call('GET', KEYS[7]) or '',
  tonumber(redis.call('GET', KEYS[8]) or 0) or 0,
}
