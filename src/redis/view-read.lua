#!lua
-- Rows of one view: of one entity, or those that are found in some partitions, or how many there are.
--
-- KEYS   request: views, rows, behind, index
-- ARGV   what, view, schema, most; request: id | from, to, limit | from, to; place: score, rest
-- REPLY  one for each request: {"unbuilt"} | {"behind", id, ...} | {"row", text}
--        | {"rows", more, end, behind, id, ..., member, text, ...} | {"count", count, id, head, ...} | {"unreadable", reason}
--
-- `what` is "get", "up", "down" or "count"; `get` has no index, and `rows` stands for it. An index is as commit-rows.lua writes
-- it: members of one score are in order, byte by byte. `from`, inclusive, and `to`, exclusive, are places: behind all of
-- a lower score, and those of this one that come before `rest`, which is "" before all of them and "~" behind all. For a count of all rows both places are of empty texts. A `member` is told
-- as "<value>\0<id>", of numbers too. `more` is "1" where there may be more, and `end` the last member that was
-- looked at. `text` is "" where the entity has no row. Rows are as commit-rows.lua writes them.
--
-- Where at most `most` rows are behind, they are named, all of them, and read from here is what the others are, at this moment: rows
-- that are behind are left out of "rows" (`behind` is how many ids come next), and of a "count" they are to be taken away:
-- `head` is the row up to its values, "" if there is none. Where there are more, some are named, as "behind", and nothing is read.

local what, view, schema = ARGV[1], ARGV[2], ARGV[3]
local most = tonumber(ARGV[4])
local SOME = 64 -- of more, which are written as they should be before anything is read
local WIDTH = { get = 1, up = 5, down = 5, count = 4 }

