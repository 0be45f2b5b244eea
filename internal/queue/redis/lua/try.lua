#!lua flags=no-writes,allow-oom
-- Looks for what a user may not do, and does nothing.
--
-- KEYS[1] -> a key of the store
-- ARGV -> names of commands
--
-- Returns the first that is refused, '' if none is.
for _, command in ipairs(ARGV) do
  if not redis.acl_check_cmd(command, KEYS[1], KEYS[1]) then return command end
end
return ''
