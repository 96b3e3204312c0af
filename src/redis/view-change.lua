#!lua
-- Which schemas of a view are there in a partition: one of them comes, is built, or goes.
--
-- KEYS   views, ids, key...
-- ARGV   change, view, schema
--        (change "begin": it is there, and ready where there are no entities; "ready": it is built, if it is there; "drop":
--        it goes, and the keys with it)
-- REPLY  {view, schemas, ...} | {"unreadable", reason}
--
-- `views` is as commit-rows.lua says; the reply has all of it.

local views, ids = KEYS[1], KEYS[2]
local change, view, schema = ARGV[1], ARGV[2], ARGV[3]

local function run()
  local others, state = {}, nil
  for each, as in string.gmatch(redis.call('HGET', views, view) or '', '([^ ]+)=(%a)') do
    if each == schema then state = as else others[#others + 1] = each .. '=' .. as end
  end
  if change == 'begin' then
    state = state or (redis.call('ZCARD', ids) == 0 and 'r' or 'b')
  elseif change == 'ready' then
    state = state and 'r'
  elseif change == 'drop' then
    state = nil
    for i = 3, #KEYS do redis.call('UNLINK', KEYS[i]) end
  end
  if state then others[#others + 1] = schema .. '=' .. state end
  if #others == 0 then redis.call('HDEL', views, view) else redis.call('HSET', views, view, table.concat(others, ' ')) end
  return redis.call('HGETALL', views)
end

local ok, answer = pcall(run)
if not ok then return { 'unreadable', type(answer) == 'table' and answer.err or tostring(answer) } end
return answer
