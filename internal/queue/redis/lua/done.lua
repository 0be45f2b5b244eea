#!lua flags=allow-oom
-- Removes delivered entries, whoever holds the lease: they were delivered.
--
-- KEYS[1] -> queue
-- KEYS[2] -> retries
-- KEYS[3] -> pending
-- KEYS[4] -> the tenant's blocks
-- ARGV[1] -> how many stream ids follow
-- ARGV[…] -> those ids, then of each bundle its stream id and which of its entries, a byte each
--
-- Returns 1.
-- include bundles.lua
local queue, retries, pending, n = KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[1])
local blocks = blocks_in(KEYS[4])
local retried = redis.call('HLEN', retries) > 0
if n > 0 then
  redis.call('XDEL', queue, unpack(ARGV, 2, n + 1))
  if retried then redis.call('HDEL', retries, unpack(ARGV, 2, n + 1)) end
end
for i = n + 2, #ARGV, 2 do
  local id, parts = ARGV[i], ARGV[i + 1]
  clear(queue, pending, id, parts, blocks)
  for k = 1, retried and #parts or 0 do redis.call('HDEL', retries, id .. '-' .. string.byte(parts, k)) end
end
return 1
