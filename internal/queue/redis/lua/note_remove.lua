#!lua flags=allow-oom
-- Removes a note, unless another attempt has written it anew. See note.go.
--
-- KEYS[1] -> the note
-- ARGV[1] -> which attempt wrote it
--
-- Returns 0.
if redis.call('HGET', KEYS[1], 'by') == ARGV[1] then redis.call('UNLINK', KEYS[1]) end
return 0
