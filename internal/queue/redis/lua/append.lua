#!lua
-- Appends groups of one tenant, one after the other, each whole or not at all: of
-- a group everything is read and decided before its entries are written, and an id
-- that was remembered for it is forgotten again if the group is refused. The first
-- line grants no allow-oom, so a full Redis refuses the script as a whole.
--
-- What Go packs and this script unpacks, and the letters that it answers, are
-- described once, in wire.go.
--
-- KEYS[1]  -> the set of the tenant's destinations; the names of all other keys begin with ARGV[3]
-- ARGV[1]  -> the call
-- ARGV[2]  -> the death record of an entry that finds its backlog full
-- ARGV[3]  -> what the names of the tenant's keys begin with
-- ARGV[4]  -> the channel on which other edges are told; '' = nobody need be told
-- ARGV[5]  -> who tells them: this edge's token, and the tenant
-- ARGV[6]  -> the groups' manifests
-- ARGV[7…] -> the keys of contacts, then of each bundle the header of its first entry and its bytes, then of each block
--              its id and its bytes, then the payloads
--
-- Returns a line for each group; or "=" if bundles have no room, "-" if the part's
-- note is gone, "~" and the answer if the part was stored before.

local ARGV, listed, tonumber, type = ARGV, KEYS[1], tonumber, type
local call, try, parse, pack, concat = redis.call, redis.pcall, struct.unpack, struct.pack, table.concat
local byte, format, match, sub = string.byte, string.format, string.match, string.sub

local now, backlog, remember_clicks, window, first_day, days, nbuckets, ndests, nbundles, nblocks, ngroups, ncontacts, note, part, at =
  parse('>ddddHHHHHHI4I4Hc0I4', ARGV[1], 1)
local base, manifests, first_contact = ARGV[3], ARGV[6], 7
local bundles_at = first_contact + ncontacts

if note ~= '' then
  -- A later delivery may have written a note of that name when this one was finished
  -- and removed: what was new then is not for this attempt to queue again.
  local name, by = match(note, '^(%x+) (%x+)$')
  note = base .. 'w:' .. name
  local was = call('HMGET', note, 'by', part)
  if was[1] ~= by then return '-' end
  if was[2] then return '~' .. was[2] end
end

local problem -- why the group at hand is refused

-- checked takes the reply of a command that may have failed: an error refuses the
-- group, and makes the reply false.
local function checked(v)
  if type(v) == 'table' and v.err then
    problem = problem or v.err
    return false
  end
  return v
end

local function whole(n) return format('%.0f', n) end

-- include append_ids.lua

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

-- include append_destinations.lua
-- include append_bundles.lua

-- Where the next group's manifest, its payloads and its contacts' keys begin.
local manifest_at, payload_at, key_at = 1, bundles_at + 2 * nbundles + 2 * nblocks, 1

local link, group, count, tell_counts -- made by the first that needs them
local note_down, move_notes, keep_notes -- likewise

-- clicks_at reads some clicks of an event from the manifests, as decode gives them.
local function clicks_at(p, n)
  local clicks = {}
  for i = 1, n do
    local at, kind, data
    at, kind, data, p = parse('>dBI4c0', manifests, p)
    clicks[i] = {kind = kind, at = at, data = data}
  end
  return clicks, p
end

-- general makes these functions, which most calls don't need: making them costs as much
-- as appending two events.
local function general()
  local noting
  -- include append_contacts.lua
  -- include append_counters.lua
  function noting() -- makes functions that few calls need
    if note_down then return end
    -- include append_notes.lua
  end
  local function claiming() -- likewise
    -- include codes_claim.lua
    return code_claim, code_claimed
  end
  -- include append_group.lua
end

-- include append_plain.lua

local answers = {}
for g = 1, ngroups do
  local size, kind = parse('>I4B', manifests, manifest_at)
  if kind > 0 then answers[g] = plain(kind) else
    if not group then general() end
    answers[g] = group()
  end
  manifest_at = manifest_at + size
end

-- include append_end.lua
