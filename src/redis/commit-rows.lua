-- A part of commit.lua, which includes it: the extras that have to do with rows of views.
--
-- "views" comes before the others, with the partition's list of schemas as its key, a hash: view -> "<schema>=<state> ...",
-- of the schemas that are there; the state is "r", ready, or "b", being built. "row" has the rows of its schema as its key,
-- a hash: id -> "1 <length> ...\n<values><json>"; the lengths are those of the values in the schema's indexes, "-" where it
-- is in none. Behind it stands an "index" for each of them, in order, with the sorted set as its key: its members are
-- "<value>\0<id>", all of score 0. An empty text or value: none.
--
-- Of a schema that is not there, nothing is written: it is not built yet, or was dropped. Whatever other schemas are there
-- are those of older or newer code, which this commit's code cannot make rows for: their row falls behind, and who reads
-- it has it repaired. So no commit passes a row by, whoever was told of what, and when.

local ROW = { views = true, row = true, index = true }
local views_key -- of the commit that is checked or written
local row_id, row_writes -- of the row whose indexes come next
local old_text, old_lengths, old_at -- what it was, the lengths that are left, and where the next value begins
local schemas, old_rows = {}, {} -- as the checks found them, by the rows' key

local function behind_of(rows_key, schema, other)
  return sub(rows_key, 1, -#schema - 1) .. other .. ':?'
end

local function refuse(key, found, should)
  return { 'refused', key .. ' is a ' .. found .. ', and should be a ' .. should }
end

-- Before the first write of the commit: nil, or what is wrong with what is stored.
local function check_row(kind, key, a)
  if kind == 'views' then
    views_key = key
    return nil
  end
  if kind == 'index' then
    if not row_writes then return nil end
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= 'zset' then return refuse(key, found, 'zset') end
    return nil
  end
  local view, schema, mode = ARGV[a + 1], ARGV[a + 2], ARGV[a + 4]
  local there = pcall_redis('HGET', views_key, view)
  if type(there) == 'table' then return { 'refused', views_key .. ': ' .. there.err } end
  there = there or ''
  schemas[key], row_writes = there, false
  if there ~= schema .. '=r' then
    for other in string.gmatch(there, '([^ ]+)=%a') do
      if other ~= schema then
        local behind = behind_of(key, schema, other)
        local found = redis.call('TYPE', behind).ok
        if found ~= 'none' and found ~= 'set' then return refuse(behind, found, 'set') end
      end
    end
  end
  local state = string.match(' ' .. there, ' ' .. string.gsub(schema, '%p', '%%%0') .. '=(%a)')
  row_writes = state and (mode ~= 'same' or state == 'b') or false
  old_rows[key] = nil
  if not row_writes then return nil end
  local old = pcall_redis('HGET', key, ARGV[a + 3])
  if type(old) == 'table' then return { 'refused', key .. ': ' .. old.err } end
  old_rows[key] = old or ''
  return nil
end

local function mark_behind(key, schema, there, id)
  for other in string.gmatch(there, '([^ ]+)=%a') do
    if other ~= schema then
      local done = pcall_redis('SADD', behind_of(key, schema, other), id)
      if type(done) == 'table' then return done end
    end
  end
  return nil
end

-- The member of the next index that the old row names; nil: none.
local function old_member()
  local length = old_lengths and old_lengths()
  if not length or length == '-' then return nil end
  local from = old_at
  old_at = from + length
  return sub(old_text, from, old_at - 1) .. '\0' .. row_id
end

local function write_index(key, value)
  if not row_writes then return nil end
  local old, new = old_member(), value ~= '' and value .. '\0' .. row_id or nil
  if old == new then return nil end
  local done
  if old then
    done = pcall_redis('ZREM', key, old)
    if type(done) == 'table' then return done end
  end
  if new then done = pcall_redis('ZADD', key, 0, new) end
  return done
end

local function write_row(kind, key, a)
  if kind == 'views' then return nil end
  if kind == 'index' then return write_index(key, ARGV[a + 1]) end
  local schema, there, mode, text = ARGV[a + 2], schemas[key], ARGV[a + 4], ARGV[a + 5]
  row_id, row_writes = ARGV[a + 3], old_rows[key] ~= nil
  -- A repair comes without records: the rows of other schemas are as right as they were.
  if there ~= schema .. '=r' and mode ~= 'repair' then
    local failed = mark_behind(key, schema, there, row_id)
    if failed then return failed end
  end
  if not row_writes then return nil end
  old_text, old_lengths = old_rows[key], nil
  local lengths, first = string.match(old_text, '^1([^\n]*)\n()')
  if lengths then old_lengths, old_at = string.gmatch(lengths, '[%d-]+'), first end
  if mode == 'repair' then
    local done = pcall_redis('SREM', key .. ':?', row_id)
    if type(done) == 'table' then return done end
  end
  if text == '' then return pcall_redis('HDEL', key, row_id) end
  return pcall_redis('HSET', key, row_id, text)
end
