#!lua flags=allow-oom
-- Removes the rows of codes that a contact has claimed.
--
-- KEYS[1] -> the set of codes that it has claimed under a name
-- KEYS[…] -> the rows of some of these
-- ARGV[1] -> now (ms)
-- ARGV[2] -> the hashed name
-- ARGV[3] -> what the names of the tenant's keys begin with
-- ARGV[…] -> the codes
--
-- Returns how many there were.
-- include codes.lua
local n = 0
for i = 4, #ARGV do
  local row = code_row(KEYS[i - 2], tonumber(ARGV[1]))
  if row and code_called(row.owner, ARGV[2]) then
    code_remove(ARGV[3], ARGV[i])
    n = n + 1
  end
  redis.call('SREM', KEYS[1], ARGV[i])
end
return n
