-- What scripts share that move dead letters.

-- bury adds a dead letter, given by its fields, under a stream id that begins with
-- when it died, or a later one where the clock had gone back.
local function bury(letters, died_at, ...)
  if type(redis.pcall('XADD', letters, died_at .. '-*', ...)) == 'table' then
    redis.call('XADD', letters, '*', ...)
  end
end
