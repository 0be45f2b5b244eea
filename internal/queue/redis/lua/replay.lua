#!lua
-- Puts dead letters back at the end of their queue, up to the largest backlog.
--
-- KEYS[1] -> dead letters
-- KEYS[2] -> queue
-- KEYS[3] -> the tenant's destinations
-- KEYS[4] -> pending
-- ARGV[1] -> the destination's name
-- ARGV[2] -> the largest backlog
-- ARGV[…] -> stream ids of dead letters
--
-- Returns how many it put back, and 1 if the backlog is full.
-- include bundles.lua
local letters, queue, listed, pending = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
redis.call('XLEN', letters) -- its type, before the first write
local room, n = tonumber(ARGV[2]) - waiting(queue, pending), 0
for i = 3, #ARGV do
  local e = redis.call('XRANGE', letters, ARGV[i], ARGV[i])[1]
  if e then
    if n >= room then return {n, 1} end
    local f = e[2]
    redis.call('XADD', queue, '*', f[5], f[6], f[7], f[8])
    redis.call('XDEL', letters, ARGV[i])
    n = n + 1
  end
end
if n > 0 then redis.call('SADD', listed, ARGV[1]) end
return {n, 0}
