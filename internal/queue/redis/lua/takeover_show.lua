#!lua flags=allow-oom
-- Shows the oldest entries of a destination, or where it has none its oldest dead
-- letters, to who takes them over. See takeover.go.
--
-- KEYS[1] -> lease
-- KEYS[2] -> queue
-- KEYS[3] -> retries
-- KEYS[4] -> dead letters
-- KEYS[5] -> state
-- KEYS[6] -> pending
-- KEYS[7] -> departures, spread
-- KEYS[8] -> the tenant's blocks: what refers to one is shown with it
-- ARGV[1] -> token
-- ARGV[2] -> how long the lease lives from now on (ms)
-- ARGV[3] -> how many it may show
-- ARGV[4] -> how many bytes
--
-- Returns nothing without the lease; else the state, how many entries and how many
-- dead letters follow, and of each its stream id and fields; of an entry also which
-- of it are pending ('' if it is no bundle), how many retries it has, and of each of
-- these the number in the bundle (0 = it is none) and the record. What may have been
-- sent is among the retries, under -1 less the number, with when that was.
-- Of an entry that refers to what is gone its stream id alone.
-- include bundles.lua
local lease, queue, retries, letters, state, pending, departures = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
if redis.call('GET', lease) ~= ARGV[1] then return {} end
redis.call('PEXPIRE', lease, ARGV[2])
local blocks = blocks_in(KEYS[8])
local most, bound, bytes = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
local out = {redis.call('GET', state) or '', 0, 0}
local function add(v) out[#out + 1] = v end

local function show(stream, count, each)
  for _, e in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', most)) do
    if bytes > bound then return end
    if #e[2] ~= (each and 4 or 8) then error('a stream entry has other fields: something else wrote to it') end
    local b = each and e[2][3] == 'g' and string.byte(e[2][4]) == 2 and e[2][4]
    if b then
      local block = blocks and redis.call('HGET', blocks, string.sub(b, 3))
      if not block then return e[1] end
      e[2][4] = '\1' .. string.sub(b, 2, 2) .. block
    end
    bytes = bytes + #e[2][#e[2]]
    out[count] = out[count] + 1
    add(e[1])
    for _, field in ipairs(e[2]) do add(field) end
    if each then each(e) end
  end
end

local departed = redis.call('HLEN', departures) > 0
local gone = show(queue, 2, function(e)
  local p = e[2][3] == 'g' and pending_of(queue, pending, e[1])
  add(p or '')
  local at, n = #out + 1, 0
  add(0)
  for part = p and 1 or 0, p and #p or 0 do
    local field = part == 0 and e[1] or e[1] .. '-' .. part
    local r = redis.call('HGET', retries, field)
    if r then
      n = n + 1
      add(part)
      add(r)
    end
    r = departed and redis.call('HGET', departures, '=' .. field)
    if r then
      n = n + 1
      add(-1 - part)
      add(r)
    end
  end
  out[at] = n
end)
if gone then return {gone} end
if out[2] == 0 then show(letters, 3) end
return out
