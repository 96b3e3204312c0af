-- A part of commit.lua, which includes it: the rows of views, of all commits of a group together.
--
-- The partition's schemas are a hash: view -> "<schema>=<state> ...", of the schemas that are there; the state is "r",
-- ready, or "b", being built. The rows of a schema are a hash: id -> "1 <length> ...\n<values><json>"; the lengths are
-- those of the values in the schema's indexes, "-" where it is in none. An index is a sorted set; its members are
-- "<value>\0<id>", all of score 0. An empty text: no row.
--
-- Of `whose` each line is "<number of the commit in its group> <mode> <id>", the mode being the first letter of "changed",
-- "same" or "repair"; the texts of the rows follow, in order.
--
-- Of a schema that is not there, nothing is written: it is not built yet, or was dropped. Whatever other schemas are there
-- are those of older or newer code, which this commit's code cannot make rows for: their row falls behind, and who reads
-- it has it repaired. So no commit passes a row by, whoever was told of what, and when.
--
-- What can be wrong is looked at before the first commit of the group is written. Rows are written behind all of them, for
-- one command with many rows costs a fraction of many; they are those of commits that were written just now, so nothing
-- can have come in between.

local function refuse(key, found, should)
  return { 'refused', key .. ' is a ' .. found .. ', and should be a ' .. should }
end

-- What is wrong with a key, if it is not of the type that it must have.
local function other_type(key, wanted)
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' or kind == wanted then return nil end
  return refuse(key, kind, wanted)
end

-- The other schemas that are there, in which these rows fall behind.
local function others_of(view)
  local found = {}
  if view.there ~= view.schema .. '=r' then
    for other in string.gmatch(view.there, '([^ ]+)=%a') do
      if other ~= view.schema then found[#found + 1] = sub(view.rows, 1, -#view.schema - 1) .. other .. ':?' end
    end
  end
  return found
end

-- What is wrong with what is stored, nil where nothing is; and what the rows are now, by their places in the list.
local function look_at_rows(view, views_key, name)
  local there = pcall_redis('HGET', views_key, name)
  if type(there) == 'table' then return { 'refused', views_key .. ': ' .. there.err } end
  view.there = there or ''
  if view.there == view.schema .. '=r' then
    view.state = 'r'
  else
    view.state = string.match(' ' .. view.there, ' ' .. string.gsub(view.schema, '%p', '%%%0') .. '=(%a)')
  end
  view.others = others_of(view)
  for _, behind in ipairs(view.others) do
    local problem = other_type(behind, 'set')
    if problem then return problem end
  end
  view.writes = view.state and (view.changes or view.state == 'b')
  if not view.writes then return nil end
  for i = 1, view.indexes do
    local problem = other_type(KEYS[view.first_index + i - 1], 'zset')
    if problem then return problem end
  end
  view.old = pcall_redis('HMGET', view.rows, unpack(view.ids))
  if view.old.err then return { 'refused', view.rows .. ': ' .. view.old.err } end
  return nil
end

-- A group's views, which begin at key `k` and argument `a`; what is wrong, by commit; and where the rest begins.
local function read_views(count, k, a)
  local found, problems, views_key = {}, nil, KEYS[k]
  k = k + 1
  for n = 1, count do
    local view = { schema = ARGV[a + 1], indexes = tonumber(ARGV[a + 2]), rows = KEYS[k], first_index = k + 1,
      places = {}, modes = {}, ids = {}, first_text = a + 4 }
    local places, modes, ids, rows = view.places, view.modes, view.ids, 0
    for place, mode, id in string.gmatch(ARGV[a + 3], '(%d+) (%a) ([^\n]+)\n') do
      rows = rows + 1
      places[rows], modes[rows], ids[rows] = tonumber(place), mode, id
      if mode ~= 's' then view.changes = true end
    end
    local problem = look_at_rows(view, views_key, ARGV[a])
    if problem then
      problems = problems or {}
      for _, place in ipairs(places) do problems[place] = problem end
    end
    found[n] = view
    k, a = k + 1 + view.indexes, a + 4 + rows
  end
  return found, problems, k, a
end

-- The members that a row has in the indexes, by their numbers.
local function members_of(text, id, count)
  local members = {}
  if not text then return members end
  if count == 1 then
    local length, at = string.match(text, '^1 (%d+)\n()')
    if length then members[1] = sub(text, at, at + length - 1) .. '\0' .. id end
    return members
  end
  local lengths, at = string.match(text, '^1([^\n]*)\n()')
  if not lengths then return members end
  local i = 0
  for length in string.gmatch(lengths, '[%d-]+') do
    i = i + 1
    if length ~= '-' then
      members[i] = sub(text, at, at + length - 1) .. '\0' .. id
      at = at + length
    end
  end
  return members
end

local function new_changes(view)
  local changes = { set = {}, gone = {}, into = {}, out = {} }
  for i = 1, view.indexes do changes.into[i], changes.out[i] = {}, {} end
  return changes
end

-- nil, or the error of the command.
local function run_all(command, key, args)
  if #args == 0 then return nil end
  local done = pcall_redis(command, key, unpack(args))
  if type(done) == 'table' and done.err then return { 'torn', done.err } end
  return nil
end

local function write_changes(view, changes)
  local torn = run_all('HSET', view.rows, changes.set) or run_all('HDEL', view.rows, changes.gone)
  for i = 1, view.indexes do
    local key = KEYS[view.first_index + i - 1]
    torn = torn or run_all('ZREM', key, changes.out[i]) or run_all('ZADD', key, changes.into[i])
  end
  return torn
end

local function note_change(changes, view, old, text, id)
  if text == '' then
    changes.gone[#changes.gone + 1] = id
  else
    local set = changes.set
    local at = #set
    set[at + 1], set[at + 2] = id, text
  end
  local before, after = members_of(old, id, view.indexes), members_of(text, id, view.indexes)
  for i = 1, view.indexes do
    local from, to = before[i], after[i]
    if from ~= to then
      local out, into = changes.out[i], changes.into[i]
      if from then out[#out + 1] = from end
      if to then
        local at = #into
        into[at + 1], into[at + 2] = '0', to
      end
    end
  end
end

-- Besides the row itself: it falls behind in the other schemas, or is not behind any more.
local function mark(view, mode, id)
  -- A repair comes without records: the rows of other schemas are as right as they were.
  if mode == 'r' then
    if not view.state then return nil end
    local done = pcall_redis('SREM', view.rows .. ':?', id)
    return type(done) == 'table' and { 'torn', done.err } or nil
  end
  for _, behind in ipairs(view.others) do
    local done = pcall_redis('SADD', behind, id)
    if type(done) == 'table' then return { 'torn', done.err } end
  end
  return nil
end

-- The rows of the commits that were written: `answers[first]` is that of the group's first.
local function write_rows(view, answers, first)
  local changes, noted = new_changes(view), {}
  for row, place in ipairs(view.places) do
    if answers[first + place - 1] == 'committed' then
      local mode, id, text = view.modes[row], view.ids[row], ARGV[view.first_text + row - 1]
      local torn = (mode == 'r' or view.others[1]) and mark(view, mode, id)
      if view.writes and (mode ~= 's' or view.state == 'b') and not torn then
        -- Of two commits of one entity the second one takes away what the first one has put there.
        if noted[id] then
          torn = write_changes(view, changes)
          changes = new_changes(view)
        end
        local old = noted[id] or view.old[row]
        noted[id] = text
        if old ~= text then note_change(changes, view, old, text, id) end
      end
      if torn then return torn end
    end
  end
  return write_changes(view, changes)
end
