#!lua flags=allow-oom
-- Removes delivered entries, whoever holds the lease: they were delivered.
-- KEYS: queue, retries. ARGV: positions
local n = redis.call('XDEL', KEYS[1], unpack(ARGV))
redis.call('HDEL', KEYS[2], unpack(ARGV))
return n
