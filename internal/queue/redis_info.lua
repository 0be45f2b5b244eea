#!lua flags=no-writes,allow-oom
-- Looks at a tenant's destinations. KEYS: destinations. ARGV: key base
-- Returns name, backlog, dead letters, header of the oldest entry, state of each.
local out = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local oldest = redis.call('XRANGE', ARGV[1] .. 'q:' .. name, '-', '+', 'COUNT', 1)[1]
  out[#out + 1] = name
  out[#out + 1] = waiting(ARGV[1] .. 'q:' .. name, ARGV[1] .. 'g:' .. name)
  out[#out + 1] = redis.call('XLEN', ARGV[1] .. 'd:' .. name)
  out[#out + 1] = oldest and oldest[2][2] or ''
  out[#out + 1] = redis.call('GET', ARGV[1] .. 's:' .. name) or ''
end
return out
