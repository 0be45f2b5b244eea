#!lua
-- Notes that all parts of a group are written, from when on the group is queued for certain: see note.go.
-- KEYS: the note, the destinations. ARGV: parts, by whom, ms to live, key base, the names of the group's destinations
-- Returns by whom it was noted first, or nothing if parts are gone.
local by = redis.call('HGET', KEYS[1], 'by')
if by then return by end
local parts = KEYS[1] .. ':' .. ARGV[2] .. ':'
for i = 1, ARGV[1] do
  if redis.call('EXISTS', parts .. i) == 0 then return '' end
end
-- What is of another type than it should be is found before anything is queued.
redis.call('SCARD', KEYS[2])
for i = 5, #ARGV do
  redis.call('XLEN', ARGV[4] .. 'q:' .. ARGV[i])
  redis.call('XLEN', ARGV[4] .. 'd:' .. ARGV[i])
  redis.call('HLEN', ARGV[4] .. 'g:' .. ARGV[i])
end
redis.call('HSET', KEYS[1], 'by', ARGV[2], 'parts', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for i = 1, ARGV[1] do redis.call('PEXPIRE', parts .. i, ARGV[3]) end
return ARGV[2]
