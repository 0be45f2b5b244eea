#!lua flags=allow-oom
-- Shows the oldest entries of a destination, or where it has none its oldest dead letters, for who takes them over.
-- KEYS: lease, queue, retries, dead letters, state, marks. ARGV: token, ms to live of the lease, at most, bytes at most
-- Returns nothing without the lease; else the state, how many entries and dead letters follow, and of each its stream id
-- and fields, of an entry also its marks, how many retries it has, and their parts (0 = no page) and records.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local most, bound, bytes = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
local out = {redis.call('GET', KEYS[5]) or '', 0, 0}
local function add(v) out[#out + 1] = v end

local function show(stream, count, each)
  for _, e in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', most)) do
    if bytes > bound then return end
    if #e[2] ~= (each and 4 or 8) then error('a stream entry has other fields: something else wrote to it') end
    bytes = bytes + #e[2][#e[2]]
    out[count] = out[count] + 1
    add(e[1])
    for _, field in ipairs(e[2]) do add(field) end
    if each then each(e) end
  end
end

show(KEYS[2], 2, function(e)
  local m = e[2][3] == 'g' and marks(KEYS[2], KEYS[6], e[1])
  add(m or '')
  local at, n = #out + 1, 0
  add(0)
  for part = m and 1 or 0, m and #m or 0 do
    local r = redis.call('HGET', KEYS[3], part == 0 and e[1] or e[1] .. '-' .. part)
    if r then
      n = n + 1
      add(part)
      add(r)
    end
  end
  out[at] = n
end)
if out[2] == 0 then show(KEYS[4], 3) end
return out
