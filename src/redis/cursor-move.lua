#!lua
-- Moves cursors of subscriptions, each on its own by compare-and-set, with the rows that belong to the move.
--
-- KEYS   move: cursor, log, rows
-- ARGV   move: generation, from, to, by, truncated, removed, changes, change...
--        change: key, "1", row | key, "0", ""
-- REPLY  one answer for each move: {"moved", status} | {"refused", fields} | {"diverged"} | {"unreadable", reason}
--
-- `from` and `to` are places: "<entry> <call> <done>". A cursor that is at `to` already, and was brought there `by` this
-- mover, was moved by an earlier try of this call, whose answer was lost. Brought there by another it is refused: that one's
-- rows were written, and this one may have computed its own from them, after the other had moved.
--
-- `to` must be in the log: Redis may have lost it since it was read, and with it an older cursor may be the newest one.

local function is_there(log, place)
  local entry, call = string.match(place, '^(%S+) (%S*) ')
  local found = redis.pcall('XRANGE', log, entry, entry)
  if found.err or not found[1] then return false end
  return string.sub(found[1][2][2] or '', 1, 3 + #call) == '1 ' .. call .. '\n'
end

local function write_rows(rows, a, changes)
  for i = 1, changes do
    local c = a + 3 * (i - 1)
    local done
    if ARGV[c + 1] == '1' then
      done = redis.pcall('HSET', rows, ARGV[c], ARGV[c + 2])
    else
      done = redis.pcall('HDEL', rows, ARGV[c])
    end
    if type(done) == 'table' and done.err then return done.err end
  end
  return nil
end

local function move(k, a, changes)
  local cursor, log, rows = KEYS[k], KEYS[k + 1], KEYS[k + 2]
  local stored = redis.pcall('HMGET', cursor, 'generation', 'place', 'status', 'by')
  if stored.err then return { 'unreadable', stored.err } end
  if stored[1] ~= ARGV[a] then return { 'refused', redis.call('HGETALL', cursor) } end
  if stored[2] == ARGV[a + 2] and stored[4] == ARGV[a + 3] then return { 'moved', stored[3] } end
  if stored[2] ~= ARGV[a + 1] then return { 'refused', redis.call('HGETALL', cursor) } end
  if not is_there(log, ARGV[a + 2]) then return { 'diverged' } end
  if changes > 0 then
    local kind = redis.call('TYPE', rows).ok
    if kind ~= 'none' and kind ~= 'hash' then return { 'unreadable', 'the rows are a ' .. kind } end
    local failed = write_rows(rows, a + 7, changes)
    if failed then return { 'unreadable', failed } end
  end
  redis.call('HSET', cursor, 'place', ARGV[a + 2], 'by', ARGV[a + 3])
  if ARGV[a + 4] ~= '0' then redis.call('HINCRBY', cursor, 'truncated', ARGV[a + 4]) end
  if ARGV[a + 5] ~= '0' then redis.call('HINCRBY', cursor, 'removed', ARGV[a + 5]) end
  return { 'moved', stored[3] }
end

local answers, k, a = {}, 1, 1
while k <= #KEYS do
  local changes = tonumber(ARGV[a + 6])
  answers[#answers + 1] = move(k, a, changes)
  k, a = k + 3, a + 7 + 3 * changes
end
return answers
