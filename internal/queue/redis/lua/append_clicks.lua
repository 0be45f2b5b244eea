-- Part of append.lua: the record of a contact's clicks.
--
--   "R", then six numbers with a space between each, a line feed, and three texts:
--   when the first click was, the last, and the last with a ctwa_clid (ms);
--   how long the texts are, in that order. The length -1 stands for "as the text before",
--   -2 for "as the first". Then the clicks, from the oldest to the newest, of each
--   kind only these two, see queue.Touches:
--   >Bdi4   its kind, when it was, how long its text is, which follows; -1, -2, -3 stand
--           for the first, the second, the third of the texts above
--
-- An edge of the version before reads what stands above, and leaves out the rest when
-- it writes: records of its hand end there.
local kind_clid = 1

-- alive returns when the last click of a record was; nil if that is no record, or
-- one that has expired.
local function alive(v)
  local last = match(v, '^R%-?%d+ (%-?%d+) ')
  return last and tonumber(last) + remember_clicks > now and last
end

-- put counts a click in; of equal times the one that is put later is the newer.
local function put(r, c)
  local at = #r + 1
  while at > 1 and r[at - 1].at > c.at do at = at - 1 end
  table.insert(r, at, c)
  local between, of = nil, 0
  for i = 1, #r do
    if r[i].kind == c.kind then
      of = of + 1
      if of == 2 then between = i end
    end
  end
  if of > 2 then table.remove(r, between) end
end

-- decode takes a record apart: a list of clicks, each with kind, at and data.
local function decode(v)
  local fa, la, ca, nf, nl, nc, from =
    match(v, '^R(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)\n()')
  nf, nl, nc = tonumber(nf), tonumber(nl), tonumber(nc)
  local function text(n)
    local s = sub(v, from, from + n - 1)
    from = from + n
    return s
  end
  local f = text(nf)
  local l = nl < 0 and f or text(nl)
  local c = nc == -1 and l or nc == -2 and f or text(nc)
  local r, three = {}, {f, l, c}
  if from > #v then -- of the version before: as queue.OldTouches has it
    fa, la, ca = tonumber(fa), tonumber(la), tonumber(ca)
    local function add(at, data)
      local clid = c ~= '' and (at == ca and data == c or sub(data, 1, 14) == '[{"ctwaClid":"')
      put(r, {kind = clid and kind_clid or 0, at = at, data = data})
    end
    add(fa, f)
    if c ~= '' and not (ca == fa and c == f) and not (ca == la and c == l) then add(ca, c) end
    if not (la == fa and l == f) then add(la, l) end
  end
  while from <= #v do
    local kind, at, n
    kind, at, n, from = parse('>Bdi4', v, from)
    r[#r + 1] = {kind = kind, at = at, data = three[-n] or text(n)}
  end
  return r
end

local function encode(r)
  if #r == 1 then -- as below, for nearly all
    local c, at = r[1], whole(r[1].at)
    local clid = c.kind == kind_clid
    local old = clid and ' -1 -1\n' or ' -1 0\n'
    return concat({'R', at, ' ', at, ' ', clid and at or '0', ' ', #c.data, old, c.data, pack('>Bdi4', c.kind, c.at, -1)})
  end
  local first, last, clid = r[1], r[#r], nil
  for i = 1, #r do
    if r[i].kind == kind_clid then clid = r[i] end
  end
  local f, l, c = first.data, last.data, clid and clid.data or ''
  local nl, nc, out = #l, #c, {'', f}
  if l == f then nl = -1 else out[3] = l end
  if c ~= '' and c == l then nc = -1 elseif c ~= '' and c == f then nc = -2 else out[#out + 1] = c end
  out[1] = 'R' .. whole(first.at) .. ' ' .. whole(last.at) .. ' ' .. whole(clid and clid.at or 0) .. ' ' .. #f .. ' ' .. nl .. ' ' .. nc .. '\n'
  for i = 1, #r do
    local t = r[i]
    local n = t.data == f and -1 or t.data == l and -2 or t.data == c and -3 or #t.data
    out[#out + 1] = pack('>Bdi4', t.kind, t.at, n)
    if n >= 0 then out[#out + 1] = t.data end
  end
  return concat(out)
end

-- merge adds the clicks of o to r, which may be nil.
local function merge(r, o)
  if not r then return o end
  for i = 1, #o do put(r, o[i]) end
  return r
end
