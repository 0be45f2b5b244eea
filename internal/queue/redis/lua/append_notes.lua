-- Part of append.lua, made by the first note or journal that there is: journals of contacts. A journal is a record, which package codec
-- reads (AppendJournal): version, till, and each note, the oldest first. Until the call is
-- at its end they are tables, by the contact's name.
local journal_of = base .. 't:'
local max_notes, max_bytes = 100, 32768
local journals, stale = {}, {} -- of these names nothing is to stand there any more

-- notes_of returns the journal of a contact: its notes, and till.
local function notes_of(name)
  local j = journals[name]
  if j then return j end
  j = {till = 0}
  local v, at = not stale[name] and try('GET', journal_of .. name), 10
  if type(v) == 'string' and #v > 9 then
    local till = parse('>d', v, 2)
    while till > now and at <= #v do
      local n = {}
      n.id, n.at, n.data, n.outcome, at = parse('>c16dHc0Hc0', v, at)
      j[#j + 1] = n
      j.till = till
    end
  end
  journals[name] = j
  return j
end

-- younger reports whether a note comes behind another.
local function younger(a, b)
  if a.at ~= b.at then return a.at > b.at end
  local a1, a2, a3, a4 = parse('>I4I4I4I4', a.id, 1)
  local b1, b2, b3, b4 = parse('>I4I4I4I4', b.id, 1)
  if a1 ~= b1 then return a1 > b1 end
  if a2 ~= b2 then return a2 > b2 end
  if a3 ~= b3 then return a3 > b3 end
  return a4 > b4
end

local function insert(j, n)
  local at = #j
  while at > 0 and younger(j[at], n) do at = at - 1 end
  table.insert(j, at + 1, n)
end

local function known(j, id)
  for i = 1, #j do
    if j[i].id == id then return i end
  end
end

-- trim leaves out the oldest notes, beyond the limits.
local function trim(j)
  local size, keep = 0, 0
  for i = #j, 1, -1 do
    size = size + #j[i].data + #j[i].outcome
    if keep == max_notes or size > max_bytes then break end
    keep = keep + 1
  end
  local over = #j - keep
  if over == 0 then return end
  for i = 1, #j do j[i] = j[i + over] end
end

-- note writes a note into the journal of the contact that a key leads to.
function note_down(key, n)
  local k = contacts .. key
  local name = sub(follow(k, get(k)), #contacts + 1)
  local j = notes_of(name)
  local i = known(j, n.id)
  if n.data ~= '' then
    if i then table.remove(j, i) end
    n.at = math.min(n.at, now)
    insert(j, n)
    trim(j)
  elseif i then
    j[i].outcome = n.outcome
    trim(j)
  else
    return
  end
  j.till, j.changed = math.max(j.till, now + remember_clicks), true
end

-- move_notes has what stands under other names stand under a contact's.
function move_notes(name, others)
  for _, other in ipairs(others) do
    local theirs = other ~= name and notes_of(other)
    if theirs and #theirs > 0 then
      local j = notes_of(name)
      for _, n in ipairs(theirs) do
        if not known(j, n.id) then insert(j, n) end
      end
      trim(j)
      j.till, j.changed = math.max(j.till, theirs.till), true
      journals[other], stale[other] = {till = 0}, true
    end
  end
end

-- keep_notes writes what was changed.
function keep_notes()
  for name in pairs(stale) do
    if not journals[name].changed then call('DEL', journal_of .. name) end
  end
  for name, j in pairs(journals) do
    if j.changed then
      local packed = {pack('>c1d', '\1', j.till)}
      for i = 1, #j do
        local n = j[i]
        packed[i + 1] = pack('>c16dHc0Hc0', n.id, n.at, #n.data, n.data, #n.outcome, n.outcome)
      end
      call('SET', journal_of .. name, concat(packed), 'PX', whole(math.max(j.till - now, 1)))
    end
  end
end
