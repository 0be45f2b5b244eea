#!lua flags=allow-oom
-- Removes entries or dead letters that were taken over, and forgets the destination
-- when nothing is left of it. See takeover.go.
--
-- KEYS[1] -> lease
-- KEYS[2] -> queue
-- KEYS[3] -> retries
-- KEYS[4] -> dead letters
-- KEYS[5] -> state
-- KEYS[6] -> pending
-- KEYS[7] -> the tenant's destinations
-- KEYS[8] -> departures, spread
-- KEYS[9] -> the tenant's blocks
-- ARGV[1] -> token
-- ARGV[2] -> the destination's name
-- ARGV[3] -> how many entries follow
-- ARGV[…] -> of each entry its stream id, and how many are in it (0 = it is no bundle); then the stream ids of dead letters
--
-- Returns 0 without the lease, 1 if something is left, 2 if nothing is.
-- include bundles.lua
-- include moving.lua
local lease, queue, retries, letters, state, pending, listed = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
if redis.call('GET', lease) ~= ARGV[1] then return 0 end
local departures, blocks = KEYS[8], blocks_in(KEYS[9])
local departed = redis.call('HLEN', departures) > 0
local entries, at = tonumber(ARGV[3]), 4
for _ = 1, entries do
  local id, parts = ARGV[at], tonumber(ARGV[at + 1])
  at = at + 2
  local p = parts > 0 and pending_of(queue, pending, id)
  if remove(queue, id, blocks) == 1 and p then redis.call('HINCRBY', pending, '', 1 - live(p)) end
  redis.call('HDEL', pending, id)
  redis.call('HDEL', retries, id)
  for part = 1, parts do redis.call('HDEL', retries, id .. '-' .. part) end
  if departed then
    redis.call('HDEL', departures, '=' .. id)
    for part = 1, parts do redis.call('HDEL', departures, '=' .. id .. '-' .. part) end
  end
end
for i = at, #ARGV do redis.call('XDEL', letters, ARGV[i]) end
if redis.call('XLEN', queue) + redis.call('XLEN', letters) > 0 then return 1 end
redis.call('DEL', queue, retries, letters, state, pending, departures)
redis.call('SREM', listed, ARGV[2])
return 2
