#!lua
-- Appends groups of one tenant, each whole or not at all. Everything is read,
-- and every key's type so checked, before the first write; the header grants no
-- allow-oom, so a full Redis refuses the script before it has written.
--
-- KEYS: the set of destinations, then keys in the order in which ARGV speaks of them
-- ARGV: now, max backlog, overflow's death record, key base, remember clicks (ms),
--       channel, sender, days to look up beside an event's own for one without a time;
--       destinations; groups
-- Returns a string per group: "+", a digit per event (1 = new), a letter per job
-- (Queued, Duplicate, Overflow, X = died); or "!" and the reason.

local KEYS, ARGV, tonumber, type = KEYS, ARGV, tonumber, type
local call, try = redis.call, redis.pcall
local match, sub = string.match, string.sub

local now, backlog = tonumber(ARGV[1]), tonumber(ARGV[2])
local base, remember, days = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[8])
local contacts, links = base .. 'c:', base .. 'k:'
local message_ms = 8 * 86400000
local max_counters = 100000
local shard_fill, shard_levels, sampled = 112, 5, {['0'] = true, ['8'] = true}

local ki, ai = 1, 8
local function key() ki = ki + 1 return KEYS[ki] end
local function arg() ai = ai + 1 return ARGV[ai] end
local function num() ai = ai + 1 return tonumber(ARGV[ai]) end

local problem
-- checked notes an error of a read; then the group is refused.
local function checked(v)
  if type(v) == 'table' and v.err then
    problem = problem or v.err
    return false
  end
  return v
end

-- Remembered ids: the bucket's own hash holds the first ids and, in the field
-- '', how many levels of shards there are, one hex digit of the id more each. So
-- a hash stays small, whatever the rate, and an id costs about 20 bytes. A hash
-- with the field '' is there, and so has its expiry.
local levels = {} -- of buckets, as raised by this call

local function lookup(bucket, e)
  local id = e.id
  local v = checked(try('HMGET', bucket, '', id))
  if not v then return true end
  if v[2] then return true end
  local level = v[1] and tonumber(v[1]) or 0
  local k, there = bucket, v[1]
  for l = 1, level do
    k = bucket .. ':' .. sub(e.hex, 1, l)
    if l < level then
      if checked(try('HEXISTS', k, id)) == 1 then return true end
    else
      v = checked(try('HMGET', k, '', id))
      if not v or v[2] then return true end
      there = v[1]
    end
  end
  return false, k, there, level
end

local function store(e)
  local bucket, k, level = e.bucket, e.shard, e.level
  local raised = levels[bucket]
  if raised and raised > level then
    level = raised
    k, e.there = bucket .. ':' .. sub(e.hex, 1, level), false
  end
  if e.there then
    call('HSET', k, e.id, '')
  else
    call('HSET', k, e.id, '', '', level == 0 and '0' or '')
    call('PEXPIRE', k, e.ttl)
  end
  -- A look at every eighth id is enough to keep the hash near its size.
  if sampled[sub(e.hex, shard_levels, shard_levels)] and level < shard_levels and call('HLEN', k) > shard_fill then
    levels[bucket] = level + 1
    call('HSET', bucket, '', level + 1)
  end
end

-- Clicks: under a contact's key stands its record, "R" with the times and
-- lengths of first, last and last with a click id; under an alias or a message
-- id "A", its end (0 = that of the record) and the contact. A contact's links
-- are its aliases ("a" and the key) and its message ids ("m" and the key).
local function whole(n) return string.format('%.0f', n) end

local function decode(v)
  local fa, la, ca, nf, nl, nc, at =
    match(v, '^R(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)\n()')
  if not fa then return nil end
  nf, nl, nc = tonumber(nf), tonumber(nl), tonumber(nc)
  local r = {fa = tonumber(fa), la = tonumber(la), ca = tonumber(ca)}
  if r.la + remember <= now then return nil end
  r.f = sub(v, at, at + nf - 1)
  at = at + nf
  if nl < 0 then r.l = r.f else
    r.l = sub(v, at, at + nl - 1)
    at = at + nl
  end
  if nc == -1 then r.c = r.l elseif nc == -2 then r.c = r.f else r.c = sub(v, at, at + nc - 1) end
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

local function get(k)
  local v = try('GET', k)
  return type(v) == 'string' and v or false
end

