#!lua
-- Rows of one view: of one entity, or those that are found in some partitions, or how many there are.
--
-- KEYS   request: views, rows, behind, index
-- ARGV   what, view, schema; request: id | from, to, limit | from, to
-- REPLY  one for each request: {"unbuilt"} | {"behind", id, ...} | {"row", text} | {"rows", more, member, text, ...}
--        | {"count", count} | {"unreadable", reason}
--
-- `what` is "get", "up", "down" or "count"; `get` has no index, and `rows` stands for it. From `from`, inclusive, to `to`,
-- exclusive; for a count of all rows both are "". `more` is "1" where there may be more. `text` is "" where the entity has
-- no row. Rows are as commit-rows.lua writes them.

local what, view, schema = ARGV[1], ARGV[2], ARGV[3]
local BEHIND = 64 -- that are told at once: they are loaded before anything is read
local WIDTH = { get = 1, up = 3, down = 3, count = 2 }

local function page(rows, index, a)
  local from, to, limit = ARGV[a], ARGV[a + 1], tonumber(ARGV[a + 2])
  local members
  if what == 'up' then
    members = redis.call('ZRANGE', index, '[' .. from, '(' .. to, 'BYLEX', 'LIMIT', 0, limit)
  else
    members = redis.call('ZRANGE', index, '(' .. to, '[' .. from, 'BYLEX', 'REV', 'LIMIT', 0, limit)
  end
  local found = { 'rows', #members < limit and '' or '1' }
  for _, member in ipairs(members) do
    local text = redis.call('HGET', rows, string.sub(member, -36))
    if not text then return { 'unreadable', index .. ' names a row that is not there: ' .. member } end
    found[#found + 1] = member
    found[#found + 1] = text
  end
  return found
end

local function read(views, rows, behind, index, a)
  local there = redis.call('HGET', views, view)
  if not there or not string.find(' ' .. there .. ' ', ' ' .. schema .. '=r ', 1, true) then return { 'unbuilt' } end
  if what == 'get' then
    if redis.call('SISMEMBER', behind, ARGV[a]) == 1 then return { 'behind', ARGV[a] } end
    return { 'row', redis.call('HGET', rows, ARGV[a]) or '' }
  end
  local late = redis.call('SRANDMEMBER', behind, BEHIND)
  if #late > 0 then return { 'behind', unpack(late) } end
  if what ~= 'count' then return page(rows, index, a) end
  if ARGV[a + 1] == '' then return { 'count', redis.call('HLEN', rows) } end
  return { 'count', redis.call('ZLEXCOUNT', index, '[' .. ARGV[a], '(' .. ARGV[a + 1]) }
end

local reply, a = {}, 4
for k = 1, #KEYS, 4 do
  local ok, answer = pcall(read, KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], a)
  if not ok then answer = { 'unreadable', type(answer) == 'table' and answer.err or tostring(answer) } end
  reply[#reply + 1] = answer
  a = a + WIDTH[what]
end
return reply
