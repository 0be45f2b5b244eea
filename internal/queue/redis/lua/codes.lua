-- Part of scripts that know a link's codes. A code's row is 1; when it is gone (ms, 0 = never); until when it may be
-- claimed (ms, 0 = never); the hash of what it was drawn for; the hashed names of who has claimed it; and what only
-- Go reads. Its names are hashes of 16 bytes each.

-- code_row reads a row: till, the time until which it may be claimed, key, owner, rest; nothing if there is none, or none
-- any more.
local function code_row(k, now)
  local v = redis.pcall('GET', k)
  if type(v) ~= 'string' or #v < 21 or string.byte(v) ~= 1 then return end
  local _, till, open, key, owner, from = struct.unpack('>BddHc0Hc0', v)
  if till ~= 0 and till <= now then return end
  return {till = till, open = open, key = key, owner = owner, rest = string.sub(v, from)}
end

local function code_set(k, row, px)
  local v = struct.pack('>BddHc0Hc0', 1, row.till, row.open, #row.key, row.key, #row.owner, row.owner) .. row.rest
  if row.till == 0 then redis.call('SET', k, v) else redis.call('SET', k, v, 'PX', string.format('%.0f', math.max(px, 1))) end
end

-- code_hex is how a hash is written in the name of a key.
local function code_hex(hash)
  return (string.gsub(hash, '.', function(c) return string.format('%02x', string.byte(c)) end))
end

-- code_remove removes a code's row, and that it was drawn for something.
local function code_remove(base, code)
  local row = code_row(base .. 'v:' .. code, 0)
  redis.call('DEL', base .. 'v:' .. code)
  if not row then return end
  local drawn = base .. 'j:' .. code_hex(row.key)
  if redis.call('GET', drawn) == code then redis.call('DEL', drawn) end
end

-- code_called reports whether two lists of names have one in common.
local function code_called(a, b)
  for i = 1, #a - 15, 16 do
    for j = 1, #b - 15, 16 do
      if string.sub(a, i, i + 15) == string.sub(b, j, j + 15) then return true end
    end
  end
  return false
end
