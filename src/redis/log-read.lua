#!lua
-- Entries of the logs of partitions after a place, for many readers in one round trip.
--
-- KEYS   request: log
-- ARGV   request: at, call, skip, limit
-- REPLY  one answer for each request: {"page", truncated, entries} | {"diverged", first} | {"unreadable", reason}
--
-- `at` is the id of an entry ("0-0": from the first one on), `call` the call that must have written it; a log that was
-- rolled back and has grown since holds another one there, or none. `skip` is "1" where the whole entry is done, else it
-- comes first. `truncated`: so many entries at least were trimmed behind which the page begins. `first` is the id of the
-- first entry that is there at or after the place, or "".
--
-- An entry is one field: "1 <call id>\n<lines>", see commit.lua.

local function is_of(entry, call)
  return string.sub(entry[2][2] or '', 1, 3 + #call) == '1 ' .. call .. '\n'
end

-- How many entries were taken away from the front, by the stream's own count of those that were ever added.
local function trimmed(log)
  local info, facts = redis.call('XINFO', 'STREAM', log), {}
  for i = 1, #info, 2 do facts[info[i]] = info[i + 1] end
  return math.max(0, (facts['entries-added'] or 0) - facts['length'])
end

local function read(log, at, call, skip, limit)
  if at == '0-0' then
    local entries = redis.pcall('XRANGE', log, '-', '+', 'COUNT', limit)
    if entries.err then return { 'unreadable', entries.err } end
    return { 'page', entries[1] and trimmed(log) or 0, entries }
  end
  local entries = redis.pcall('XRANGE', log, at, '+', 'COUNT', limit + skip)
  if entries.err then return { 'unreadable', entries.err } end
  local first = entries[1]
  if first and first[1] == at then
    if not is_of(first, call) then return { 'diverged', at } end
    if skip == 1 then table.remove(entries, 1) end
    return { 'page', 0, entries }
  end
  -- It is not there. Entries go from the front only: one before it says that it was lost and not trimmed, and so does an
  -- end before it, for the last one is never trimmed.
  if not first or redis.call('XREVRANGE', log, at, '-', 'COUNT', '1')[1] then
    return { 'diverged', first and first[1] or '' }
  end
  if #entries > limit then entries[#entries] = nil end
  return { 'page', math.max(1, trimmed(log)), entries }
end

local answers = {}
for i = 1, #KEYS do
  local a = 4 * (i - 1)
  answers[i] = read(KEYS[i], ARGV[a + 1], ARGV[a + 2], tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4]))
end
return answers
