#!lua flags=no-writes,allow-oom
-- Lists dead letters without their payloads: fewer than asked for if these are large,
-- for the script must read them.
--
-- KEYS[1] -> dead letters
-- ARGV[1] -> from this stream id, as XRANGE has it
-- ARGV[2] -> to this one
-- ARGV[3] -> how many
-- ARGV[4] -> how many bytes of payloads it may read
-- ARGV[5] -> 1 = the newest first
--
-- Returns 1 if there may be more; then of each its stream id, death record, header and
-- the length of its payload.
local letters, from, to, count, bytes = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local out = {0}
for i = 1, count do
  local e
  if ARGV[5] == '1' then
    e = redis.call('XREVRANGE', letters, to, from, 'COUNT', 1)[1]
    to = e and '(' .. e[1]
  else
    e = redis.call('XRANGE', letters, from, to, 'COUNT', 1)[1]
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