-- follow goes from a key and what stands there to the contact and its record;
-- a key that leads to no record is itself a contact.
local function follow(start, v)
  local k = start
  for _ = 1, 5 do
    if not v then return start end
    local till, to = match(v, '^A(%d+) (.*)$')
    if not till then
      local rec = decode(v)
      return rec and k or start, rec
    end
    if till ~= '0' and tonumber(till) <= now then return start end
    k = contacts .. to
    v = get(k)
  end
  return start
end

-- absorb makes what pointed to a merged contact point to its successor.
local function absorb(name, old)
  local theirs = links .. old
  local members = try('SMEMBERS', theirs)
  if members.err then return end
  for _, m in ipairs(members) do
    local k = contacts .. sub(m, 2)
    local till = match(get(k) or '', '^A(%d+) ')
    if till then
      call('SET', k, 'A' .. till .. ' ' .. name, 'KEEPTTL')
      try('SADD', links .. name, m)
    end
  end
  call('DEL', theirs)
end

local function link(e)
  local vals = call('MGET', unpack(e.keys))
  local any = e.at
  for i = 1, #e.keys do any = any or vals[i] end
  if not any then return end

  local contact, rec = follow(e.keys[1], vals[1])
  local name = sub(contact, #contacts + 1)
  local changed = false
  for i = 2, #e.keys do
    local k, v = e.keys[i], vals[i]
    local other = v and k ~= contact and decode(v)
    if other then
      rec, changed = merge(rec, other), true
      absorb(name, sub(k, #contacts + 1))
    end
  end
  if e.at then
    local clid = e.clid and e.data or ''
    e.first = not rec
    rec = merge(rec, {fa = e.at, f = e.data, la = e.at, l = e.data, ca = e.clid and e.at or 0, c = clid})
    changed = true
  end
  if not rec then return end
  local px = rec.la + remember - now
  if px <= 0 then return end
  if changed then call('SET', contact, encode(rec), 'PX', whole(px)) end

  local mine, linked = links .. name, changed
  local pointer = 'A0 ' .. name
  for i = 2, #e.keys do
    local k = e.keys[i]
    if k ~= contact and vals[i] ~= pointer then
      call('SET', k, pointer, 'PX', whole(px))
      try('SADD', mine, 'a' .. sub(k, #contacts + 1))
      linked = true
    end
  end
  if e.message and e.message ~= contact then
    call('SET', e.message, 'A' .. whole(now + message_ms) .. ' ' .. name, 'PX', message_ms)
    try('SADD', mine, 'm' .. sub(e.message, #contacts + 1))
    linked = true
  end
  if changed then
    -- Aliases live as long as the contact's clicks.
    local members = try('SMEMBERS', mine)
    for _, m in ipairs(members.err and {} or members) do
      if sub(m, 1, 1) == 'a' then call('PEXPIRE', contacts .. sub(m, 2), whole(px)) end
    end
  end
  if linked then call('PEXPIRE', mine, whole(math.max(px, message_ms))) end
end

-- Counters: a day's hash has a bounded number of fields. What goes wrong here
-- only leaves out a figure.
local counted = {} -- how many fields each hash has
local function count(c, events, jobs)
  if c.when == 2 then
    if jobs[c.of].outcome ~= 'Q' then return end
  else
    local e = events[c.of]
    if not e.new or (c.when == 1 and not e.first) then return end
  end
  local before = try('HGET', c.key, c.field)
  local fields = counted[c.key] or try('HLEN', c.key)
  if type(before) == 'table' or type(fields) == 'table' then return end
  if not before and fields >= max_counters then return end
  local value = c.text
  if value == '' then value = 'n' .. whole((before and tonumber(sub(before, 2)) or 0) + c.add) end
  if value ~= before then try('HSET', c.key, c.field, value) end
  if fields == 0 then try('PEXPIRE', c.key, c.ttl) end
  counted[c.key] = before and fields or fields + 1
end

-- First read and decide.
local dests = {}
for i = 1, num() do
  dests[i] = {q = key(), d = key(), name = arg(), keep = num()}
end

local seen, taken = {}, {}
local plans, answers = {}, {}
for g = 1, num() do
  problem = nil
  local payloads, events, jobs, counters = {}, {}, {}, {}
  for i = 1, num() do payloads[i] = arg() end
  for i = 1, num() do
    local id = arg()
    local e = {id = sub(id, shard_levels + 1), hex = id, ttl = arg(), bucket = key()}
    local known = seen[e.id] or false
    if not known then known, e.shard, e.there, e.level = lookup(e.bucket, e) end
    local what = num()
    if what % 2 == 1 then
      for _ = 1, days do
        local other = key()
        if not known then known = lookup(other, e) end
      end
    end
    if what > 1 then
      local click = arg()
      if click ~= '' then e.clid, e.at, e.data = click == '1', num(), arg() end
      e.keys = {}
      for c = 1, (what - what % 4) / 4 do e.keys[c] = key() end
      if what % 4 > 1 then e.message = key() end
    end
    e.new = not known
    if e.new then seen[e.id] = true end
    events[i] = e
  end
  for i = 1, num() do
    local j = {dest = dests[num()], payload = payloads[num()], header = arg(), death = arg()}
    local new = false
    for _ = 1, num() do new = events[num()].new or new end
    local once, known = {}, false
    for _ = 1, num() do
      local k, use, window = key(), num(), num()
      if use ~= 2 and new and not known then
        local v = taken[k] or checked(try('GET', k))
        known = v and tonumber(v) and tonumber(v) > now
      end
      if use ~= 1 then once[#once + 1] = {k = k, window = window} end
    end
    j.outcome = 'D'
    if new and not known then
      local d = j.dest
      if not d.len then
        d.len = checked(try('XLEN', d.q)) or 0
        if d.len == 0 then d.unlisted = true end
      end
      if j.death ~= '' then
        j.outcome = 'X'
      elseif d.len >= backlog then
        j.outcome, j.death = 'O', ARGV[3]
      else
        j.outcome = 'Q'
        d.len = d.len + 1
      end
      if j.death ~= '' then checked(try('XLEN', d.d)) end
      if d.unlisted then checked(try('SCARD', KEYS[1])) end
      j.once = once
      for _, o in ipairs(once) do
        o.before, taken[o.k] = taken[o.k], whole(now + o.window)
      end
    end
    jobs[i] = j
  end
  for i = 1, num() do
    counters[i] = {key = key(), field = arg(), add = num(), text = arg(), when = num(), of = num(), ttl = arg()}
  end

  if problem then
    -- What the group would have done didn't happen, for the groups after it.
    for _, e in ipairs(events) do if e.new then seen[e.id] = nil end end
    for i = #jobs, 1, -1 do
      local j = jobs[i]
      for o = #(j.once or {}), 1, -1 do taken[j.once[o].k] = j.once[o].before end
      if j.outcome == 'Q' then j.dest.len = j.dest.len - 1 end
    end
    for _, d in ipairs(dests) do if d.len == 0 then d.len = nil end end
    answers[g] = '!' .. problem
  else
    plans[#plans + 1] = {events = events, jobs = jobs, counters = counters}
    local a = {'+'}
    for _, e in ipairs(events) do a[#a + 1] = e.new and '1' or '0' end
    for _, j in ipairs(jobs) do a[#a + 1] = j.outcome end
    answers[g] = table.concat(a)
  end
end

-- Then write: entries before ids, so that what could still go wrong repeats an
-- event and never loses one.
local woken, wake = {}, {}
for _, p in ipairs(plans) do
  for _, j in ipairs(p.jobs) do
    local d = j.dest
    if j.outcome == 'Q' then
      call('XADD', d.q, '*', 'h', j.header, 'p', j.payload)
      if not woken[d] then
        woken[d] = true
        wake[#wake + 1] = d.name
      end
    elseif j.outcome ~= 'D' then
      -- Ids by the edges' clock, by which the letters of all destinations
      -- are listed; where it went back, by what the stream makes of it.
      local r = try('XADD', d.d, ARGV[1] .. '-*', 't', ARGV[1], 'd', j.death, 'h', j.header, 'p', j.payload)
      if type(r) == 'table' then
        call('XADD', d.d, '*', 't', ARGV[1], 'd', j.death, 'h', j.header, 'p', j.payload)
      end
      if d.keep > 0 then call('XTRIM', d.d, 'MAXLEN', d.keep) end
    end
    if j.outcome ~= 'D' then
      if d.unlisted then
        call('SADD', KEYS[1], d.name)
        d.unlisted = false
      end
      for _, o in ipairs(j.once) do
        call('SET', o.k, whole(now + o.window), 'PX', whole(o.window))
      end
    end
  end
  for _, e in ipairs(p.events) do
    if e.new then
      store(e)
      if e.keys then link(e) end
    end
  end
  for _, c in ipairs(p.counters) do count(c, p.events, p.jobs) end
end
if #wake > 0 then
  try('PUBLISH', ARGV[6], ARGV[7] .. ' ' .. table.concat(wake, ' '))
end
return answers
