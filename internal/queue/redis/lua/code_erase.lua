#!lua flags=allow-oom
-- Removes the rows of codes that a contact has claimed.
--
-- KEYS[1] -> the set of codes that it has claimed under a name
-- KEYS[…] -> the rows of some of these
-- ARGV[1] -> now (ms)
-- ARGV[2] -> the hashed name
-- ARGV[…] -> the codes
--
-- Returns how many there were.
-- include codes.lua
local n = 0
for i = 3, #ARGV do
  local k = KEYS[i - 1]
  local row = code_row(k, tonumber(ARGV[1]))
  if row and code_called(row.owner, ARGV[2]) then
    redis.call('DEL', k)
    n = n + 1
  end
  redis.call('SREM', KEYS[1], ARGV[i])
end
return n
