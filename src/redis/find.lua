#!lua
-- Whether messages were handled: looks for their ids in the records of an entity, from the newest back.
--
-- KEYS   stream
-- ARGV   before, since, page, message...
-- REPLY  {next, entries} | {"unreadable", reason}
--
-- `before` is "+", or "(" and the entry id that the last page ended at; `since` is epoch ms: a record that is older ends
-- the search. `next` is "" where it is ended, else the `before` of the next page. Pages, because the script holds up
-- everybody else while it looks. `entries` are those of the messages, newest first; only the first one of each message
-- is its last record.
--
-- A record begins "1 <13 digits> <commit id> <message id> ": see commit.lua.

local wanted = {}
for i = 4, #ARGV do wanted[ARGV[i]] = true end

local entries = redis.pcall('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[3])
if entries.err then return { 'unreadable', entries.err } end
local since, found = tonumber(ARGV[2]), {}
for _, entry in ipairs(entries) do
  local at, message = string.match(entry[2][2] or '', '^1 (%d+) [^ ]+ ([^ ]+) ')
  if not at then return { 'unreadable', 'the entry ' .. entry[1] .. ' is no record of Pachyderm\'s' } end
  if tonumber(at) < since then return { '', found } end
  if wanted[message] then found[#found + 1] = entry end
end
local last = entries[#entries]
return { #entries < tonumber(ARGV[3]) and '' or '(' .. last[1], found }
