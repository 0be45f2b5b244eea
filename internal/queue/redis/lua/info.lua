#!lua flags=no-writes,allow-oom
-- Looks at a destination. KEYS: queue, marks, dead letters, those of what it takes over, state
-- Returns how many wait, how many dead letters there are, the header of the oldest entry, the state.
local function first(queue) return redis.call('XRANGE', queue, '-', '+', 'COUNT', 1)[1] end
local oldest = first(KEYS[4]) or first(KEYS[1])
return {
  waiting(KEYS[1], KEYS[2]) + waiting(KEYS[4], KEYS[5]), redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[6]),
  oldest and oldest[2][2] or '', redis.call('GET', KEYS[7]) or '',
}
