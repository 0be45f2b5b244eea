#!lua
-- Puts dead letters back at the end of their queue, up to the backlog.
-- KEYS: dead letters, queue, destinations, marks. ARGV: name, max backlog, ids
-- Returns how many, and 1 if the backlog is full.
redis.call('XLEN', KEYS[1])
local room, n = tonumber(ARGV[2]) - waiting(KEYS[2], KEYS[4]), 0
for i = 3, #ARGV do
  local e = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if e then
    if n >= room then return {n, 1} end
    local f = e[2]
    redis.call('XADD', KEYS[2], '*', f[5], f[6], f[7], f[8])
    redis.call('XDEL', KEYS[1], ARGV[i])
    n = n + 1
  end
end
if n > 0 then redis.call('SADD', KEYS[3], ARGV[1]) end
return {n, 0}
