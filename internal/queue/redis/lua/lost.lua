#!lua flags=allow-oom
-- Removes bundles of which the block that they refer to is gone: nobody can deliver them.
--
-- KEYS[1] -> queue
-- KEYS[2] -> retries
-- KEYS[3] -> pending
-- KEYS[4] -> the tenant's blocks
-- ARGV[…] -> stream ids of bundles
--
-- Returns how many entries of them waited.
-- include bundles.lua
local queue, retries, pending, lost = KEYS[1], KEYS[2], KEYS[3], 0
for _, id in ipairs(ARGV) do
  local e = redis.call('XRANGE', queue, id, id)[1]
  local b = e and e[2][3] == 'g' and e[2][4]
  if b and string.byte(b) == 2 and redis.call('HEXISTS', KEYS[4], string.sub(b, 3)) == 0 then
    local p, n = pending_of(queue, pending, id), 0
    for part = 1, #p do
      if waits(p, part) then n = n + 1 end
      redis.call('HDEL', retries, id .. '-' .. part)
    end
    redis.call('XDEL', queue, id)
    redis.call('HDEL', pending, id)
    if n > 1 then redis.call('HINCRBY', pending, '', 1 - n) end
    lost = lost + n
  end
end
return lost
