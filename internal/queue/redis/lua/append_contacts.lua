-- Part of append.lua: which keys are the same contact's, and the clicks of contacts.
--
-- Under a contact's key stands its record (see append_clicks.lua); under an alias or
-- a message's id a pointer: "A", until when it holds (ms, 0 = as long as the record),
-- a space, and the contact. A contact's names stand under one more key, each with its
-- length (4 bytes) in front: "1" and its aliases, or "2", the id of the message with
-- which it came, and its aliases. Its other messages' ids stand in a set for each 8
-- days. Only an erase reads messages.
local message_ms = 8 * 86400000 -- a message's id leads to its contact for so long
local contacts, links, messages = base .. 'c:', base .. 'n:', format('%sm:%.0f:', base, math.floor(now / message_ms))
local max_names = 64 -- aliases of a contact; beyond them the oldest goes
local spare = 500 -- aliases that this call may still move or prolong, so that it stays short
local message_px, messages_px, message_pointer = whole(message_ms), whole(2 * message_ms), 'A' .. whole(now + message_ms) .. ' '

-- include append_clicks.lua

-- value returns what stands under the i-th contact key of the call.
local function value(i)
  local v
  if changed then v = written[ARGV[first_contact + i - 1]] end
  if v == nil then v = found[i] end
  return v
end

-- get returns what stands under another key, false for nothing.
local function get(k)
  local v = written[k]
  if v == nil then v = try('GET', k) end
  return type(v) == 'string' and v or false
end

local function set(k, v, ...)
  call('SET', k, v, ...)
  written[k], changed = v, true
end

-- follow goes from a key, with what stands there, to its contact. It returns that,
-- its record, and when its last click was; a key that leads to no record is itself a
-- contact, without a record.
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

-- names_of returns the aliases of a contact, and the message that stands with them, ''
-- for none.
local function names_of(name)
  local list, v, at, with = {}, get(links .. name), 2, ''
  if v and byte(v) == 50 then with, at = parse('>I4c0', v, at) end
  while v and at <= #v do list[#list + 1], at = parse('>I4c0', v, at) end
  return list, with
end

-- list_message notes for an erase that a message leads to a contact.
local function list_message(name, id)
  if id == '' then return end
  try('SADD', messages .. name, id)
  try('PEXPIRE', messages .. name, messages_px)
end

-- absorb makes the aliases of an old contact those of its successor, of which it is
-- an alias itself from now on. Its messages' ids lead to the successor by it.
local function absorb(name, old, list)
  if spare < max_names then return end -- they lead there by it, too
  local theirs, with = names_of(old)
  list_message(old, with)
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

-- unlink forgets the aliases of a contact whose clicks have expired.
local function unlink(name)
  if spare < max_names then return end
  local list, with = names_of(name)
  list_message(name, with)
  spare = spare - #list
  for _, n in ipairs(list) do
    local k = contacts .. n
    if get(k) == 'A0 ' .. name then
      call('DEL', k)
      written[k], changed = false, true
    end
  end
  if #list > 0 or with ~= '' then
    call('DEL', links .. name)
    written[links .. name] = false
  end
end

-- take_notes has the journals that stand under other names of a contact be the contact's.
local function take_notes(name, others)
  local keys = {}
  for i = 1, #others do keys[i] = base .. 't:' .. others[i] end
  if #keys == 0 then return end
  local there = note_down and 1 or try('EXISTS', unpack(keys))
  if type(there) == 'number' and there > 0 then
    noting()
    move_notes(name, others)
  end
end

-- unheard reports whether nothing stands under an event's keys.
local function unheard(e)
  for i = e.from, e.from + e.keys - 1 do
    if value(i) then return false end
  end
  return e.keys <= max_names
end

-- link_new is link for clicks of a contact of whom nothing is known.
local function link_new(e, contact, name)
  local rec = #e.clicks == 1 and e.clicks or merge({}, e.clicks)
  local ms = rec[#rec].at + remember_clicks - now
  if ms <= 0 then return false end
  local life, has = math.floor(ms + remember_clicks / 4), {[contact] = true}
  set(contact, encode(rec), 'PX', whole(ms))
  local pointer, names, others = 'A0 ' .. name, {'1'}, {}
  if e.message ~= '' and contacts .. e.message ~= contact then
    set(contacts .. e.message, message_pointer .. name, 'PX', message_px)
    if life < message_ms then list_message(name, e.message) else names[1] = pack('>c1I4c0', '2', #e.message, e.message) end
  end
  life = whole(life)
  for i = first_contact + e.from, first_contact + e.from + e.keys - 2 do
    local k = ARGV[i]
    if not has[k] then
      has[k] = true
      set(k, pointer, 'PX', life)
      local n = sub(k, #contacts + 1)
      names[#names + 1] = pack('>I4c0', #n, n)
      others[#others + 1] = n
    end
  end
  take_notes(name, others)
  if #names > 1 or byte(names[1]) == 50 then set(links .. name, concat(names), 'PX', life) end
  return true
end

-- link writes an event's click, and makes the event's other keys and its message
-- lead to the contact, if that has a click. It reports whether the click is the
-- contact's first. Of e: from is the event's first contact key in the call, keys how
-- many it has, former how many of them, the last ones, are of an old identity;
-- message is its message's key, '' for none; clicks are its clicks, as decode gives them.
function link(e)
  local contact, raw, last = follow(ARGV[first_contact + e.from - 1], value(e.from))
  local name, rec, absorbed, successors = sub(contact, #contacts + 1), nil, nil, {}
  if not raw then
    unlink(name)
    if e.clicks and spare >= max_names and unheard(e) then return link_new(e, contact, name) end
  end
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
  if e.clicks then
    first = not raw and not rec
    rec = merge(rec or raw and decode(raw) or {}, e.clicks)
  end
  if rec then last = rec[#rec].at end
  if not last then return first end
  local ms = last + remember_clicks - now
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
    list_message(name, e.message)
  end
  if not rec and #aliases == 0 then return first end
  local renamed = {}
  for i = 1, #aliases do
    if not leads[i] then renamed[#renamed + 1] = aliases[i] end
  end
  take_notes(name, renamed)
  local life = try('PTTL', mine)
  if type(life) == 'table' then life = 0 end
  local list, has, with = {}, {}, ''
  if life ~= -2 then list, with = names_of(name) end
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
    life, spare = math.max(life, math.floor(ms + remember_clicks / 4)), spare - old
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
    local packed = {with == '' and '1' or pack('>c1I4c0', '2', #with, with)}
    for i = over + 1, #list do packed[#packed + 1] = pack('>I4c0', #list[i], list[i]) end
    if #packed > 1 or with ~= '' then set(mine, concat(packed), 'PX', whole(life)) end
  end
  return first
end
