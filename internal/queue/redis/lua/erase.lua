#!lua flags=allow-oom
-- Forgets some keys of a contact.
--
-- KEYS[1] -> a key of the contact, by which a Cluster finds its node
-- ARGV[1] -> what the names of contacts' keys begin with
-- ARGV[2] -> names of the contact, each with its length (4 bytes) in front
-- ARGV[…] -> keys of contacts and of messages: each is forgotten if it leads to one of the names, or is one
--
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
