#!lua flags=no-writes,allow-oom
-- Lists dead letters without their payloads.
-- KEYS: dead letters. ARGV: from, to, count, 1 = newest first
-- Returns id, death record, header, the payload's length of each.
local list
if ARGV[4] == '1' then
  list = redis.call('XREVRANGE', KEYS[1], ARGV[2], ARGV[1], 'COUNT', ARGV[3])
else
  list = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
end
local out = {}
for _, e in ipairs(list) do
  local f = e[2]
  out[#out + 1] = e[1]
  out[#out + 1] = f[4]
  out[#out + 1] = f[6]
  out[#out + 1] = #f[8]
end
return out
