#!lua flags=allow-oom
-- Forgets a part of what names a contact. KEYS: its message ids, the key of a contact; the others begin with the
-- prefix of clicks
-- ARGV: prefix of clicks, how many message ids at most, the contact's names, each with its length in front, then
-- keys of contacts to forget if they lead to one of these names, or are one
-- Returns how many of those there were, and how many message ids it looked at.
local contacts, names, at = ARGV[1], {}, 1
while at <= #ARGV[3] do
  local name
  name, at = struct.unpack('>I4c0', ARGV[3], at)
  names[name] = true
end
local function forget(n)
  local k = contacts .. n
  local v = redis.call('GET', k)
  if not v then return 0 end
  local to = string.match(v, '^A%d+ (.*)$')
  if to and not names[to] or not to and not names[n] then return 0 end
  return redis.call('DEL', k)
end
local n = 0
for i = 4, #ARGV do n = n + forget(ARGV[i]) end
local list = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2])
for _, e in ipairs(list) do
  forget(e[2][2])
  redis.call('XDEL', KEYS[1], e[1])
end
if #list == 0 then redis.call('DEL', KEYS[1]) end
return {n, #list}
