#!lua
-- Writes the note that all pieces of a group are written: from now on the group is
-- queued for certain. See note.go.
--
-- KEYS[1] -> the note
-- KEYS[2] -> the tenant's destinations
-- ARGV[1] -> how many pieces there are
-- ARGV[2] -> which attempt wrote them
-- ARGV[3] -> how long note and pieces live from now on (ms)
-- ARGV[4] -> what the names of the tenant's keys begin with
-- ARGV[5] -> how the group goes in parts: see note_gone.go
-- ARGV[6] -> now (ms)
-- ARGV[7] -> how long clicks are remembered (ms)
-- ARGV[8] -> the codes that its events claim: of each the event, the code, the hashed names of the event's contact
-- ARGV[…] -> the names of the group's destinations
--
-- Returns the attempt that was the first to write the note; '' if pieces are gone; '?' if a code is not its contact's to claim.
-- include codes_claim.lua
local by = redis.call('HGET', KEYS[1], 'by')
if by then return by end
local pieces = KEYS[1] .. ':' .. ARGV[2] .. ':'
for i = 1, ARGV[1] do
  if redis.call('EXISTS', pieces .. i) == 0 then return '' end
end
-- What is of another type than it should be is found before anything is queued.
redis.call('SCARD', KEYS[2])
for i = 9, #ARGV do
  redis.call('XLEN', ARGV[4] .. 'q:' .. ARGV[i])
  redis.call('XLEN', ARGV[4] .. 'd:' .. ARGV[i])
  redis.call('HLEN', ARGV[4] .. 'g:' .. ARGV[i])
end
local rows, at, now = {}, 1, tonumber(ARGV[6])
while at <= #ARGV[8] do
  local code, names, _
  _, code, names, at = struct.unpack('>I4Hc0Hc0', ARGV[8], at)
  if not code_claim(ARGV[4], rows, code, names, now) then return '?' end
end
code_claimed(ARGV[4], rows, now, tonumber(ARGV[7]))
redis.call('HSET', KEYS[1], 'by', ARGV[2], 'parts', ARGV[1], 'plan', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for i = 1, ARGV[1] do redis.call('PEXPIRE', pieces .. i, ARGV[3]) end
return ARGV[2]
