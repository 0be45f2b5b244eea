-- What the scripts below share of pages. Under a page's stream id the hash of
-- marks holds "1" or "0" for each of its entries, which says whether that still
-- waits; under '' by how many the entries that wait are more than the stream is long.

-- marks returns those of a page, or nothing if it is gone or no page.
local function marks(queue, hash, id)
  local m = redis.call('HGET', hash, id)
  if not m then
    -- If somebody has removed the hash, an entry may be repeated, and none is lost.
    local e = redis.call('XRANGE', queue, id, id)[1]
    if e and e[2][3] == 'g' then m = string.rep('1', string.byte(e[2][4], 2)) end
  end
  return m
end

local function waits(m, part) return m and string.byte(m, part) == 49 end

-- clear removes entries of a page, given as bytes, and with the last the page.
local function clear(queue, hash, id, parts)
  local m = marks(queue, hash, id)
  if not m then return end
  local t, n = {string.byte(m, 1, -1)}, 0
  for i = 1, #parts do
    local part = string.byte(parts, i)
    if t[part] == 49 then t[part], n = 48, n + 1 end
  end
  m = string.char(unpack(t))
  local beyond = n
  if string.find(m, '1', 1, true) then
    if n > 0 then redis.call('HSET', hash, id, m) end
  else
    beyond = redis.call('XDEL', queue, id) == 1 and n - 1 or 0
    redis.call('HDEL', hash, id)
  end
  if beyond > 0 then redis.call('HINCRBY', hash, '', -beyond) end
end

-- waiting returns how many entries of a queue wait: of each page at least one,
-- whatever became of the hash.
local function waiting(queue, hash)
  local n = redis.call('XLEN', queue)
  return n > 0 and n + math.max(0, tonumber(redis.call('HGET', hash, '') or 0)) or 0
end
