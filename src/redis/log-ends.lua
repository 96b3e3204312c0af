#!lua
-- The last entries of logs.
--
-- KEYS   request: log
-- REPLY  one answer for each: {entry, call} | {"unreadable", reason} (entry "" where there is none)

local answers = {}
for i, log in ipairs(KEYS) do
  local found = redis.pcall('XREVRANGE', log, '+', '-', 'COUNT', '1')
  if found.err then
    answers[i] = { 'unreadable', found.err }
  elseif found[1] then
    answers[i] = { found[1][1], string.match(found[1][2][2] or '', '^1 ([%w_-]+)\n') or '' }
  else
    answers[i] = { '', '' }
  end
end
return answers
