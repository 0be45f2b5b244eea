-- Part of append.lua: counters, which are fields of a day's hash. What goes wrong
-- here only leaves out a figure.
local max_counters = 100000 -- fields of a day's hash

-- What the call counts, by the day: read and written at once when all groups are stored.
local counted = {}

-- count adds a number to a counter or, where text is not '', sets it to that.
function count(day, field, add, text, ttl)
  local c = counted[day]
  if not c then
    c = {ttl = ttl, fields = {}, sums = {}, texts = {}}
    counted[day] = c
  end
  local sum = c.sums[field]
  if not sum then c.fields[#c.fields + 1] = field end
  c.sums[field] = (sum or 0) + add
  if text ~= '' then c.texts[field] = text end
end

-- added returns what a counter is when something was added to it: nil if it stays what
-- it is. To a text nothing is added, and what a double does not hold to the unit is
-- added by Redis.
local function added(k, field, was, sum)
  if not was then return whole(sum) end
  if not match(was, '^%-?%d+$') then return nil end
  local total = tonumber(was) + sum
  if total < 2 ^ 53 then return sum ~= 0 and whole(total) or nil end
  try('HINCRBY', k, field, whole(sum))
  return nil
end

-- tell writes what was counted of a day, some fields at a time.
local function tell(k, c)
  local size = try('HLEN', k)
  if type(size) == 'table' then return end
  local before = size
  for from = 1, #c.fields, 3000 do
    local to = math.min(from + 2999, #c.fields)
    local values, changes = try('HMGET', k, unpack(c.fields, from, to)), {}
    if values.err then return end
    for i = from, to do
      local field, was = c.fields[i], values[i - from + 1]
      if was or size < max_counters then
        local v = c.texts[field] or added(k, field, was, c.sums[field])
        if v and v ~= was then
          if not was then size = size + 1 end
          changes[#changes + 1], changes[#changes + 2] = field, v
        end
      end
    end
    if #changes > 0 then try('HSET', k, unpack(changes)) end
  end
  if before == 0 and size > 0 then try('PEXPIRE', k, c.ttl) end
end

function tell_counts()
  for day, c in pairs(counted) do tell(base .. 'a:' .. day, c) end
end
