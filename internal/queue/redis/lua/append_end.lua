-- Part of append.lua: what is done when all groups are stored.

-- What was decided of bundles is written, and a bundle with nothing new is removed.
for i = 1, nbundles do
  local b, d = bundles[i], bundles[i].dest
  if b.live > 0 then
    d.extra = d.extra + b.live - 1
    call('HSET', d.pending, b.id, concat(b), '', d.extra)
    list(d)
    woken[d.name] = true
  elseif b.id then
    call('XDEL', d.queue, b.id)
  end
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
