#!lua flags=allow-oom
-- Moves a part of a destination's entries and dead letters to another's end;
-- forgets the first when nothing is left.
-- KEYS: from's queue, retries, dead letters, state; to's queue, retries, dead letters; destinations
-- ARGV: from's name, to's name, entries at most, bytes at most
-- Returns how many entries and dead letters it moved.
for _, i in ipairs({1, 3, 5, 7}) do redis.call('XLEN', KEYS[i]) end
redis.call('HLEN', KEYS[2])
redis.call('HLEN', KEYS[6])
redis.call('SADD', KEYS[8], ARGV[2])
local n, dead, bytes, most, bound = 0, 0, 0, tonumber(ARGV[3]), tonumber(ARGV[4])
local function step(from, to, letters)
  local e = redis.call('XRANGE', from, '-', '+', 'COUNT', 1)[1]
  if not e then return false end
  local id = letters and redis.pcall('XADD', to, e[2][2] .. '-*', unpack(e[2]))
  if type(id) ~= 'string' then id = redis.call('XADD', to, '*', unpack(e[2])) end
  redis.call('XDEL', from, e[1])
  bytes = bytes + #e[2][#e[2]]
  return e[1], id
end
while n + dead < most and bytes < bound do
  local old, new = step(KEYS[1], KEYS[5])
  if old then
    local retry = redis.call('HGET', KEYS[2], old)
    if retry then
      redis.call('HSET', KEYS[6], new, retry)
      redis.call('HDEL', KEYS[2], old)
    end
    n = n + 1
  elseif step(KEYS[3], KEYS[7], true) then
    dead = dead + 1
  else
    redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
    redis.call('SREM', KEYS[8], ARGV[1])
    break
  end
end
return {n, dead}
