#!lua flags=allow-oom
-- Puts what a destination was given meanwhile behind what it took over, a part at a time, and makes that its own.
-- KEYS: lease, queue, retries, marks, dead letters, those four of what it took over, what was taken
-- ARGV: token, '' = whoever calls; at most, bytes at most
-- Returns -1 without the lease, else how many it moved: 0 when it is done.
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

local queue, retries, hash = KEYS[2], KEYS[3], KEYS[4]
local to_queue, to_retries, to_hash = KEYS[6], KEYS[7], KEYS[8]
local there = redis.call('EXISTS', to_queue) == 1
local all = pour(queue, to_queue, function(id, fields)
  local m = fields[3] == 'g' and marks(queue, hash, id)
  local new = redis.call('XADD', to_queue, '*', unpack(fields))
  if m then
    local _, live = string.gsub(m, '1', '1')
    redis.call('HSET', to_hash, new, m)
    redis.call('HINCRBY', to_hash, '', live - 1)
    redis.call('HDEL', hash, id)
    redis.call('HINCRBY', hash, '', 1 - live)
  end
  for part = m and 1 or 0, m and #m or 0 do
    local field = part == 0 and '' or '-' .. part
    local r = redis.call('HGET', retries, id .. field)
    if r then
      redis.call('HSET', to_retries, new .. field, r)
      redis.call('HDEL', retries, id .. field)
    end
  end
end)
if there and all then
  redis.call('DEL', retries, hash)
  if redis.call('EXISTS', to_retries) == 1 then redis.call('RENAME', to_retries, retries) end
  if redis.call('EXISTS', to_hash) == 1 then redis.call('RENAME', to_hash, hash) end
end
local to_letters = KEYS[9]
all = all and pour(KEYS[5], to_letters, function(_, fields)
  if type(redis.pcall('XADD', to_letters, fields[2] .. '-*', unpack(fields))) == 'table' then
    redis.call('XADD', to_letters, '*', unpack(fields))
  end
end)
if all then redis.call('DEL', KEYS[10]) end
return all and 0 or n
