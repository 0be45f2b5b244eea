-- Part of append.lua: bundles, which are several entries of a destination in one
-- entry of its stream. A bundle is written before it is known which of its entries
-- are new; append_end.lua then notes which of them are pending.
local bundles = {}
for i = 1, nbundles do
  local dest
  dest, at = parse('>H', ARGV[1], at)
  local d = dests[dest]
  if d.full and not d.err then return '=' end
  bundles[i] = {dest = d, live = 0}
end
for i = 1, nbundles do
  local b, d = bundles[i], bundles[i].dest
  if not d.err then
    b.id = try('XADD', d.queue, '*', 'h', ARGV[bundles_at + 2 * i - 2], 'g', ARGV[bundles_at + 2 * i - 1])
    if type(b.id) == 'table' then
      d.err, b.id, broken = b.id.err, nil, true
    end
  end
end

-- decide says of the next entry of a bundle whether it is pending or was never new.
local function decide(b, pending)
  b[#b + 1] = pending and '1' or '0'
  if pending then b.live = b.live + 1 end
end
