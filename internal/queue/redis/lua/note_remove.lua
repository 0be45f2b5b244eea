#!lua flags=allow-oom
-- Removes a note, unless another attempt has written it anew. See note.go.
--
-- KEYS[1] -> the note
-- KEYS[2] -> where it is kept for a while that it was finished
-- ARGV[1] -> which attempt wrote it
-- ARGV[2] -> how long that is kept (ms), 0 = it was not finished
--
-- Returns 0.
if redis.call('HGET', KEYS[1], 'by') == ARGV[1] then
  if ARGV[2] ~= '0' then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) end
  redis.call('UNLINK', KEYS[1])
end
return 0
