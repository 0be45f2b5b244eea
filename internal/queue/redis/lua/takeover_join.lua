#!lua flags=allow-oom
-- Puts what a destination was given meanwhile behind what it took over, a part at a
-- time, and makes that its queue. See takeover.go.
--
-- KEYS[1]  -> lease
-- KEYS[2]  -> queue
-- KEYS[3]  -> retries
-- KEYS[4]  -> pending
-- KEYS[5]  -> dead letters
-- KEYS[6]  -> queue    of what it took over
-- KEYS[7]  -> retries
-- KEYS[8]  -> pending
-- KEYS[9]  -> dead letters
-- KEYS[10] -> how far that went
-- KEYS[11] -> departures, spread
-- KEYS[12] -> departures of what it took over
-- ARGV[1]  -> token; '' = whoever calls
-- ARGV[2]  -> how many it may move
-- ARGV[3]  -> how many bytes
--
-- Returns -1 without the lease, else how many it moved: 0 when it is done.
-- include bundles.lua
-- include moving.lua
-- include letters.lua
if ARGV[1] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local n, bytes, most, bound = 0, 0, tonumber(ARGV[2]), tonumber(ARGV[3])

-- pour moves a stream's entries behind those of another, by move; then the other
-- takes its name.
local function pour(from, to, move)
  while redis.call('EXISTS', to) == 1 do
    if n >= most or bytes >= bound then return false end
    local e = redis.call('XRANGE', from, '-', '+', 'COUNT', 1)[1]
    if not e then
      redis.call('RENAME', to, from)
    else
      n, bytes = n + 1, bytes + #e[2][#e[2]]
      move(e[1], e[2])
      redis.call('XDEL', from, e[1])
    end
  end
  return true
end

local queue, retries, pending, letters = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local to_queue, to_retries, to_pending, to_letters = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local departures, to_departures = KEYS[11], KEYS[12]
local departed = redis.call('HLEN', departures) > 0
local there = redis.call('EXISTS', to_queue) == 1
local all = pour(queue, to_queue, function(id, fields)
  local p = fields[3] == 'g' and pending_of(queue, pending, id)
  local new = redis.call('XADD', to_queue, '*', unpack(fields))
  if p then move_pending(pending, id, to_pending, new, p) end
  if departed then move_departed(departures, id, to_departures, new, p) end
  for part = p and 1 or 0, p and #p or 0 do
    local field = part == 0 and '' or '-' .. part
    local r = redis.call('HGET', retries, id .. field)
    if r then
      redis.call('HSET', to_retries, new .. field, r)
      redis.call('HDEL', retries, id .. field)
    end
  end
end)
if there and all then
  redis.call('DEL', retries, pending, departures)
  if redis.call('EXISTS', to_retries) == 1 then redis.call('RENAME', to_retries, retries) end
  if redis.call('EXISTS', to_pending) == 1 then redis.call('RENAME', to_pending, pending) end
  if redis.call('EXISTS', to_departures) == 1 then redis.call('RENAME', to_departures, departures) end
end
all = all and pour(letters, to_letters, function(_, fields) bury(to_letters, fields[2], unpack(fields)) end)
if all then redis.call('DEL', KEYS[10]) end
return all and 0 or n
