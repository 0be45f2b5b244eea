-- Part of append.lua: the destinations of the call, and what is written for them.

-- All destinations are looked at before the first write, so that a key of another
-- type than it should be is found in time.
local dests, broken = {}, false
for i = 1, ndests do
  local d = {}
  d.keep, d.jobs, d.name, at = parse('>I4I4Hc0', ARGV[1], at)
  d.queue, d.letters, d.pending = base .. 'q:' .. d.name, base .. 'd:' .. d.name, base .. 'g:' .. d.name
  local len, extra = try('XLEN', d.queue), try('HGET', d.pending, '')
  if type(len) == 'table' then d.err, len = len.err, 0 end
  if type(extra) == 'table' then d.err, extra = extra.err, 0 end
  d.extra = len > 0 and math.max(0, tonumber(extra or 0)) or 0
  d.counted = tonumber(extra or 0) == d.extra
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

local woken = {} -- the names of the destinations that entries came for

-- list puts a destination into the tenant's set.
local function list(d)
  if d.unlisted then
    call('SADD', listed, d.name)
    d.unlisted = false
  end
end

-- write stores an entry ('Q') or a dead letter; it returns Redis's reason if it
-- could not.
local function write(d, outcome, header, payload, death)
  local r
  if outcome == 'Q' then
    r = try('XADD', d.queue, '*', 'h', header, 'p', payload)
    if type(r) == 'table' then return r.err end
    d.len = d.len + 1
    woken[d.name] = true
  else
    local died_at = whole(now)
    -- Stream ids of dead letters are by the edges' clock, by which the letters of all
    -- destinations are listed; where that went back, they are what the stream makes of it.
    r = try('XADD', d.letters, died_at .. '-*', 't', died_at, 'd', death, 'h', header, 'p', payload)
    if type(r) == 'table' then
      r = try('XADD', d.letters, '*', 't', died_at, 'd', death, 'h', header, 'p', payload)
    end
    if type(r) == 'table' then return r.err end
    if d.keep > 0 then call('XTRIM', d.letters, 'MAXLEN', d.keep) end
  end
  list(d)
end
