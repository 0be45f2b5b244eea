#!lua flags=allow-oom
-- Moves a part of a destination's entries and dead letters behind another's; the
-- destination is forgotten when nothing is left.
--
-- KEYS[1] -> queue     of the one
-- KEYS[2] -> retries
-- KEYS[3] -> dead letters
-- KEYS[4] -> state
-- KEYS[5] -> pending
-- KEYS[6] -> queue     of the other
-- KEYS[7] -> dead letters
-- KEYS[8] -> pending
-- KEYS[9] -> the tenant's destinations
-- KEYS[10] -> departures of the one, spread
-- KEYS[11] -> departures of the other
-- ARGV[1] -> name of the one
-- ARGV[2] -> name of the other
-- ARGV[3] -> how many entries and dead letters it may move
-- ARGV[4] -> how many bytes
--
-- Returns how many entries and how many dead letters it moved.
-- include bundles.lua
-- include moving.lua
-- include letters.lua
local queue, retries, letters, state, pending = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local departures, to_departures = KEYS[10], KEYS[11]
local departed = redis.call('HLEN', departures) > 0
redis.call('HLEN', to_departures)
local to_queue, to_letters, to_pending, listed = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
-- What is of another type than it should be is found before the first write.
for _, k in ipairs({queue, letters, to_queue, to_letters}) do redis.call('XLEN', k) end
for _, k in ipairs({pending, to_pending}) do redis.call('HLEN', k) end
redis.call('SADD', listed, ARGV[2])
local n, dead, bytes, most, bound = 0, 0, 0, tonumber(ARGV[3]), tonumber(ARGV[4])

local function first(stream)
  local e = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if e then bytes = bytes + #e[2][#e[2]] end
  return e
end

while n + dead < most and bytes < bound do
  local e = first(queue)
  if e then
    local p = e[2][3] == 'g' and pending_of(queue, pending, e[1])
    local new = redis.call('XADD', to_queue, '*', unpack(e[2]))
    if p then
      move_pending(pending, e[1], to_pending, new, p)
      n = n + live(p)
    else
      n = n + 1
    end
    if departed then move_departed(departures, e[1], to_departures, new, p) end
    redis.call('XDEL', queue, e[1])
  else
    e = first(letters)
    if not e then
      redis.call('UNLINK', queue, retries, letters, state, pending, departures)
      redis.call('SREM', listed, ARGV[1])
      break
    end
    bury(to_letters, e[2][2], unpack(e[2]))
    redis.call('XDEL', letters, e[1])
    dead = dead + 1
  end
end
return {n, dead}
