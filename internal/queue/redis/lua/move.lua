#!lua flags=allow-oom
-- Moves a part of a destination's entries and dead letters to another's end;
-- forgets the first when nothing is left.
-- KEYS: from's queue, retries, dead letters, state, marks; to's queue, dead letters, marks; destinations
-- ARGV: from's name, to's name, entries at most, bytes at most
-- Returns how many entries and dead letters it moved.
local queue, retries, letters, state, hash = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local to_queue, to_letters, to_hash = KEYS[6], KEYS[7], KEYS[8]
for _, k in ipairs({queue, letters, to_queue, to_letters}) do redis.call('XLEN', k) end
for _, k in ipairs({hash, to_hash}) do redis.call('HLEN', k) end
redis.call('SADD', KEYS[9], ARGV[2])
local n, dead, bytes, most, bound = 0, 0, 0, tonumber(ARGV[3]), tonumber(ARGV[4])

local function first(stream)
  local e = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if e then bytes = bytes + #e[2][#e[2]] end
  return e
end

while n + dead < most and bytes < bound do
  local e = first(queue)
  if e then
    local m = e[2][3] == 'g' and marks(queue, hash, e[1])
    local new = redis.call('XADD', to_queue, '*', unpack(e[2]))
    if m then
      local _, live = string.gsub(m, '1', '1')
      redis.call('HSET', to_hash, new, m)
      redis.call('HINCRBY', to_hash, '', live - 1)
      redis.call('HDEL', hash, e[1])
      redis.call('HINCRBY', hash, '', 1 - live)
      n = n + live
    else
      n = n + 1
    end
    redis.call('XDEL', queue, e[1])
  else
    e = first(letters)
    if not e then
      redis.call('UNLINK', queue, retries, letters, state, hash)
      redis.call('SREM', KEYS[9], ARGV[1])
      break
    end
    local id = redis.pcall('XADD', to_letters, e[2][2] .. '-*', unpack(e[2]))
    if type(id) ~= 'string' then redis.call('XADD', to_letters, '*', unpack(e[2])) end
    redis.call('XDEL', letters, e[1])
    dead = dead + 1
  end
end
return {n, dead}
