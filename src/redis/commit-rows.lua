-- A part of commit.lua, which includes it: the rows of views, of all commits of a group together.
--
-- The partition's schemas are a hash: view -> "<schema>=<state> ...", of the schemas that are there; the state is "r",
-- ready, or "b", being built. The rows of a schema are a hash: id -> "1 <length> ...\n<values><json>"; the lengths are
-- those of the values in the schema's indexes, "-" where it is in none. An empty text: no row.
--
-- An index is a sorted set. A value is "n" and a number, "b" and a boolean, "t" and a text. A number is the score of the
-- entity's id; of others the member is "<value>\0<id>", at the score -inf where it is a boolean, and +inf where it is a text.
--
-- Of a schema that is not there, nothing is written: it is not built yet, or was dropped. Whatever other schemas are there
-- are those of older or newer code, which this commit's code cannot make rows for: their row falls behind, and who reads
-- it has it repaired. So no commit passes a row by, whoever was told of what, and when.
--
-- Of `whose` each line is the number of a row's commit in its group and the first letter of its mode: "changed", "same" or
-- "repair"; the `changed` ones come first. With `quick` the caller tells what the rows' changes do to each index: the
-- members that go (`outs`), those that are there then (`ins`), and how many of these come newly; or "n", and the numbers that
-- the changed rows have, each of which had one before. It says so of what it
-- remembers, and may be wrong. But each entity has one member in an index at most, that which its stored row names: so if
-- all that go were there, and all that stay, they were the right ones. If not, the rows as they are stored are asked; for
-- that they are written last.
--
-- What can be wrong is looked at before the first commit of the group is written. Rows are written behind all of them, for
-- one command with many rows costs a fraction of many; they are those of commits that were written just now, so nothing
-- can have come in between.

local function refuse(key, found, should)
  return { 'refused', key .. ' is a ' .. found .. ', and should be a ' .. should }
end

-- What is wrong with a key, if it is not of the type that it must have. TYPE makes a table for its answer each time; so it
-- is asked only where the count of that type fails.
local COUNT = { hash = 'HLEN', set = 'SCARD', zset = 'ZCARD', stream = 'XLEN' }
local function other_type(key, wanted)
  if type(pcall_redis(COUNT[wanted], key)) == 'number' then return nil end
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' or kind == wanted then return nil end
  return refuse(key, kind, wanted)
end

local function torn_by(done)
  if type(done) == 'table' and done.err then return { 'torn', done.err } end
  return nil
end

