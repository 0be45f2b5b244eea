-- Part of append.lua: bundles, which are several entries of a destination in one
-- entry of its stream. A bundle is written before it is known which of its entries
-- are new; append_end.lua then notes which of them are pending. What several of the call's
-- bundles hold alike is a block, to which they refer: see bundles.lua.
local bundles, refer, blocks = {}, {}, base .. 'b'
local strange = nblocks > 0 and try('HLEN', blocks)
strange = type(strange) == 'table' and strange.err
for i = 1, nbundles do
  local dest, block
  dest, block, at = parse('>HH', ARGV[1], at)
  local d = dests[dest]
  if block > 0 and strange then d.err, broken = d.err or strange, true end
  if d.full and not d.err then return '=' end
  bundles[i] = {dest = d, live = 0, block = block}
end
for i = 1, nbundles do
  local b = bundles[i]
  if b.dest.err then b.block = 0 end
  refer[b.block] = (refer[b.block] or 0) + 1
end
for i = 1, nblocks do
  local id = ARGV[bundles_at + 2 * nbundles + 2 * i - 2]
  if refer[i] then
    call('HSET', blocks, id, ARGV[bundles_at + 2 * nbundles + 2 * i - 1])
    call('HINCRBY', blocks, '#' .. id, refer[i])
  end
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

-- spare takes back that a bundle refers to a block.
local function spare(block)
  local id = ARGV[bundles_at + 2 * nbundles + 2 * block - 2]
  if call('HINCRBY', blocks, '#' .. id, -1) <= 0 then call('HDEL', blocks, id, '#' .. id) end
end

-- decide says of the next entry of a bundle whether it is pending or was never new.
local function decide(b, pending)
  b[#b + 1] = pending and '1' or '0'
  if pending then b.live = b.live + 1 end
end
