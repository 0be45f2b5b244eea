#!lua flags=allow-oom
-- Adds to a destination what another tenant's of its name has, as takeover_show.lua
-- shows it. What was added before is left out. See takeover.go.
--
-- KEYS[1] -> lease
-- KEYS[2] -> queue
-- KEYS[3] -> retries
-- KEYS[4] -> pending
-- KEYS[5] -> dead letters
-- KEYS[6] -> state
-- KEYS[7] -> how far it went: the last stream ids that were added
-- KEYS[8] -> the tenant's destinations
-- KEYS[9] -> departures
-- ARGV[1] -> token
-- ARGV[2] -> the destination's name
-- ARGV[3] -> the other tenant
-- ARGV[…] -> what takeover_show.lua returned
--
-- Returns 0 without the lease, else 1.
-- include moving.lua
-- include letters.lua
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local queue, retries, pending, letters, state, taken, listed = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local from, departures = ARGV[3], KEYS[9]
redis.call('XLEN', queue) -- the types, before the first write
redis.call('XLEN', letters)
for _, k in ipairs({retries, pending, taken, departures}) do redis.call('HLEN', k) end
redis.call('SADD', listed, ARGV[2])
if ARGV[4] ~= '' and redis.call('EXISTS', state) == 0 then redis.call('SET', state, ARGV[4]) end

local at = 7
local function arg()
  at = at + 1
  return ARGV[at - 1]
end

-- after reports whether stream id a comes after b, which may be nothing.
local function after(a, b)
  if not b then return true end
  local ams, an = string.match(a, '(%d+)-(%d+)')
  local bms, bn = string.match(b, '(%d+)-(%d+)')
  ams, an, bms, bn = tonumber(ams), tonumber(an), tonumber(bms), tonumber(bn)
  return ams > bms or ams == bms and an > bn
end

local last = redis.call('HGET', taken, 'q' .. from)
for _ = 1, tonumber(ARGV[5]) do
  local id, f1, v1, f2, v2, p, n = arg(), arg(), arg(), arg(), arg(), arg(), tonumber(arg())
  local fresh, new = after(id, last), nil
  if fresh then
    new, last = redis.call('XADD', queue, '*', f1, v1, f2, v2), id
    if p ~= '' then take_pending(pending, new, p) end
  end
  for _ = 1, n do
    local part, record = arg(), arg()
    if fresh then
      local departed = string.match(part, '^-(%d+)')
      if departed then part = string.format('%d', departed - 1) end
      local field = part == '0' and new or new .. '-' .. part
      if departed then redis.call('HSET', departures, '=' .. field, record, '=', '1') else redis.call('HSET', retries, field, record) end
    end
  end
end
if last then redis.call('HSET', taken, 'q' .. from, last) end

last = redis.call('HGET', taken, 'd' .. from)
for _ = 1, tonumber(ARGV[6]) do
  local id, e = arg(), {}
  for i = 1, 8 do e[i] = arg() end
  if after(id, last) then
    bury(letters, e[2], unpack(e))
    last = id
  end
end
if last then redis.call('HSET', taken, 'd' .. from, last) end
return 1
