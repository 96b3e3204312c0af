#!lua
-- Takes records of one entity away, from the front: old ones, that a snapshot covers.
--
-- KEYS   stream, snapshot
-- ARGV   below, before, most
-- REPLY  {"trimmed", what} | {"unreadable", reason}      what: "done" | "more" | "young"
--
-- Records below the version `below` go, if they are older than `before` (epoch ms) and the snapshot covers them: the record
-- of its own version stays, for by its commit it is known to be of this log. So the stream is never emptied. At most `most`
-- in one call ("more"), for it holds up everybody else; "young": the next one that could go is not old enough yet.

local saved = redis.pcall('HMGET', KEYS[2], 'version', 'commit')
if saved.err then return { 'unreadable', saved.err } end
local first = redis.pcall('XRANGE', KEYS[1], '-', '+', 'COUNT', '1')
if first.err then return { 'unreadable', first.err } end
if not saved[1] or not first[1] then return { 'trimmed', 'done' } end

local function version_of(id) return tonumber(string.match(id, '^%d+')) end
local function at(version)
  return redis.call('XRANGE', KEYS[1], version .. '-0', version .. '-0')[1]
end

-- "1 <13 digits> <commit id> ...": the commit id begins at 17.
local covered = at(saved[1])
if not covered or string.sub(covered[2][2], 17, 17 + #saved[2]) ~= saved[2] .. ' ' then return { 'trimmed', 'done' } end

local below = math.min(tonumber(ARGV[1]), tonumber(saved[1]))
local from = version_of(first[1][1])
if from >= below then return { 'trimmed', 'done' } end

-- As far as is old: looked for in steps that become smaller, for times grow with the versions.
local before, steps = tonumber(ARGV[2]), { tonumber(ARGV[3]), 100, 20, 4, 1 }
for _, step in ipairs(steps) do
  local last = math.min(from + step, below) - 1
  local record = at(last)
  local time = record and tonumber(string.match(record[2][2], '^1 (%d+) '))
  if not time then return { 'unreadable', 'record ' .. last .. ' is no record of Pachyderm\'s' } end
  if time < before then
    redis.call('XTRIM', KEYS[1], 'MINID', (last + 1) .. '-0')
    return { 'trimmed', last + 1 < below and 'more' or 'done' }
  end
end
return { 'trimmed', 'young' }
