#!lua flags=allow-oom
-- Stores retry state, for the holder of the lease. What is gone can't be retried.
--
-- KEYS[1] -> lease
-- KEYS[2] -> queue
-- KEYS[3] -> retries
-- KEYS[4] -> pending
-- ARGV[1] -> token
-- ARGV[2] -> how many bytes of entries it may read
-- ARGV[…] -> of each entry: stream id, number in its bundle (0 = it is in none), retry record
--
-- Returns how many it has dealt with, or -1 without the lease.
-- include bundles.lua
local lease, queue, retries, pending = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('GET', lease) ~= ARGV[1] then return -1 end
local bytes, dealt = tonumber(ARGV[2]), 0
local bundle, waiting -- the last one, whose entries mostly stand together
local found = {}
for i = 3, #ARGV, 3 do
  if bytes <= 0 then break end
  local id, part, record = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  if part == 0 then
    local e = redis.call('XRANGE', queue, id, id)[1]
    if e then
      bytes = bytes - #e[2][#e[2]]
      found[#found + 1], found[#found + 2] = id, record
    end
  else
    if id ~= bundle then bundle, waiting = id, pending_of(queue, pending, id) end
    if waits(waiting, part) then found[#found + 1], found[#found + 2] = id .. '-' .. part, record end
  end
  dealt = dealt + 1
end
if #found > 0 then redis.call('HSET', retries, unpack(found)) end
return dealt
