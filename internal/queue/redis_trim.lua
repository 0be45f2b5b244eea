#!lua flags=allow-oom
-- Drops the dead letters of a destination that died before a time, the oldest
-- first, a bounded number of them. KEYS: dead letters. ARGV: before, at most
local n, before = 0, tonumber(ARGV[1])
while n < tonumber(ARGV[2]) do
  local e = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not e or tonumber(e[2][2]) >= before then break end
  redis.call('XDEL', KEYS[1], e[1])
  n = n + 1
end
return n
