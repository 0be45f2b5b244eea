#!lua
-- Appends groups of one tenant, one after the other, each whole or not at all:
-- of a group everything is read and decided before its entries are written, and
-- an id that was remembered for it is forgotten again if it is refused. The
-- header grants no allow-oom, so a full Redis refuses the script as a whole.
--
-- KEYS: the set of destinations; the others begin with the key base
-- ARGV: the call (see layout.go), overflow's death record, key base, channel or nothing, sender,
--       the groups' plans, the keys of contacts, of each page its first header and its bytes, the payloads
-- Returns of each group, with line feeds between: "+", a digit per event (1 = new), a letter
-- per job (Queued, Duplicate, Overflow, X = died); or "!" and the reason. Or "=" alone: a destination has no
-- room for its page, so that the call must be made again without pages. Of a part of a group that has a note
-- (see note.go): "~" and what was answered, if that part was stored before, "-" if the note is gone.

local ARGV, listed, tonumber, type = ARGV, KEYS[1], tonumber, type
local call, try, parse, pack, concat = redis.call, redis.pcall, struct.unpack, struct.pack, table.concat
local byte, format, match, sub = string.byte, string.format, string.match, string.sub

local now, backlog, remember, window, first_day, days, nbuckets, ndests, npages, ngroups, ncontacts, note, part, at =
  parse('>ddddHHHHHI4I4Hc0I4', ARGV[1], 1)
local base, plans, first_contact = ARGV[3], ARGV[6], 7

if note ~= '' then
  -- A later delivery may have written a note of that name when this one was finished
  -- and removed: what was new then is not for this attempt to queue again.
  local name, by = match(note, '^(%x+) (%x+)$')
  note = base .. 'w:' .. name
  local was = call('HMGET', note, 'by', part)
  if was[1] ~= by then return '-' end
  if was[2] then return '~' .. was[2] end
end

local problem
-- checked notes an error; then the group is refused.
local function checked(v)
  if type(v) == 'table' and v.err then
    problem = problem or v.err
    return false
  end
  return v
end

-- Remembered ids: sets of 64-bit numbers, which Redis keeps sorted in 8 bytes
-- each while they are few. They stand in the generation in which they came, by the
-- edges' clock and not by their events' time, of which two copies may carry
-- different ones. A generation takes ids for as long as the window is, and keeps
-- them for the window from its last: so an id that is new is looked up in the one
-- before and no other, which costs no more than the bits of a filter would.
--
-- When a generation's set has grown, its level rises, and from then on ids stand
-- in shards, which are named by as many of an id's last digits: so a set stays
-- small, whatever the rate. The shards of the level before are split when an id of
-- theirs is looked up, a few in a call. Each set has the member 0, so that it is
-- there, with its expiry, before an id is added.
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

local function text(n) return format('%.0f', n) end

