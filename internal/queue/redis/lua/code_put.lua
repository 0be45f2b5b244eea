#!lua
-- Stores a link's code, unless one is stored that was drawn for the same.
--
-- KEYS[1]  -> the code's row
-- KEYS[2]  -> which code was drawn for the same
-- KEYS[3]  -> the codes that nobody has claimed, by when they are gone
-- KEYS[4]  -> how many codes without a claim there are of each link
-- KEYS[5]  -> the row of ARGV[7]'s code
-- ARGV[1]  -> now (ms)
-- ARGV[2]  -> when it is gone (ms), 0 = never
-- ARGV[3]  -> until when it may be claimed (ms), 0 = never
-- ARGV[4]  -> the hash of what it was drawn for
-- ARGV[5]  -> what only Go reads of it
-- ARGV[6]  -> the code
-- ARGV[7]  -> which code was found to be drawn for the same, '' = none was
-- ARGV[8]  -> what it is counted by, '' = nothing
-- ARGV[9]  -> how many of these there may be
-- ARGV[10] -> how many that nobody has claimed
-- ARGV[11] -> what the names of the tenant's keys begin with
-- ARGV[12] -> how long it is known what it was drawn for (ms), at least as long as it may be there
--
-- Returns 'new'; 'is' and the row that is in force; 'was' and the code that was drawn for the same, to be asked again
-- with; 'taken'; or 'full'.
-- include codes.lua
local call, now, till, base = redis.call, tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[11]

local was = call('GET', KEYS[2]) or ''
if was ~= '' then
  if was ~= ARGV[7] then return {'was', was} end
  local row = code_row(KEYS[5], now)
  if row and row.key == ARGV[4] then return {'is', call('GET', KEYS[5])} end
end
if code_row(KEYS[1], now) then return {'taken'} end
if till == 0 and ARGV[8] ~= '' and tonumber(call('HGET', KEYS[4], ARGV[8]) or 0) >= tonumber(ARGV[9]) then return {'full'} end

if till > 0 then
  -- What has expired goes, and beyond the limit what would go next.
  local over = call('ZCARD', KEYS[3]) - tonumber(ARGV[10]) + 1
  local oldest = call('ZRANGE', KEYS[3], 0, math.min(math.max(over, 100), 1000) - 1, 'WITHSCORES')
  for i = 1, #oldest, 2 do
    if i > 2 * over and tonumber(oldest[i + 1]) > now then break end
    call('ZREM', KEYS[3], oldest[i])
    code_remove(base, oldest[i])
  end
  call('ZADD', KEYS[3], ARGV[2], ARGV[6])
  if call('PTTL', KEYS[3]) < tonumber(ARGV[12]) then call('PEXPIRE', KEYS[3], ARGV[12]) end
  call('SET', KEYS[2], ARGV[6], 'PX', ARGV[12])
else
  if ARGV[8] ~= '' then call('HINCRBY', KEYS[4], ARGV[8], 1) end
  call('SET', KEYS[2], ARGV[6])
end
code_set(KEYS[1], {till = till, open = tonumber(ARGV[3]), key = ARGV[4], owner = '', rest = ARGV[5]}, till - now)
return {'new'}
