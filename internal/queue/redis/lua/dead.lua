#!lua flags=allow-oom
-- Moves entries to the dead letters, for the holder of the lease.
--
-- KEYS[1] -> lease
-- KEYS[2] -> queue
-- KEYS[3] -> retries
-- KEYS[4] -> dead letters
-- KEYS[5] -> pending
-- KEYS[6] -> the tenant's blocks
-- ARGV[1] -> token
-- ARGV[2] -> now (ms)
-- ARGV[3] -> how many bytes of entries it may move
-- ARGV[…] -> of each entry: stream id, number in its bundle (0 = it is in none), death record, and if it is in a bundle
--            its header and payload, else two empty texts
--
-- Returns how many it has dealt with, or -1 without the lease.
-- include bundles.lua
-- include letters.lua
local lease, queue, retries, letters, pending = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
if redis.call('GET', lease) ~= ARGV[1] then return -1 end
redis.call('XLEN', letters) -- its type, before the first write
redis.call('HLEN', retries)
local blocks = blocks_in(KEYS[6])
local now, bytes = ARGV[2], tonumber(ARGV[3])
for i = 4, #ARGV, 5 do
  if bytes <= 0 then return (i - 4) / 5 end
  local id, part, e = ARGV[i], tonumber(ARGV[i + 1]), nil
  if part == 0 then
    e = redis.call('XRANGE', queue, id, id)[1]
    e = e and e[2]
  elseif waits(pending_of(queue, pending, id), part) then
    e = {'h', ARGV[i + 3], 'p', ARGV[i + 4]}
  end
  if e then
    bytes = bytes - #e[#e]
    bury(letters, now, 't', now, 'd', ARGV[i + 2], unpack(e))
    if part == 0 then redis.call('XDEL', queue, id) else clear(queue, pending, id, string.char(part), blocks) end
  end
  redis.call('HDEL', retries, part == 0 and id or id .. '-' .. part)
end
return (#ARGV - 3) / 5
