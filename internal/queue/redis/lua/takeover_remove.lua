#!lua flags=allow-oom
-- Removes entries or dead letters that were taken over, and forgets the destination when nothing is left of it.
-- KEYS: lease, queue, retries, dead letters, state, marks, destinations. ARGV: token, name, how many entries, the stream
-- ids, of an entry with its number of parts behind it
-- Returns 0 without the lease, 1 if something is left, 2 if not.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local entries, at = tonumber(ARGV[3]), 4
for _ = 1, entries do
  local id, parts = ARGV[at], tonumber(ARGV[at + 1])
  at = at + 2
  local m = parts > 0 and marks(KEYS[2], KEYS[6], id)
  if redis.call('XDEL', KEYS[2], id) == 1 and m then
    local _, live = string.gsub(m, '1', '1')
    redis.call('HINCRBY', KEYS[6], '', 1 - live)
  end
  redis.call('HDEL', KEYS[6], id)
  redis.call('HDEL', KEYS[3], id)
  for part = 1, parts do redis.call('HDEL', KEYS[3], id .. '-' .. part) end
end
for i = at, #ARGV do redis.call('XDEL', KEYS[4], ARGV[i]) end
if redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[4]) > 0 then return 1 end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
redis.call('SREM', KEYS[7], ARGV[2])
return 2
