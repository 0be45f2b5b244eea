-- What scripts share that give bundles new stream ids, besides bundles.lua.

-- live counts the entries of a bundle that are pending.
local function live(p)
  local _, n = string.gsub(p, '1', '1')
  return n
end

-- take_pending notes of a bundle that came under a new stream id what is pending.
local function take_pending(pending, new, p)
  redis.call('HSET', pending, new, p)
  redis.call('HINCRBY', pending, '', live(p) - 1)
end

-- move_departed gives an entry, or those of a bundle, which may have been sent (see
-- departures.go) that under a new stream id. p is what is pending of a bundle.
local function move_departed(departures, id, to_departures, new, p)
  for part = p and 1 or 0, p and #p or 0 do
    local suffix = part == 0 and '' or '-' .. part
    local at = redis.call('HGET', departures, '=' .. id .. suffix)
    if at then
      redis.call('HSET', to_departures, '=' .. new .. suffix, at, '=', '1')
      redis.call('HDEL', departures, '=' .. id .. suffix)
    end
  end
end

-- move_pending does so, and forgets it under the old stream id.
local function move_pending(pending, id, to_pending, new, p)
  take_pending(to_pending, new, p)
  redis.call('HDEL', pending, id)
  redis.call('HINCRBY', pending, '', 1 - live(p))
end
