#!lua flags=allow-oom
-- Discards a destination: at once, or some entries at a time where they may refer to
-- what others have, too.
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
-- KEYS[14] -> the tenant's blocks
-- ARGV[1]  -> the destination's name
-- ARGV[2]  -> how many entries it may look at
-- ARGV[3]  -> how many bytes
--
-- Returns how many entries and dead letters it had, 1 if the tenant's set had it, and 1 if there is more.
-- include bundles.lua
-- include moving.lua
local blocks, most, bound = blocks_in(KEYS[14]), tonumber(ARGV[2]), tonumber(ARGV[3])
local n = waiting(KEYS[1], KEYS[6]) + waiting(KEYS[7], KEYS[8])
for _, keys in ipairs(blocks and {{KEYS[1], KEYS[6]}, {KEYS[7], KEYS[8]}} or {}) do
  local queue, pending = keys[1], keys[2]
  while true do
    local e = redis.call('XRANGE', queue, '-', '+', 'COUNT', 1)[1]
    if not e then break end
    if most <= 0 or bound <= 0 then return {n - waiting(KEYS[1], KEYS[6]) - waiting(KEYS[7], KEYS[8]), 0, 0, 1} end
    most, bound = most - 1, bound - #e[2][#e[2]]
    local p = e[2][3] == 'g' and pending_of(queue, pending, e[1])
    if p then
      release(blocks, e[2][4])
      redis.call('HDEL', pending, e[1])
      redis.call('HINCRBY', pending, '', 1 - live(p))
    end
    redis.call('XDEL', queue, e[1])
  end
end
local dead, known = redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[10]), redis.call('SREM', KEYS[5], ARGV[1])
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13])
return {n, dead, known, 0}
