#!lua
-- Rows of one view: of one entity, or those that are found in some partitions, or how many there are.
--
-- KEYS   request: views, rows, behind, index
-- ARGV   what, view, schema, most; request: id | from, to, limit | from, to
-- REPLY  one for each request: {"unbuilt"} | {"behind", id, ...} | {"row", text}
--        | {"rows", more, end, behind, id, ..., member, text, ...} | {"count", count, id, head, ...} | {"unreadable", reason}
--
-- `what` is "get", "up", "down" or "count"; `get` has no index, and `rows` stands for it. From `from`, inclusive, to `to`,
-- exclusive; for a count of all rows both are "". `more` is "1" where there may be more, and `end` the last member that was
-- looked at. `text` is "" where the entity has no row. Rows are as commit-rows.lua writes them.
--
-- Where at most `most` rows are behind, they are named, all of them, and read from here is what the others are, at this moment: rows
-- that are behind are left out of "rows" (`behind` is how many ids come next), and of a "count" they are to be taken away:
-- `head` is the row up to its values, "" if there is none. Where there are more, some are named, as "behind", and nothing is read.

local what, view, schema = ARGV[1], ARGV[2], ARGV[3]
local most = tonumber(ARGV[4])
local SOME = 64 -- of more, which are written as they should be before anything is read
local WIDTH = { get = 1, up = 3, down = 3, count = 2 }

local function page(rows, index, late, a)
  local from, to, limit = ARGV[a], ARGV[a + 1], tonumber(ARGV[a + 2])
  local members
  if what == 'up' then
    members = redis.call('ZRANGE', index, '[' .. from, '(' .. to, 'BYLEX', 'LIMIT', 0, limit)
  else
    members = redis.call('ZRANGE', index, '(' .. to, '[' .. from, 'BYLEX', 'REV', 'LIMIT', 0, limit)
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
      if not text then return { 'unreadable', index .. ' names a row that is not there: ' .. member } end
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
  local from, to = ARGV[a], ARGV[a + 1]
  local all = to == '' and redis.call('HLEN', rows) or redis.call('ZLEXCOUNT', index, '[' .. from, '(' .. to)
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