local function save()
  local v, life = {pack('>dB', old_until, #generations)}, 0
  for i = 1, #generations do
    local g = generations[i]
    v[i + 1] = pack('>ddddd', g.began, g.ends, g.known, g.level, g.pending)
    life = math.max(life, g.known - now, g.ends + window - now)
  end
  call('SET', base .. 'i', concat(v), 'PX', text(life + 2 * hour_ms))
end

-- life is how long a generation's sets must live, ms.
local function life(g) return text(math.max(g.ends + window, g.known) - now + hour_ms) end

-- begin begins the generation that takes ids from now on. The oldest goes when
-- there are too many, and not by the clock, which may be wrong for a while.
local function begin()
  local g = {began = now, ends = now + math.max(window, 600000), known = 0, level = 0, pending = 0}
  for _, other in ipairs(generations) do
    if other.began == g.began then g.began = g.began + 1 end
  end
  if #generations == most_generations then table.remove(generations, 1) end
  g.key = base .. 'i:' .. text(g.began)
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
    g.key = base .. 'i:' .. text(g.began)
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
    local whole = call('EXISTS', from) == 1
    -- A generation that takes no more stays as it is.
    if g ~= current then return whole and from or k end
    if whole and splits == 0 then return from end
    if whole then splits = splits - 1 end
    if whole or call('EXISTS', k) == 0 then split(g, from, name) end
  end
  return k
end

-- in_old says whether an id is in a set of an older Leadgate, which kept them by
-- their events' time in buckets with levels of their own, as written above.
local function in_old(b, id)
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

-- add remembers an id, and says whether it is new. b is where an older Leadgate
-- would have it. The id is kept from now, or so many hours later; 128 and more
-- say that the event has no time of use, so that b is the first of many.
local function add(b, id, later)
  if not generations and not load() then return false end
  for i = 1, #past do
    if checked(try('SISMEMBER', shard(past[i], id), id)) ~= 0 then return false end
  end
  if old_until > now then
    if later < 128 then
      if in_old(b, id) then return false end
    else
      for i = first_day, first_day + days - 1 do
        if in_old(buckets[i], id) then return false end
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
  if till > g.ends + window then call('PEXPIRE', k, text(till - now + hour_ms), 'GT') end
  -- A look at every tenth id is enough to keep the set near its size.
  if byte(id, 5) == 48 and g.pending == 0 and g.level < shard_levels and call('SCARD', k) > shard_fill then
    g.level, g.pending = g.level + 1, 10 ^ g.level
    if g.level == 1 then split(g, g.key, '') else save() end
  end
  return true
end

local function forget(_, id) call('SREM', shard(current, id), id) end

-- What stands under the contacts' keys: read at once for all events, and
-- corrected by what this call writes.
local found, written, changed = {}, {}, false
for from = 1, ncontacts, 4000 do
  local to = math.min(from + 3999, ncontacts)
  local values = call('MGET', unpack(ARGV, first_contact + from - 1, first_contact + to - 1))
  if from == 1 then found = values else
    for i = from, to do found[i] = values[i - from + 1] end
  end
end

-- What is of another type than it should be is found before the first write.
local dests, broken = {}, false
for i = 1, ndests do
  local d = {}
  d.keep, d.jobs, d.name, at = parse('>I4I4Hc0', ARGV[1], at)
  d.queue, d.letters, d.marks = base .. 'q:' .. d.name, base .. 'd:' .. d.name, base .. 'g:' .. d.name
  local len, extra = try('XLEN', d.queue), try('HGET', d.marks, '')
  if type(len) == 'table' then d.err, len = len.err, 0 end
  if type(extra) == 'table' then d.err, extra = extra.err, 0 end
  d.extra = len > 0 and math.max(0, tonumber(extra or 0)) or 0
  d.len = len + d.extra
  if len == 0 and not d.err then
    local known = try('SCARD', listed)
    if type(known) == 'table' then d.err = known.err end
    d.unlisted = true
  end
  if d.len + d.jobs > backlog then
    d.full = true
    local known = try('XLEN', d.letters)
    if type(known) == 'table' then d.err = known.err end
  end
  broken = broken or d.err
  dests[i] = d
end

-- A page is several entries of a destination in one. It is written before it is
-- known which of them are new: those that aren't are marked as gone.
local pages, page_at = {}, first_contact + ncontacts
for i = 1, npages do
  local dest
  dest, at = parse('>H', ARGV[1], at)
  local d = dests[dest]
  if d.full and not d.err then return '=' end
  pages[i] = {dest = d, live = 0}
end
for i = 1, npages do
  local pg, d = pages[i], pages[i].dest
  if not d.err then
    pg.id = try('XADD', d.queue, '*', 'h', ARGV[page_at + 2 * i - 2], 'g', ARGV[page_at + 2 * i - 1])
    if type(pg.id) == 'table' then
      d.err, pg.id, broken = pg.id.err, nil, true
    end
  end
end

local woken = {}

local function list(d)
  if d.unlisted then
    call('SADD', listed, d.name)
    d.unlisted = false
  end
end

-- write stores an entry or a dead letter; it returns Redis's reason if it could
-- not.
local function write(d, outcome, header, payload, death)
  local r
  if outcome == 'Q' then
    r = try('XADD', d.queue, '*', 'h', header, 'p', payload)
    if type(r) == 'table' then return r.err end
    d.len = d.len + 1
    woken[d.name] = true
  else
    local died_at = format('%.0f', now)
    -- Ids by the edges' clock, by which the letters of all destinations
    -- are listed; where it went back, by what the stream makes of it.
    r = try('XADD', d.letters, died_at .. '-*', 't', died_at, 'd', death, 'h', header, 'p', payload)
    if type(r) == 'table' then
      r = try('XADD', d.letters, '*', 't', died_at, 'd', death, 'h', header, 'p', payload)
    end
    if type(r) == 'table' then return r.err end
    if d.keep > 0 then call('XTRIM', d.letters, 'MAXLEN', d.keep) end
  end
  list(d)
end

-- mark adds the next entry of a page: whether it waits or is gone.
local function mark(pg, waits)
  pg[#pg + 1] = waits and '1' or '0'
  if waits then pg.live = pg.live + 1 end
end

-- The next group's plan, its payloads, its contacts' keys.
local plan_at, payload_at, key_at = 1, page_at + 2 * npages, 1

-- The rest is for clicks, for those who have clicked and for groups that aren't
-- plain. Making its functions costs as much as appending two events, so they are
-- made when one is needed.
local function rest()
  local message_ms = 8 * 86400000 -- a message's id leads to its contact for so long
  local contacts, links, messages = base .. 'c:', base .. 'n:', format('%sm:%.0f:', base, math.floor(now / message_ms))
  local max_counters = 100000
  local max_names = 64 -- of a contact; beyond them the oldest goes
  local spare = 500 -- names that this call may still move or prolong, so that it stays short

  local function whole(n) return format('%.0f', n) end
  local message_px, messages_px, message_pointer = whole(message_ms), whole(2 * message_ms), 'A' .. whole(now + message_ms) .. ' '

  -- Clicks: under a contact's key stands its record, "R" with the times and
  -- lengths of first, last and last with a click id; under an alias or a message
  -- id "A", its end (0 = that of the record) and the contact. A contact's names
  -- are its aliases: "1", and each with its length in front. Its message ids stand
  -- in a set for each 8 days, which only erase reads.
  local function alive(v)
    local last = match(v, '^R%-?%d+ (%-?%d+) ')
    return last and tonumber(last) + remember > now and last
  end

  local function decode(v)
    local fa, la, ca, nf, nl, nc, from =
      match(v, '^R(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)\n()')
    nf, nl, nc = tonumber(nf), tonumber(nl), tonumber(nc)
    local r = {fa = tonumber(fa), la = tonumber(la), ca = tonumber(ca)}
    r.f = sub(v, from, from + nf - 1)
    from = from + nf
    if nl < 0 then r.l = r.f else
      r.l = sub(v, from, from + nl - 1)
      from = from + nl
    end
    if nc == -1 then r.c = r.l elseif nc == -2 then r.c = r.f else r.c = sub(v, from, from + nc - 1) end
    return r
  end

  local function encode(r)
    local nl, l = #r.l, r.l
    if r.l == r.f then nl, l = -1, '' end
    local nc, c = #r.c, r.c
    if c ~= '' then
      if c == r.l then nc, c = -1, '' elseif c == r.f then nc, c = -2, '' end
    end
    return 'R' .. whole(r.fa) .. ' ' .. whole(r.la) .. ' ' .. whole(r.ca) .. ' ' ..
      #r.f .. ' ' .. nl .. ' ' .. nc .. '\n' .. r.f .. l .. c
  end

  local function merge(r, o)
    if not r then return o end
    if o.fa < r.fa then r.fa, r.f = o.fa, o.f end
    if o.la >= r.la then r.la, r.l = o.la, o.l end
    if o.c ~= '' and (r.c == '' or o.ca >= r.ca) then r.ca, r.c = o.ca, o.c end
    return r
  end

  local function value(i)
    local v
    if changed then v = written[ARGV[first_contact + i - 1]] end
    if v == nil then v = found[i] end
    return v
  end

  local function get(k)
    local v = written[k]
    if v == nil then v = try('GET', k) end
    return type(v) == 'string' and v or false
  end

  local function set(k, v, ...)
    call('SET', k, v, ...)
    written[k], changed = v, true
  end

  -- follow goes from a key and what stands there to the contact, its record and
  -- when its last click was; a key that leads to no record is itself a contact.
  local function follow(start, v)
    local k = start
    for _ = 1, 5 do
      if not v then return start end
      local till, to = match(v, '^A(%d+) (.*)$')
      if not till then
        local last = alive(v)
        if not last then return start end
        return k, v, tonumber(last)
      end
      if till ~= '0' and tonumber(till) <= now then return start end
      k = contacts .. to
      v = get(k)
    end
    return start
  end

  local function names_of(name)
    local list, v, at = {}, get(links .. name), 2
    while v and at <= #v do list[#list + 1], at = parse('>I4c0', v, at) end
    return list
  end

  -- absorb makes the names of a merged contact its successor's. Its message ids
  -- lead there by it: it is a name itself now.
  local function absorb(name, old, list)
    if spare < max_names then return end -- they lead there by it, too
    local theirs = names_of(old)
    spare = spare - #theirs
    for _, n in ipairs(theirs) do
      local k = contacts .. n
      if get(k) == 'A0 ' .. old then
        set(k, 'A0 ' .. name, 'KEEPTTL')
        list[#list + 1] = n
      end
    end
    call('DEL', links .. old)
    written[links .. old] = false
  end

  -- unlink forgets the names of a contact whose clicks have expired.
  local function unlink(name)
    if spare < max_names then return end
    local list = names_of(name)
    spare = spare - #list
    for _, n in ipairs(list) do
      local k = contacts .. n
      if get(k) == 'A0 ' .. name then
        call('DEL', k)
        written[k], changed = false, true
      end
    end
    if #list > 0 then
      call('DEL', links .. name)
      written[links .. name] = false
    end
  end

  -- link writes an event's click, and makes its other keys and its message lead
  -- to the contact, if that has one. It says whether it is the contact's first.
  local function link(e)
    local contact, raw, last = follow(ARGV[first_contact + e.from - 1], value(e.from))
    local name, rec, absorbed, successors = sub(contact, #contacts + 1), nil, nil, {}
    if not raw then unlink(name) end
    for i = e.from + 1, e.from + e.keys - 1 do
      local k, v = ARGV[first_contact + i - 1], value(i)
      if i >= e.from + e.keys - (e.former or 0) then
        -- A former key may be an alias: all that is known of that person moves.
        local old, known = follow(k, v)
        if known and old ~= k and old ~= contact then successors[#successors + 1] = old end
        k, v = old, known
      end
      if v and k ~= contact and alive(v) then
        rec = merge(rec or raw and decode(raw), decode(v))
        absorbed = absorbed or {}
        absorb(name, sub(k, #contacts + 1), absorbed)
      end
    end
    local first = false
    if e.at then
      first = not raw and not rec
      local clid = e.clid and e.data or ''
      rec = merge(rec or raw and decode(raw), {fa = e.at, f = e.data, la = e.at, l = e.data, ca = e.clid and e.at or 0, c = clid})
    end
    if rec then last = rec.la end
    if not last then return first end
    local ms = last + remember - now
    if ms <= 0 then return false end -- a click of long ago alone is not kept
    local px = whole(ms)
    if rec then set(contact, encode(rec), 'PX', px) end

    local mine, pointer, aliases, leads = links .. name, 'A0 ' .. name, {}, {}
    for i = e.from + 1, e.from + e.keys - 1 do
      local k = ARGV[first_contact + i - 1]
      -- A click's are looked at in any case, so that they live as long as it.
      local v = value(i)
      local there = v == pointer
      if k ~= contact and (rec or not there) then
        if v and byte(v) == 82 and not alive(v) then unlink(sub(k, #contacts + 1)) end
        aliases[#aliases + 1], leads[#leads + 1] = sub(k, #contacts + 1), there
      end
    end
    for _, k in ipairs(successors) do
      aliases[#aliases + 1], leads[#leads + 1] = sub(k, #contacts + 1), false
    end
    local k = contacts .. e.message
    if e.message ~= '' and k ~= contact then
      set(k, message_pointer .. name, 'PX', message_px)
      try('SADD', messages .. name, e.message)
      try('PEXPIRE', messages .. name, messages_px)
    end
    if not rec and #aliases == 0 then return first end
    local life = try('PTTL', mine)
    if type(life) == 'table' then life = 0 end
    local list, has = life ~= -2 and names_of(name) or {}, {}
    local known = #list
    for i = 1, known do has[list[i]] = true end
    local function take(n)
      if not has[n] then list[#list + 1], has[n] = n, true end
    end
    for _, n in ipairs(absorbed or {}) do take(n) end
    local old = #list -- these lead here already
    for _, n in ipairs(aliases) do take(n) end
    -- Aliases live at least as long as the clicks: and a quarter longer, so that
    -- prolonging them all is seldom.
    local longer = life < ms or absorbed
    if longer and life > 0 and spare < old then longer = false end
    if longer then
      life, spare = math.max(life, math.floor(ms + remember / 4)), spare - old
      for i = 1, old do call('PEXPIRE', contacts .. list[i], whole(life)) end
    end
    for i = 1, #aliases do
      local k = contacts .. aliases[i]
      if not leads[i] then set(k, pointer, 'PX', whole(life)) elseif longer then call('PEXPIRE', k, whole(life)) end
    end
    local over = math.max(#list - max_names, 0)
    for i = 1, over do
      local k = contacts .. list[i]
      if get(k) == pointer then
        call('DEL', k)
        written[k] = false
      end
    end
    if #list > known or longer then
      local packed = {'1'}
      for i = over + 1, #list do packed[#packed + 1] = pack('>I4c0', #list[i], list[i]) end
      if #packed > 1 then set(mine, concat(packed), 'PX', whole(life)) end
    end
    return first
  end

  -- Counters: a day's hash has a bounded number of fields. What goes wrong here
  -- only leaves out a figure.
  local counted = {} -- how many fields each hash has
  local function count(k, field, add, text, ttl)
    local fields = counted[k] or try('HLEN', k)
    if type(fields) == 'table' then return end
    counted[k] = fields
    if fields >= max_counters and try('HEXISTS', k, field) ~= 1 then return end
    local new
    if text == '' then
      local sum = try('HINCRBY', k, field, whole(add))
      new = sum == add
    elseif try('HGET', k, field) ~= text then
      new = try('HSET', k, field, text) == 1
    end
    if new then
      -- At most one too many: a sum that began at nothing counts as a field.
      counted[k] = fields + 1
      if fields == 0 then try('PEXPIRE', k, ttl) end
    end
  end

  local taken = {} -- once keys set by this call: until when
  local function known(once)
    for _, o in ipairs(once) do
      if o.use ~= 2 and (taken[o.key] or o.till) > now then return true end
    end
    return false
  end

  -- group appends the next group, whatever it is.
  local function group()
    local npayloads, nevents, njobs, ncounters, p = parse('>I4I4I4I4', plans, plan_at + 5)
    local first_payload = payload_at - 1
    payload_at = payload_at + npayloads
    problem = nil

    local answer, new, remembered, touched = {'+'}, {[0] = true}, {}, nil
    for i = 1, nevents do
      local id, bucket, later, seal, keys, click, message, clicked, data
      id, bucket, later, seal, p = parse('>Bc0HBBc0', plans, p)
      local b, fresh = buckets[bucket], true
      if seal ~= '' then
        -- First: an id that comes under a known seal is not remembered.
        local day, kept
        day, kept, p = parse('>HB', plans, p)
        fresh = add(buckets[day], seal, kept)
        if fresh then remembered[#remembered + 1] = {buckets[day], seal} end
      end
      fresh = fresh and add(b, id, later)
      if fresh then remembered[#remembered + 1] = {b, id} end
      keys, click, p = parse('>BB', plans, p)
      if keys > 0 then
        local former = math.floor(click / 4)
        click = click % 4
        message, p = parse('>I4c0', plans, p)
        if click > 0 then clicked, data, p = parse('>dI4c0', plans, p) end
        local any = clicked
        for k = key_at, key_at + keys - 1 do any = any or value(k) end
        -- What an event before it in the group writes may concern it too.
        if fresh and (any or touched) then
          touched = touched or {}
          touched[i] = {from = key_at, keys = keys, message = message, at = clicked, clid = click == 2, data = data, former = former}
        end
        key_at = key_at + keys
      end
      new[i] = fresh
      answer[#answer + 1] = fresh and '1' or '0'
    end

    -- Look at everything that the jobs will touch, …
    local jobs = {}
    for i = 1, njobs do
      local j = {}
      local dest, page, payload, event, more, nonce
      page, dest, payload, j.header, j.death, event, more, nonce, p = parse('>HHI4I4c0I4c0I4I4I4', plans, p)
      j.page, j.dest, j.payload, j.new = pages[page], dests[dest], ARGV[first_payload + payload], new[event]
      for _ = 1, more do
        event, p = parse('>I4', plans, p)
        j.new = j.new or new[event]
      end
      for o = 1, nonce do
        local once = {}
        local old
        once.use, once.window, once.key, old, p = parse('>BdHc0I4c0', plans, p)
        once.key = base .. 'u:' .. once.key
        once.till = 0
        -- Leadgate before 0.1 had them in clear, as long as remember_clicks: 28 days
        -- after its release the second look-up can go.
        if j.new then once.till = tonumber(checked(try('GET', once.key)) or checked(try('GET', base .. 'o:' .. old)) or 0) or 0 end
        j.once = j.once or {}
        j.once[o] = once
      end
      if j.new then
        problem = problem or j.dest.err
        if j.death ~= '' then checked(try('XLEN', j.dest.letters)) end
      end
      jobs[i] = j
    end

    -- … and then write. What could still go wrong repeats an entry and loses none.
    for i = 1, njobs do
      local j = jobs[i]
      j.outcome = 'D'
      if not problem and j.new and not (j.once and known(j.once)) then
        if j.death ~= '' then
          j.outcome = 'X'
        elseif not j.page and j.dest.len >= backlog then
          j.outcome, j.death = 'O', ARGV[2]
        else
          j.outcome = 'Q'
        end
        if not j.page then problem = write(j.dest, j.outcome, j.header, j.payload, j.death) end
        for _, o in ipairs(not problem and j.once or {}) do
          if o.use ~= 1 then
            taken[o.key] = now + o.window
            call('SET', o.key, now + o.window, 'PX', o.window)
          end
        end
      end
      answer[#answer + 1] = j.outcome
    end
    for i = 1, njobs do
      local j = jobs[i]
      if j.page then mark(j.page, not problem and j.outcome == 'Q') end
    end
    if problem then
      for _, r in ipairs(remembered) do forget(r[1], r[2]) end
      return '!' .. problem
    end

    local first = {}
    if touched then
      for i = 1, nevents do first[i] = touched[i] and link(touched[i]) end
    end
    for _ = 1, ncounters do
      local k, field, add_, text, when, of, ttl, once, window
      k, field, add_, text, when, of, ttl, once, window, p = parse('>Hc0Hc0I4I4c0BI4dHc0d', plans, p)
      local counts = new[of]
      if when == 1 then counts = first[of] elseif when == 2 then counts = jobs[of].outcome == 'Q' end
      if counts and once ~= '' then
        -- Set before it is counted: what goes wrong leaves out a figure.
        counts = try('SET', base .. 'u:' .. once, now + window, 'NX', 'PX', window)
        counts = counts and not counts.err
      end
      if counts then count(base .. 'a:' .. k, field, add_, text, ttl) end
    end
    return concat(answer)
  end

  return link, group
end

local link, group -- of the rest

-- plain appends the next group if it is one event, no click, with jobs that have
-- neither once keys nor a death: nearly every webhook. It does what group does,
-- without tables.
local function plain()
  local npayloads, id, bucket, untimed, keys, message, njobs, p = parse('>BBc0HBBI4c0H', plans, plan_at + 5)
  local payload, from = ARGV[payload_at], key_at
  payload_at, key_at = payload_at + npayloads, key_at + keys
  problem = nil
  local b, first = buckets[bucket], p
  if broken then
    for _ = 1, njobs do
      local page, dest, q = parse('>HH', plans, p)
      if page == 0 then _, q = parse('>I4c0', plans, q) end
      problem, p = problem or dests[dest].err, q
    end
    p = first
  end
  local fresh = not problem and add(b, id, untimed)
  local answer = fresh and '+1' or '+0'
  for _ = 1, njobs do
    local page, dest, q = parse('>HH', plans, p)
    local outcome = fresh and 'Q' or 'D'
    if page > 0 then mark(pages[page], fresh) else
      local header, death
      header, q = parse('>I4c0', plans, q)
      if fresh and not problem then
        local d = dests[dest]
        if d.len >= backlog then outcome, death = 'O', ARGV[2] end
        problem = write(d, outcome, header, payload, death)
      end
    end
    answer, p = answer .. outcome, q
  end
  if problem then
    if fresh then forget(b, id) end
    return '!' .. problem
  end
  if fresh then
    local touched = changed and keys > 0
    for i = from, from + keys - 1 do touched = touched or found[i] end
    if touched then
      if not link then link, group = rest() end
      link({from = from, keys = keys, message = message})
    end
  end
  return answer
end

local answers = {}
for g = 1, ngroups do
  local size, kind = parse('>I4B', plans, plan_at)
  if kind == 1 then answers[g] = plain() else
    if not link then link, group = rest() end
    answers[g] = group()
  end
  plan_at = plan_at + size
end

for i = 1, npages do
  local pg, d = pages[i], pages[i].dest
  if pg.live > 0 then
    d.extra = d.extra + pg.live - 1
    call('HSET', d.marks, pg.id, concat(pg), '', d.extra)
    list(d)
    woken[d.name] = true
  elseif pg.id then
    call('XDEL', d.queue, pg.id)
  end
end

if ARGV[4] ~= '' then
  local wake = {ARGV[5]}
  for name in pairs(woken) do wake[#wake + 1] = name end
  if #wake > 1 then try('PUBLISH', ARGV[4], concat(wake, ' ')) end
end
answers = concat(answers, '\n')
if note ~= '' and byte(answers) == 43 then call('HSET', note, part, answers) end
return answers
