#!lua flags=allow-oom
-- Removes a note, unless another attempt has written it anew: see note.go.
-- KEYS: the note. ARGV: by whom it was
if redis.call('HGET', KEYS[1], 'by') == ARGV[1] then redis.call('UNLINK', KEYS[1]) end
return 0
