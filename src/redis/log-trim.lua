#!lua
-- Takes old entries of a partition's log away, from the front, behind every subscription.
--
-- KEYS   log, subscriptions, cursor...
-- ARGV   before, name...
-- REPLY  {"trimmed", entries} | {"again", name...} | {"unreadable", reason}
--
-- `name`s are the subscriptions whose cursors are given. Where they are not those of the partition, nothing is done and the
-- caller learns them: so that every key is a declared one, and none was made meanwhile. `before` is epoch ms.
--
-- "~": by whole nodes of the stream, so some that could go stay, and it costs next to nothing.

local log, names = KEYS[1], redis.pcall('SMEMBERS', KEYS[2])
if names.err then return { 'unreadable', names.err } end
table.sort(names)
local known = #names == #ARGV - 1
for i, name in ipairs(names) do known = known and name == ARGV[i + 1] end
if not known then return { 'again', unpack(names) } end

local last = redis.pcall('XREVRANGE', log, '+', '-', 'COUNT', '1')
if last.err then return { 'unreadable', last.err } end
if not last[1] then return { 'trimmed', 0 } end

local function parts(id)
  local ms, n = string.match(id, '^(%d+)-(%d+)')
  return tonumber(ms), tonumber(n)
end

local keep, keep_ms, keep_n = last[1][1], parts(last[1][1])
local function keep_from(id)
  local ms, n = parts(id)
  if ms < keep_ms or (ms == keep_ms and n < keep_n) then keep, keep_ms, keep_n = id, ms, n end
end

keep_from(ARGV[1] .. '-0')
for i = 3, #KEYS do
  local place = redis.pcall('HGET', KEYS[i], 'place')
  if type(place) == 'table' then return { 'unreadable', place.err } end
  if place then keep_from(string.match(place, '^%S+')) end
end
return { 'trimmed', redis.call('XTRIM', log, 'MINID', '~', keep, 'LIMIT', '10000') }
