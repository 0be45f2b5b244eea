-- What scripts share that touch the entries of a queue.
--
-- A queue's stream holds entries, and bundles, which are several entries in one.
-- Beside it stands a hash of what is pending: under a bundle's stream id "1" or "0"
-- for each of its entries, "1" if that still waits; under '' by how many the waiting
-- entries are more than the stream is long.

-- pending_of returns that string of a bundle; nothing if it is gone, or no bundle.
local function pending_of(queue, pending, id)
  local p = redis.call('HGET', pending, id)
  if not p then
    -- It has one entry; or if somebody has removed the hash, an entry may be repeated, and
    -- none is lost.
    local e = redis.call('XRANGE', queue, id, id)[1]
    if e and e[2][3] == 'g' then p = string.rep('1', string.byte(e[2][4], 2)) end
  end
  return p
end

-- waits reports whether an entry of a bundle is pending.
local function waits(p, part) return p and string.byte(p, part) == 49 end

-- What several destinations get alike is a block, which stands once in a hash of the
-- tenant's, by its id, and under '#' and its id how many bundles refer to it. Such a
-- bundle has 2 for its version, how many entries it has, and that id.

-- blocks_in is the hash where there is one, else false. Scripts ask before they write, so
-- that a key of another type is found in time.
local function blocks_in(key) return redis.call('HLEN', key) > 0 and key end

-- release gives up what a bundle refers to.
local function release(blocks, bundle)
  if not blocks or string.byte(bundle) ~= 2 then return end
  local id = string.sub(bundle, 3)
  if redis.call('HINCRBY', blocks, '#' .. id, -1) <= 0 then redis.call('HDEL', blocks, id, '#' .. id) end
end

-- remove removes an entry of the stream.
local function remove(queue, id, blocks)
  local e = blocks and redis.call('XRANGE', queue, id, id)[1]
  if e and e[2][3] == 'g' then release(blocks, e[2][4]) end
  return redis.call('XDEL', queue, id)
end

-- clear removes entries of a bundle, given as bytes, and with the last the bundle.
local function clear(queue, pending, id, parts, blocks)
  local p = pending_of(queue, pending, id)
  if not p then return end
  local t, n = {string.byte(p, 1, -1)}, 0
  for i = 1, #parts do
    local part = string.byte(parts, i)
    if t[part] == 49 then t[part], n = 48, n + 1 end
  end
  p = string.char(unpack(t))
  local beyond = n
  if string.find(p, '1', 1, true) then
    if n > 0 then redis.call('HSET', pending, id, p) end
  else
    beyond = remove(queue, id, blocks) == 1 and n - 1 or 0
    redis.call('HDEL', pending, id)
  end
  if beyond > 0 then redis.call('HINCRBY', pending, '', -beyond) end
end

-- waiting returns how many entries of a queue wait: of each bundle at least one,
-- whatever became of the hash.
local function waiting(queue, pending)
  local n = redis.call('XLEN', queue)
  return n > 0 and n + math.max(0, tonumber(redis.call('HGET', pending, '') or 0)) or 0
end
