-- Part of append.lua: the record of a contact's clicks.
--
--   "R", then six numbers with a space between each, a line feed, and three texts:
--   when the first click was, the last, and the last with a click id (ms);
--   how long the texts are, in that order. The length -1 stands for "as the text before",
--   -2 for "as the first".

-- alive returns when the last click of a record was; nil if that is no record, or
-- one that has expired.
local function alive(v)
  local last = match(v, '^R%-?%d+ (%-?%d+) ')
  return last and tonumber(last) + remember_clicks > now and last
end

-- decode takes a record apart: f, l and c are the clicks, fa, la and ca when they were.
local function decode(v)
  local fa, la, ca, nf, nl, nc, from =
    match(v, '^R(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+)\n()')
  nf, nl, nc = tonumber(nf), tonumber(nl), tonumber(nc)
  local r = {fa = tonumber(fa), la = tonumber(la), ca = tonumber(ca)}
  r.f = sub(v, from, from + nf - 1)
  from = from + nf
  if nl < 0 then r.l = r.f else
    r.l = sub(v, from, from + nl - 1)
    from = from + nl
  end
  if nc == -1 then r.c = r.l elseif nc == -2 then r.c = r.f else r.c = sub(v, from, from + nc - 1) end
  return r
end

local function encode(r)
  local nl, l = #r.l, r.l
  if r.l == r.f then nl, l = -1, '' end
  local nc, c = #r.c, r.c
  if c ~= '' then
    if c == r.l then nc, c = -1, '' elseif c == r.f then nc, c = -2, '' end
  end
  return 'R' .. whole(r.fa) .. ' ' .. whole(r.la) .. ' ' .. whole(r.ca) .. ' ' ..
    #r.f .. ' ' .. nl .. ' ' .. nc .. '\n' .. r.f .. l .. c
end

-- merge adds the clicks of o to r, which may be nil.
local function merge(r, o)
  if not r then return o end
  if o.fa < r.fa then r.fa, r.f = o.fa, o.f end
  if o.la >= r.la then r.la, r.l = o.la, o.l end
  if o.c ~= '' and (r.c == '' or o.ca >= r.ca) then r.ca, r.c = o.ca, o.c end
  return r
end
