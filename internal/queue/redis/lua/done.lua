#!lua flags=allow-oom
-- Removes delivered entries, whoever holds the lease: they were delivered.
-- KEYS: queue, retries, marks. ARGV: how many stream ids, these, then of each page its stream id and parts
local n = tonumber(ARGV[1])
local retried = redis.call('HLEN', KEYS[2]) > 0
if n > 0 then
  redis.call('XDEL', KEYS[1], unpack(ARGV, 2, n + 1))
  if retried then redis.call('HDEL', KEYS[2], unpack(ARGV, 2, n + 1)) end
end
for i = n + 2, #ARGV, 2 do
  local id, parts = ARGV[i], ARGV[i + 1]
  clear(KEYS[1], KEYS[3], id, parts)
  for k = 1, retried and #parts or 0 do redis.call('HDEL', KEYS[2], id .. '-' .. string.byte(parts, k)) end
end
return 1
