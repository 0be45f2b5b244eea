-- Part of append.lua: what is done when all groups are stored.

if tell_counts then tell_counts() end
if keep_notes then keep_notes() end

-- What was decided of bundles is written, and a bundle with nothing new is removed.
for i = 1, nbundles do
  local b, d = bundles[i], bundles[i].dest
  if b.live > 0 then
    d.extra = d.extra + b.live - 1
    -- Of the one entry of a bundle is known that it waits, while the bundle is there.
    if #b > 1 or not d.counted then call('HSET', d.pending, b.id, concat(b), '', d.extra) end
    list(d)
    woken[d.name] = true
  elseif b.id then
    call('XDEL', d.queue, b.id)
  end
  if b.live == 0 and b.block > 0 then spare(b.block) end
end

-- Other edges are told which destinations entries came for.
if ARGV[4] ~= '' then
  local message = {ARGV[5]}
  for name in pairs(woken) do message[#message + 1] = name end
  if #message > 1 then try('PUBLISH', ARGV[4], concat(message, ' ')) end
end

answers = concat(answers, '\n')
if note ~= '' and byte(answers) == 43 then call('HSET', note, part, answers) end
return answers