-- Byte by byte, whatever the order of texts is where Redis runs: Lua's `<` goes by that.
local function is_before(a, b)
  local shorter = math.min(#a, #b)
  local at = 1
  while at <= shorter and string.sub(a, at, at + 31) == string.sub(b, at, at + 31) do at = at + 32 end
  for i = at, math.min(shorter, at + 31) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- How many members stand before a place.
local function count_before(index, score, rest)
  local low = redis.call('ZCOUNT', index, '-inf', '(' .. score)
  if rest == '' then return low end
  local high = redis.call('ZCOUNT', index, '-inf', score)
  if rest == '~' then return high end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(redis.call('ZRANGE', index, middle, middle)[1], rest) then low = middle + 1 else high = middle end
  end
  return low
end

-- "<value>\0<id>" of members and scores, which come in turn.
local function members_of(found)
  local members = {}
  for i = 1, #found, 2 do
    local member, score = found[i], found[i + 1]
    local is_number = score ~= 'inf' and score ~= '-inf'
    members[#members + 1] = is_number and 'n' .. score .. '\0' .. member or member
  end
  return members
end

local function in_ranks(index, low, high, limit)
  if low >= high then return {} end
  if what == 'up' then
    return members_of(redis.call('ZRANGE', index, low, math.min(high, low + limit) - 1, 'WITHSCORES'))
  end
  local all = redis.call('ZCARD', index)
  local last = math.min(all - low, all - high + limit) - 1
  return members_of(redis.call('ZRANGE', index, all - high, last, 'REV', 'WITHSCORES'))
end

local function in_scores(index, from, to, limit)
  if what == 'up' then
    return members_of(redis.call('ZRANGE', index, from, to, 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES'))
  end
  return members_of(redis.call('ZRANGE', index, to, from, 'BYSCORE', 'REV', 'LIMIT', 0, limit, 'WITHSCORES'))
end

-- Of texts, or of booleans.
local function in_order(index, from, to, limit)
  if what == 'up' then return redis.call('ZRANGE', index, from, to, 'BYLEX', 'LIMIT', 0, limit) end
  return redis.call('ZRANGE', index, to, from, 'BYLEX', 'REV', 'LIMIT', 0, limit)
end

local function is_edge(rest)
  return rest == '' or rest == '~'
end

-- From one place to the other: as a range of scores, where both are edges of one; as one of texts, or of booleans, where there
-- is nothing else in the index, for by lex is undefined where scores differ; or null, and then by ranks.
local function range_of(index, a)
  local from, from_rest, to, to_rest = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
  if is_edge(from_rest) and is_edge(to_rest) then
    return from_rest == '' and from or '(' .. from, to_rest == '' and '(' .. to or to, 'BYSCORE'
  end
  local is_number = from ~= '+inf' and from ~= '-inf'
  if from == to and not is_number and redis.call('ZCOUNT', index, from, to) == redis.call('ZCARD', index) then
    return '[' .. from_rest, '(' .. to_rest, 'BYLEX'
  end
  return nil
end

local function page(rows, index, late, a)
  local limit = tonumber(ARGV[a + 4])
  local from, to, by = range_of(index, a)
  local members
  if from then
    members = (by == 'BYLEX' and in_order or in_scores)(index, from, to, limit)
  else
    local low = count_before(index, ARGV[a], ARGV[a + 1])
    local high = count_before(index, ARGV[a + 2], ARGV[a + 3])
    members = in_ranks(index, low, high, limit)
  end
  local found = { 'rows', #members < limit and '' or '1', members[#members] or '', #late }
  local is_late = {}
  for _, id in ipairs(late) do
    found[#found + 1] = id
    is_late[id] = true
  end
  for _, member in ipairs(members) do
    local id = string.sub(member, -36)
    if not is_late[id] then
      local text = redis.call('HGET', rows, id)
      if not text then return { 'unreadable', index .. ' names a row that is not there: ' .. id } end
      found[#found + 1] = member
      found[#found + 1] = text
    end
  end
  return found
end

-- The row without its JSON, which may be long.
local function head_of(text)
  if not text then return '' end
  local lengths, at = string.match(text, '^1([^\n]*)\n()')
  if not lengths then return '' end
  for length in string.gmatch(lengths, '%d+') do at = at + length end
  return string.sub(text, 1, at - 1)
end

local function count(rows, index, late, a)
  local all
  if ARGV[a] == '' then
    all = redis.call('HLEN', rows)
  else
    local from, to, by = range_of(index, a)
    if from then
      all = redis.call(by == 'BYLEX' and 'ZLEXCOUNT' or 'ZCOUNT', index, from, to)
    else
      local before = count_before(index, ARGV[a], ARGV[a + 1])
      all = math.max(0, count_before(index, ARGV[a + 2], ARGV[a + 3]) - before)
    end
  end
  local counted = { 'count', all }
  for _, id in ipairs(late) do
    counted[#counted + 1] = id
    counted[#counted + 1] = head_of(redis.call('HGET', rows, id))
  end
  return counted
end

local function read(views, rows, behind, index, a)
  local there = redis.call('HGET', views, view)
  if not there or not string.find(' ' .. there .. ' ', ' ' .. schema .. '=r ', 1, true) then return { 'unbuilt' } end
  if what == 'get' then
    if redis.call('SISMEMBER', behind, ARGV[a]) == 1 then return { 'behind', ARGV[a] } end
    return { 'row', redis.call('HGET', rows, ARGV[a]) or '' }
  end
  if redis.call('SCARD', behind) > most then return { 'behind', unpack(redis.call('SRANDMEMBER', behind, SOME)) } end
  local late = redis.call('SMEMBERS', behind)
  if what == 'count' then return count(rows, index, late, a) end
  return page(rows, index, late, a)
end

local reply, a = {}, 5
for k = 1, #KEYS, 4 do
  local ok, answer = pcall(read, KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], a)
  if not ok then answer = { 'unreadable', type(answer) == 'table' and answer.err or tostring(answer) } end
  reply[#reply + 1] = answer
  a = a + WIDTH[what]
end
return reply
