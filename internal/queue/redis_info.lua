#!lua flags=no-writes,allow-oom
-- Looks at a destination. KEYS: queue, marks, dead letters, state
-- Returns how many wait, how many dead letters there are, the header of the oldest entry, the state.
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
return {
  waiting(KEYS[1], KEYS[2]), redis.call('XLEN', KEYS[3]), oldest and oldest[2][2] or '', redis.call('GET', KEYS[4]) or '',
}
