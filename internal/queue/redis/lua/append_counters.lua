-- Part of append.lua: counters, which are fields of a day's hash. What goes wrong
-- here only leaves out a figure.
local max_counters = 100000 -- fields of a day's hash
local counted = {} -- how many fields each hash has

-- count adds a number to a counter or, where text is not '', sets it to that.
local function count(k, field, add, text, ttl)
  local fields = counted[k] or try('HLEN', k)
  if type(fields) == 'table' then return end
  counted[k] = fields
  if fields >= max_counters and try('HEXISTS', k, field) ~= 1 then return end
  local new
  if text == '' then
    local sum = try('HINCRBY', k, field, whole(add))
    new = sum == add
  elseif try('HGET', k, field) ~= text then
    new = try('HSET', k, field, text) == 1
  end
  if new then
    -- At most one too many: a sum that began at nothing counts as a field.
    counted[k] = fields + 1
    if fields == 0 then try('PEXPIRE', k, ttl) end
  end
end