-- The other schemas that are there, in which these rows fall behind.
local function others_of(view, there)
  local found = {}
  for other in string.gmatch(there, '([^ ]+)=%a') do
    if other ~= view.schema then found[#found + 1] = sub(view.rows, 1, -#view.schema - 1) .. other .. ':?' end
  end
  return found
end

-- What is wrong with what is stored; nil where nothing is.
local function problem_of_view(view, views_key, name)
  local there = pcall_redis('HGET', views_key, name)
  if type(there) == 'table' then return { 'refused', views_key .. ': ' .. there.err } end
  if there == view.schema .. '=r' then
    view.state = 'r'
  else
    there = there or ''
    view.state = string.match(' ' .. there, ' ' .. string.gsub(view.schema, '%p', '%%%0') .. '=(%a)')
    view.others, view.is_quick = others_of(view, there), false
    for _, behind in ipairs(view.others) do
      local problem = other_type(behind, 'set')
      if problem then return problem end
    end
  end
  if not view.state or (view.is_quick and view.changed == 0) then return nil end
  local problem = other_type(view.rows, 'hash')
  -- Of a repair, from where it is behind.
  if not view.is_quick and string.find(view.whose, 'r', 1, true) then
    problem = problem or other_type(view.rows .. ':?', 'set')
  end
  for i = 1, view.indexes do problem = problem or other_type(KEYS[view.index + i - 1], 'zset') end
  return problem
end

-- The sound ones of a group's views, which begin at key `k` and argument `a`; what is wrong with the others, by their rows'
-- commits; and where the rest begins.
local function read_views(count, k, a)
  local found, problems, views_key = {}, nil, KEYS[k]
  k = k + 1
  for _ = 1, count do
    local indexes, rows, quick = tonumber(ARGV[a + 2]), tonumber(ARGV[a + 4]), ARGV[a + 5] == '1'
    local view = { schema = ARGV[a + 1], indexes = indexes, changed = tonumber(ARGV[a + 3]), count = rows,
      is_quick = quick, whose = ARGV[a + 6], row = a + 7, move = a + 7 + 2 * rows, rows = KEYS[k], index = k + 1 }
    local problem = problem_of_view(view, views_key, ARGV[a])
    if problem then
      problems = problems or {}
      for commit in string.gmatch(view.whose, '(%d+) %a\n') do problems[tonumber(commit)] = problem end
    else
      found[#found + 1] = view -- none of the others' commits will be written
    end
    k, a = k + 1 + indexes, view.move
    if quick then
      for _ = 1, indexes do
        if ARGV[a] == 'n' then a = a + 1 + view.changed else a = a + 3 + ARGV[a] + 2 * ARGV[a + 1] end
      end
    end
  end
  return found, problems, k, a
end

-- Numbers in place of those that were there. Whether there were as many.
local function move_numbers(view, key, a)
  local into, row = {}, view.row
  for i = 1, view.changed do
    into[2 * i - 1], into[2 * i] = ARGV[a + i], ARGV[row + 2 * i - 2]
  end
  return pcall_redis('ZADD', key, unpack(into)) == 0
end

local function move_members(key, a, outs, ins)
  if outs > 0 and pcall_redis('ZREM', key, unpack(ARGV, a + 3, a + 2 + outs)) ~= outs then return false end
  if ins == 0 then return true end
  return pcall_redis('ZADD', key, unpack(ARGV, a + 3 + outs, a + 2 + outs + 2 * ins)) == tonumber(ARGV[a + 2])
end

-- Writes what the caller tells. Whether it was as the caller remembers: if not, each row is still to be written by what is
-- stored; and an error, if there was one.
local function write_quickly(view)
  local a = view.move
  for i = 1, view.indexes do
    local key = KEYS[view.index + i - 1]
    if ARGV[a] == 'n' then
      if not move_numbers(view, key, a) then return false, nil end
      a = a + 1 + view.changed
    else
      local outs, ins = tonumber(ARGV[a]), tonumber(ARGV[a + 1])
      if not move_members(key, a, outs, ins) then return false, nil end
      a = a + 3 + outs + 2 * ins
    end
  end
  return true, torn_by(pcall_redis('HSET', view.rows, unpack(ARGV, view.row, view.row - 1 + 2 * view.changed)))
end

local SCORES = { b = '-inf', t = '+inf' }

-- The members that a row has in the indexes, by their numbers, and their scores.
local function places_of(text, id)
  local members, scores = {}, {}
  local lengths, at = string.match(text or '', '^1([^\n]*)\n()')
  if not lengths then return members, scores end
  local i = 0
  for length in string.gmatch(lengths, '[%d-]+') do
    i = i + 1
    if length ~= '-' then
      local value = sub(text, at, at + length - 1)
      scores[i] = SCORES[sub(value, 1, 1)]
      if scores[i] then members[i] = value .. '\0' .. id else members[i], scores[i] = id, sub(value, 2) end
      at = at + length
    end
  end
  return members, scores
end

-- nil, or the error of the command.
local function run_all(command, key, args)
  if #args == 0 then return nil end
  return torn_by(pcall_redis(command, key, unpack(args)))
end

local function new_changes(view)
  local changes = { set = {}, gone = {}, into = {}, out = {} }
  for i = 1, view.indexes do changes.into[i], changes.out[i] = {}, {} end
  return changes
end

local function write_changes(view, changes)
  local torn = run_all('HSET', view.rows, changes.set) or run_all('HDEL', view.rows, changes.gone)
  for i = 1, view.indexes do
    local key = KEYS[view.index + i - 1]
    torn = torn or run_all('ZREM', key, changes.out[i]) or run_all('ZADD', key, changes.into[i])
  end
  return torn
end

local function note_change(changes, view, old, text, id)
  if text == '' then
    changes.gone[#changes.gone + 1] = id
  else
    local set = changes.set
    set[#set + 1] = id
    set[#set + 1] = text
  end
  local before = places_of(old, id)
  local after, scores = places_of(text, id)
  for i = 1, view.indexes do
    local out, into = changes.out[i], changes.into[i]
    if before[i] and before[i] ~= after[i] then out[#out + 1] = before[i] end
    -- Even where it is as it was: what was done quickly may have taken it out.
    if after[i] then
      into[#into + 1] = scores[i]
      into[#into + 1] = after[i]
    end
  end
end

-- Besides the row itself: it falls behind in the other schemas, or is not behind any more.
local function mark(view, mode, id)
  -- A repair comes without records: the rows of other schemas are as right as they were.
  if mode == 'r' then return view.state and torn_by(pcall_redis('SREM', view.rows .. ':?', id)) end
  for _, behind in ipairs(view.others or {}) do
    local torn = torn_by(pcall_redis('SADD', behind, id))
    if torn then return torn end
  end
  return nil
end

-- The rows as they are stored, by their ids.
local function stored_rows(view)
  local ids, old = {}, {}
  for i = 1, view.count do ids[i] = ARGV[view.row + 2 * i - 2] end
  local texts = pcall_redis('HMGET', view.rows, unpack(ids))
  if texts.err then return nil, torn_by(texts) end
  for i, id in ipairs(ids) do old[id] = texts[i] end
  return old, nil
end

-- The rows of the commits that were written: `answers[first]` is that of the group's first.
local function write_each(view, answers, first)
  local old, torn = {}, nil
  if view.state then old, torn = stored_rows(view) end
  if torn then return torn end
  local changes, noted, a = new_changes(view), {}, view.row
  for commit, mode in string.gmatch(view.whose, '(%d+) (%a)\n') do
    local number = tonumber(commit)
    if answers[first + number - 1] == 'committed' then
      local id, text = ARGV[a], ARGV[a + 1]
      torn = mark(view, mode, id)
      if not torn and (view.state == 'b' or (view.state and mode ~= 's')) then
        -- Of two commits of one entity the second one takes away what the first one has put there. It may have come here
        -- before it, for rows that changed do: then the first one's is not the row any more.
        local last = noted[id]
        if last and last < number then
          torn = write_changes(view, changes)
          changes = new_changes(view)
        end
        if not last or last < number then
          note_change(changes, view, old[id], text, id)
          noted[id], old[id] = number, text
        end
      end
      if torn then return torn end
    end
    a = a + 2
  end
  return write_changes(view, changes)
end

-- `written`: whether all commits of the group were.
local function write_rows(view, answers, first, written)
  if view.is_quick and view.changed == 0 then return nil end
  if view.is_quick and written then
    local is_done, torn = write_quickly(view)
    if is_done then return torn end
  end
  return write_each(view, answers, first)
end
