-- Part of append.lua: a group of any kind. append_plain.lua is its twin for groups
-- that need less: what both can do, they must do alike, which TestTwins tests.

-- Once keys are hashed; a key's value is until when it is known, ms.
local once_taken = {} -- those set by this call: until when

local function once_known(once)
  for _, o in ipairs(once) do
    if o.use ~= 2 and (once_taken[o.key] or o.till) > now then return true end
  end
  return false
end

-- group appends the next group and returns its line of the answer.
function group()
  local npayloads, nevents, njobs, ncounters, nclaims, nnotes, p = parse('>I4I4I4I4I4I4', manifests, manifest_at + 5)
  local first_payload = payload_at - 1
  payload_at = payload_at + npayloads
  problem = nil

  local answer, new, remembered, touched, claimed = {'+'}, {[0] = true}, {}, nil, nil
  for i = 1, nevents do
    local id, bucket, later, seal, keys, nclicks, message
    id, bucket, later, seal, p = parse('>Bc0HBBc0', manifests, p)
    local fresh = true
    if seal ~= '' then
      -- First: an id that comes under a known seal is not remembered.
      local day, kept
      day, kept, p = parse('>HB', manifests, p)
      fresh = remember_id(buckets[day], seal, kept)
      if fresh then remembered[#remembered + 1] = seal end
    end
    fresh = fresh and remember_id(buckets[bucket], id, later)
    if fresh then remembered[#remembered + 1] = id end
    keys, nclicks, p = parse('>BB', manifests, p)
    if keys > 0 then
      local former, clicks = math.floor(nclicks / 4), nil
      message, p = parse('>I4c0', manifests, p)
      if nclicks % 4 > 0 then clicks, p = clicks_at(p, nclicks % 4) end
      local any = clicks
      for k = key_at, key_at + keys - 1 do any = any or value(k) end
      -- What an event before it in the group writes may concern it too.
      if fresh and (any or touched) then
        touched = touched or {}
        touched[i] = {from = key_at, keys = keys, message = message, clicks = clicks, former = former}
      end
      key_at = key_at + keys
    end
    new[i] = fresh
    answer[#answer + 1] = fresh and '1' or '0'
  end

  local rows, claim, keep_claims -- rows of the codes that are claimed
  for _ = 1, nclaims do
    local event, code, names
    if not rows then
      rows, claim, keep_claims = {}, claiming()
    end
    event, code, names, p = parse('>I4Hc0Hc0', manifests, p)
    if new[event] and not claim(base, rows, code, names, now) then claimed = true end
  end
  problem = problem or claimed

  -- Look at everything that the jobs will touch, …
  local jobs = {}
  for i = 1, njobs do
    local j = {}
    local dest, bundle, payload, event, more, nonce
    bundle, dest, payload, j.header, j.death, event, more, nonce, p = parse('>HHI4I4c0I4c0I4I4I4', manifests, p)
    j.bundle, j.dest, j.payload, j.new = bundles[bundle], dests[dest], ARGV[first_payload + payload], new[event]
    for _ = 1, more do
      event, p = parse('>I4', manifests, p)
      j.new = j.new or new[event]
    end
    for o = 1, nonce do
      local once = {}
      local old
      once.use, once.window, once.key, old, p = parse('>BdHc0I4c0', manifests, p)
      once.key = base .. 'u:' .. once.key
      once.till = 0
      -- Leadgate before 0.1 had them in clear, as long as remember_clicks: 28 days
      -- after its release the second look-up can go.
      if j.new then once.till = tonumber(checked(try('GET', once.key)) or checked(try('GET', base .. 'o:' .. old)) or 0) or 0 end
      j.once = j.once or {}
      j.once[o] = once
    end
    if j.new then
      problem = problem or j.dest.err
      if j.death ~= '' then checked(try('XLEN', j.dest.letters)) end
    end
    jobs[i] = j
  end

  -- … and then write. What could still go wrong repeats an entry and loses none.
  for i = 1, njobs do
    local j = jobs[i]
    j.outcome = 'D'
    if not problem and j.new and not (j.once and once_known(j.once)) then
      if j.death ~= '' then
        j.outcome = 'X'
      elseif not j.bundle and j.dest.len >= backlog then
        j.outcome, j.death = 'O', ARGV[2]
      else
        j.outcome = 'Q'
      end
      if not j.bundle then problem = write(j.dest, j.outcome, j.header, j.payload, j.death) end
      for _, o in ipairs(not problem and j.once or {}) do
        if o.use ~= 1 then
          once_taken[o.key] = now + o.window
          call('SET', o.key, now + o.window, 'PX', o.window)
        end
      end
    end
    answer[#answer + 1] = j.outcome
  end
  for i = 1, njobs do
    local j = jobs[i]
    if j.bundle then decide(j.bundle, not problem and j.outcome == 'Q') end
  end
  if problem then
    for _, id in ipairs(remembered) do forget_id(id) end
    return claimed and '?' or '!' .. problem
  end

  if rows then keep_claims(base, rows, now, remember_clicks) end

  local first = {}
  if touched then
    for i = 1, nevents do first[i] = touched[i] and link(touched[i]) end
  end
  for _ = 1, ncounters do
    local day, field, addend, text, when, of, ttl, once, window
    day, field, addend, text, ttl, when, of, once, window, p = parse('>Hc0Hc0I4I4c0dBI4Hc0d', manifests, p)
    local counts = new[of]
    if when == 1 then counts = first[of] elseif when == 2 then counts = jobs[of].outcome == 'Q' end
    if counts and once ~= '' then
      -- Set before it is counted: what goes wrong leaves out a figure.
      counts = try('SET', base .. 'u:' .. once, now + window, 'NX', 'PX', window)
      counts = counts and not counts.err
    end
    if counts then count(day, field, addend, text, ttl) end
  end
  for _ = 1, nnotes do
    local when, of, key, n
    n = {}
    when, of, key, n.id, n.at, n.data, n.outcome, p = parse('>BI4Hc0c16dHc0Hc0', manifests, p)
    local j, written = jobs[of], new[of]
    if when == 2 then written = j.outcome == 'Q'
    elseif when == 3 then written = j.outcome == 'D' and j.new
    elseif when == 4 then written = j.outcome == 'O' or j.outcome == 'X' end
    if written then
      noting()
      note_down(key, n)
    end
  end
  return concat(answer)
end
