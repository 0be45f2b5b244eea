#!lua flags=no-writes,allow-oom
-- Lists dead letters without their payloads: fewer than asked for if these are large.
-- KEYS: dead letters. ARGV: from, to, count, bytes of payloads, 1 = newest first
-- Returns 1 if there may be more, then id, death record, header, the payload's length of each.
local from, to, count, bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local out = {0}
for i = 1, count do
  local e
  if ARGV[5] == '1' then
    e = redis.call('XREVRANGE', KEYS[1], to, from, 'COUNT', 1)[1]
    to = e and '(' .. e[1]
  else
    e = redis.call('XRANGE', KEYS[1], from, to, 'COUNT', 1)[1]
    from = e and '(' .. e[1]
  end
  if not e then break end
  local f = e[2]
  out[#out + 1] = e[1]
  out[#out + 1] = f[4]
  out[#out + 1] = f[6]
  out[#out + 1] = #f[8]
  bytes = bytes - #f[8]
  if i == count or bytes <= 0 then
    out[1] = 1
    break
  end
end
return out
