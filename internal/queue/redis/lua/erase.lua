#!lua flags=allow-oom
-- Forgets some keys of a contact. KEYS: the key of a contact; the others begin with the prefix of clicks
-- ARGV: prefix of clicks, names of the contact, each with its length in front, then keys of contacts and of
-- messages, which are forgotten if they lead to one of these names, or are one
-- Returns how many it forgot.
local contacts, names, at, n = ARGV[1], {}, 1, 0
while at <= #ARGV[2] do
  local name
  name, at = struct.unpack('>I4c0', ARGV[2], at)
  names[name] = true
end
for i = 3, #ARGV do
  local k = contacts .. ARGV[i]
  local v = redis.call('GET', k)
  local to = v and string.match(v, '^A%d+ (.*)$')
  if names[to or ARGV[i]] then n = n + redis.call('DEL', k) end
end
return n
