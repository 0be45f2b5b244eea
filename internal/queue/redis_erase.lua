#!lua flags=allow-oom
-- Forgets a contact's clicks, by any of its keys. KEYS: the key. ARGV: prefix of clicks, prefix of links
-- Returns how many clicks and aliases it removed, and the contact's keys.
local k, contact = KEYS[1], ARGV[1]
for _ = 1, 5 do
  local v = redis.call('GET', k)
  local to = v and string.match(v, '^A%d+ (.*)$')
  if not to then break end
  k = contact .. to
end
local name = string.sub(k, #contact + 1)
local out = {0, name}
local function forget(n)
  local v = redis.call('GET', contact .. n)
  local to = v and string.match(v, '^A%d+ (.*)$')
  if to and to ~= name then return end -- it has become another contact's
  out[1] = out[1] + redis.call('DEL', contact .. n)
end
for _, m in ipairs(redis.call('SMEMBERS', ARGV[2] .. name)) do
  local n = string.sub(m, 2)
  forget(n)
  out[#out + 1] = n
end
forget(name)
redis.call('DEL', ARGV[2] .. name)
return out
