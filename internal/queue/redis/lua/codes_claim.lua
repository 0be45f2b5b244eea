-- Part of scripts by which contacts claim codes.
-- include codes.lua

-- code_claim has a contact of these names claim a code: first it is found out whether it may, in rows, by code, which
-- code_claimed then stores. It returns false if the code is not its to claim.
local function code_claim(base, rows, code, names, now)
  local row = rows[code]
  if not row then
    row = code_row(base .. 'v:' .. code, now)
    if not row or row.open == 0 or row.owner == '' and now >= row.open then return false end
    rows[code] = row
  end
  if row.owner == '' then
    row.owner, row.taken = names, true
    return true
  end
  return code_called(row.owner, names)
end

-- code_claimed stores what code_claim found out: what nobody had is the contact's now, for as long as clicks are remembered.
local function code_claimed(base, rows, now, remember)
  local px = string.format('%.0f', math.max(remember, 1))
  for code, row in pairs(rows) do
    if row.taken then
      row.till = now + remember
      code_set(base .. 'v:' .. code, row, remember)
      redis.pcall('ZREM', base .. 'z', code)
      for i = 1, #row.owner - 15, 16 do
        local k = base .. 'y:' .. code_hex(string.sub(row.owner, i, i + 15))
        redis.pcall('SADD', k, code)
        if redis.call('PTTL', k) < tonumber(px) then redis.call('PEXPIRE', k, px) end
      end
    end
  end
end
