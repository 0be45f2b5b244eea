-- Part of append.lua: nearly every webhook.

-- count_plain counts what stands from p on, of an event that is new. first says whether its
-- click is its contact's first.
local function count_plain(p, counters, first)
  if not link then general() end
  for _ = 1, counters do
    local when, day, field, addend, text, ttl
    when, day, field, addend, text, ttl, p = parse('>BHc0Hc0I4I4c0d', manifests, p)
    if first or when == 0 then count(day, field, addend, text, ttl) end
  end
end

-- plain appends a group that is one event, jobs that have neither once keys nor a death
-- and, if its kind is 2, a click or counters that need no job to be queued. It is the twin of group in append_group.lua: it does
-- the same without tables, and TestTwins holds the two together. One difference is
-- meant: where a destination's keys are of another type, plain refuses the group before
-- it looks at the id, and so also one that would only have been a duplicate.
local function plain(kind)
  local npayloads, id, bucket, later, keys, message, njobs, p = parse('>BBc0HBBI4c0H', manifests, manifest_at + 5)
  local payload, from = ARGV[payload_at], key_at
  payload_at, key_at = payload_at + npayloads, key_at + keys
  problem = nil
  local first = p
  if broken then
    for _ = 1, njobs do
      local bundle, dest, q = parse('>HH', manifests, p)
      if bundle == 0 then _, q = parse('>I4c0', manifests, q) end
      problem, p = problem or dests[dest].err, q
    end
    p = first
  end
  local fresh = not problem and remember_id(buckets[bucket], id, later)
  local answer = fresh and '+1' or '+0'
  for _ = 1, njobs do
    local bundle, dest, q = parse('>HH', manifests, p)
    local outcome = fresh and 'Q' or 'D'
    if bundle > 0 then decide(bundles[bundle], fresh) else
      local header, death
      header, q = parse('>I4c0', manifests, q)
      if fresh and not problem then
        local d = dests[dest]
        if d.len >= backlog then outcome, death = 'O', ARGV[2] end
        problem = write(d, outcome, header, payload, death)
      end
    end
    answer, p = answer .. outcome, q
  end
  if problem then
    if fresh then forget_id(id) end
    return '!' .. problem
  end
  if fresh then
    local counters, clicks, first = 0, nil, nil
    if kind == 2 then
      local nclicks
      nclicks, counters, p = parse('>BH', manifests, p)
      if nclicks > 0 then clicks, p = clicks_at(p, nclicks) end
    end
    local touched = clicks or changed and keys > 0
    for i = from, from + keys - 1 do touched = touched or found[i] end
    if touched then
      if not link then general() end
      first = link({from = from, keys = keys, message = message, clicks = clicks})
    end
    if counters > 0 then count_plain(p, counters, first) end
  end
  return answer
end
