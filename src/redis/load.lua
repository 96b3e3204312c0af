#!lua
-- Snapshot and the records after it, for many entities in one round trip.
--
-- KEYS   request: snapshot, stream
-- ARGV   page; request: schema
-- REPLY  one answer for each request: "empty" | {version, commit, schema, state, entries} | {"unreadable", reason}
--        (version "" where no snapshot can be used; at most `page` entries)
--
-- `schema` is "3", snapshots of that form can be read; "..3", those of lower forms too; or "", none.
--
-- The entries begin at the snapshot's own record, so that its commit is compared here: a snapshot whose record is
-- of another commit, or lies beyond the end, is of a log that was rolled back, and is not used.

local page = ARGV[1]
local answers = {}

local function is_readable(stored, schema)
  if stored == schema then return true end
  local newest, form = string.match(schema, '^%.%.(.+)$'), tonumber(stored)
  return newest and form and form <= tonumber(newest)
end

local function read(snapshot, stream, schema)
  -- Most entities that are asked for and not in memory are new: one look tells, and a snapshot without records is none.
  if redis.pcall('XLEN', stream) == 0 then return 'empty' end
  if schema ~= '' then
    local saved = redis.pcall('HMGET', snapshot, 'version', 'commit', 'schema', 'state')
    if saved.err then return { 'unreadable', saved.err } end
    local version, commit = saved[1], saved[2]
    if version and commit and saved[3] and saved[4] and is_readable(saved[3], schema) then
      local entries = redis.pcall('XRANGE', stream, version .. '-0', '+', 'COUNT', page)
      -- A version that is none: the snapshot is not used, and whether the stream is sound is found below.
      local first = not entries.err and entries[1]
      if first and first[1] == version .. '-0' then
        -- "1 <13 digits> <commit id> ...": the commit id begins at 17.
        if string.sub(first[2][2], 17, 17 + #commit) == commit .. ' ' then
          return { version, commit, saved[3], saved[4], entries }
        end
      elseif first and tonumber(string.match(first[1], '^%d+')) == tonumber(version) + 1 then
        return { version, commit, saved[3], saved[4], entries } -- its own record was trimmed; the next one follows on
      end
    end
  end
  local entries = redis.pcall('XRANGE', stream, '-', '+', 'COUNT', page)
  if entries.err then return { 'unreadable', entries.err } end
  return { '', '', '', '', entries }
end

for i = 1, #ARGV - 1 do answers[i] = read(KEYS[2 * i - 1], KEYS[2 * i], ARGV[i + 1]) end
return answers
