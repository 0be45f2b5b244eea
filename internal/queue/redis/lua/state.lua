#!lua flags=allow-oom
-- Sets a destination's state; an empty one is none. KEYS: state, destinations. ARGV: name, state, channel, message
redis.call('SADD', KEYS[2], ARGV[1])
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return 1
