-- Part of append.lua: which ids of events are known.
--
-- Ids are remembered in sets of 64-bit numbers, which Redis keeps sorted in 8 bytes
-- each while they are few. An id stands in the generation in which it came, by the
-- edges' clock and not by its event's time, of which two copies may carry different
-- ones. A generation takes ids for as long as the window is, and keeps each for the
-- window from then on: so a new id is looked up in the generation before and in no
-- other, which costs no more than the bits of a filter would.
--
-- When a generation's set has grown, its level rises, and from then on ids stand
-- in shards, which are named by as many of an id's last digits: so a set stays
-- small, whatever the rate. A shard of the level before is split when one of its
-- ids is looked up, a few shards in a call. Each set has the member 0, so that it
-- is there, with its expiry, before an id is added.
--
-- The tenant's generations stand in one record: until when ids of an older
-- Leadgate are looked up, and of each generation when it began (its name), when it
-- takes no more, until when it is known, its level, and how many shards are still
-- to be split.
local shard_fill, shard_levels, hour_ms, day_ms = 400, 6, 3600000, 86400000
local most_generations, splits = 5, 16

local buckets = {}
for i = 1, nbuckets do
  local b = {}
  b.key, at = parse('>Hc0', ARGV[1], at)
  buckets[i] = b
end

local generations, current, past, old_until

local function save()
  local v, life = {pack('>dB', old_until, #generations)}, 0
  for i = 1, #generations do
    local g = generations[i]
    v[i + 1] = pack('>ddddd', g.began, g.ends, g.known, g.level, g.pending)
    life = math.max(life, g.known - now, g.ends + window - now)
  end
  call('SET', base .. 'i', concat(v), 'PX', whole(life + 2 * hour_ms))
end

-- life is how long a generation's sets must live, ms.
local function life(g) return whole(math.max(g.ends + window, g.known) - now + hour_ms) end

-- begin begins the generation that takes ids from now on. The oldest goes when
-- there are too many, and not by the clock, which may be wrong for a while.
local function begin()
  local g = {began = now, ends = now + math.max(window, 600000), known = 0, level = 0, pending = 0}
  for _, other in ipairs(generations) do
    if other.began == g.began then g.began = g.began + 1 end
  end
  if #generations == most_generations then table.remove(generations, 1) end
  g.key = base .. 'i:' .. whole(g.began)
  g.shards = g.key .. ':'
  generations[#generations + 1] = g
  call('SADD', g.key, 0)
  call('PEXPIRE', g.key, life(g))
  return g
end

-- load reads the generations, and begins one if none takes ids now. It returns
-- false with a problem.
local function load()
  local v = checked(try('GET', base .. 'i'))
  if problem then return false end
  local list, n, p = {}, 0, nil
  if v then old_until, n, p = parse('>dB', v) else
    -- Ids of the time before there were generations are of tenants with destinations.
    old_until = call('EXISTS', listed) == 1 and now + window + 3 * day_ms or 0
  end
  for i = 1, n do
    local g = {}
    g.began, g.ends, g.known, g.level, g.pending, p = parse('>ddddd', v, p)
    g.key = base .. 'i:' .. whole(g.began)
    g.shards = g.key .. ':'
    list[i] = g
    if now > g.began - hour_ms and now < g.ends then current = g end
  end
  generations = list
  if not current then current = begin() end
  past = {}
  for i = #generations, 1, -1 do
    local g = generations[i]
    if g ~= current and g.known > now then past[#past + 1] = g end
  end
  return true
end

-- split moves the ids of a shard, or of the generation's own set, one level down.
local function split(g, from, name)
  local level, parts, px = g.level, {}, life(g)
  for i = 0, 9 do parts[i] = {0} end
  for _, id in ipairs(checked(try('SMEMBERS', from)) or {}) do
    local part = parts[tonumber(sub(id, -level, -level)) or 0]
    if id ~= '0' then part[#part + 1] = id end
  end
  for i = 0, 9 do
    local k = g.shards .. i .. name
    checked(try('SADD', k, unpack(parts[i])))
    call('PEXPIRE', k, px)
  end
  call('UNLINK', from)
  g.pending = g.pending - 1
  save()
end

-- shard returns the set where an id stands or would stand.
local function shard(g, id)
  local level = g.level
  if level == 0 then return g.key end
  local k = g.shards .. sub(id, -level)
  if g.pending > 0 then
    local name = sub(id, 1 - level)
    local from = g.shards .. name
    local unsplit = call('EXISTS', from) == 1
    -- A generation that takes no more stays as it is.
    if g ~= current then return unsplit and from or k end
    if unsplit and splits == 0 then return from end
    if unsplit then splits = splits - 1 end
    if unsplit or call('EXISTS', k) == 0 then split(g, from, name) end
  end
  return k
end

-- in_bucket reports whether an id is where an older Leadgate kept it: by its
-- event's time, in buckets with levels of their own, as written above.
local function in_bucket(b, id)
  if not b.level then
    local v = checked(try('GET', b.key .. ':l'))
    b.level, b.pending = match(v or '', '^(%d+) (%d+)$')
    b.level, b.pending = tonumber(b.level or 0), tonumber(b.pending or 0)
  end
  local k = b.key
  if b.level > 0 then
    k = b.key .. ':' .. sub(id, -b.level)
    if b.pending > 0 then
      local from = b.level > 1 and b.key .. ':' .. sub(id, 1 - b.level) or b.key
      if checked(try('SISMEMBER', from, id)) ~= 0 then return true end
    end
  end
  return checked(try('SISMEMBER', k, id)) ~= 0
end

-- remember_id remembers an id, and reports whether it is new. b is the bucket in
-- which an older Leadgate would have it. The id is kept from now on, or from so many
-- hours later; 128 and more say that the event has no usable time, so that it may
-- be in the bucket of each day.
local function remember_id(b, id, later)
  if not generations and not load() then return false end
  for i = 1, #past do
    if checked(try('SISMEMBER', shard(past[i], id), id)) ~= 0 then return false end
  end
  if old_until > now then
    if later < 128 then
      if in_bucket(b, id) then return false end
    else
      for i = first_day, first_day + days - 1 do
        if in_bucket(buckets[i], id) then return false end
      end
    end
  end
  local g = current
  local k = shard(g, id)
  if checked(try('SADD', k, id)) ~= 1 then return false end
  local till = now + later % 128 * hour_ms + window
  if till > g.known then
    g.known = till + math.max(window / 16, 1000)
    save()
  end
  if till > g.ends + window then call('PEXPIRE', k, whole(till - now + hour_ms), 'GT') end
  -- A look at every tenth id is enough to keep the set near its size.
  if byte(id, 5) == 48 and g.pending == 0 and g.level < shard_levels and call('SCARD', k) > shard_fill then
    g.level, g.pending = g.level + 1, 10 ^ g.level
    if g.level == 1 then split(g, g.key, '') else save() end
  end
  return true
end

local function forget_id(id) call('SREM', shard(current, id), id) end
