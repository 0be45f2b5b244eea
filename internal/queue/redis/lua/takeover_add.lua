#!lua flags=allow-oom
-- Adds to a destination what another tenant's of its name has. What it was given before is left out.
-- KEYS: lease, queue, retries, marks, dead letters, state, what was taken, destinations
-- ARGV: token, the destination's name, the other's tenant, its state, and the entries and dead letters as inherit.lua shows them
-- Returns 0 without the lease.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local queue, retries, hash, letters, taken, from = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[7], ARGV[3]
redis.call('XLEN', queue) -- the types, before the first write
redis.call('XLEN', letters)
for _, k in ipairs({retries, hash, taken}) do redis.call('HLEN', k) end
redis.call('SADD', KEYS[8], ARGV[2])
if ARGV[4] ~= '' and redis.call('EXISTS', KEYS[6]) == 0 then redis.call('SET', KEYS[6], ARGV[4]) end

local at = 7
local function arg()
  at = at + 1
  return ARGV[at - 1]
end
local function after(a, b)
  if not b then return true end
  local ams, an = string.match(a, '(%d+)-(%d+)')
  local bms, bn = string.match(b, '(%d+)-(%d+)')
  ams, an, bms, bn = tonumber(ams), tonumber(an), tonumber(bms), tonumber(bn)
  return ams > bms or ams == bms and an > bn
end

local last = redis.call('HGET', taken, 'q' .. from)
for _ = 1, tonumber(ARGV[5]) do
  local id, f1, v1, f2, v2, m, n = arg(), arg(), arg(), arg(), arg(), arg(), tonumber(arg())
  local fresh, new = after(id, last), nil
  if fresh then
    new, last = redis.call('XADD', queue, '*', f1, v1, f2, v2), id
    if m ~= '' then
      local _, live = string.gsub(m, '1', '1')
      redis.call('HSET', hash, new, m)
      redis.call('HINCRBY', hash, '', live - 1)
    end
  end
  for _ = 1, n do
    local part, record = arg(), arg()
    if fresh then redis.call('HSET', retries, part == '0' and new or new .. '-' .. part, record) end
  end
end
if last then redis.call('HSET', taken, 'q' .. from, last) end

last = redis.call('HGET', taken, 'd' .. from)
for _ = 1, tonumber(ARGV[6]) do
  local id, e = arg(), {}
  for i = 1, 8 do e[i] = arg() end
  if after(id, last) then
    if type(redis.pcall('XADD', letters, e[2] .. '-*', unpack(e))) == 'table' then redis.call('XADD', letters, '*', unpack(e)) end
    last = id
  end
end
if last then redis.call('HSET', taken, 'd' .. from, last) end
return 1
