#!lua
-- The compare-and-append: many commits, each on its own all or nothing.
--
-- KEYS   tip... (of each group, unless its `known` is "-"); group: log (where `items` is not empty), ids (where `listed` is
--        not), due (where there are `marks`), schemas (where there are views), view...; view: rows, index...;
--        plain: stream, timers (where marked); other: stream, extra...;
--        extra: receipt | message | seen | snapshot | list (ids) | destroy (snapshot) | unlist (ids)
--        | due | fire, set, cancel, clear (timers) | job
-- ARGV   call, token, groups, known... (of each group); group: quick, items, befores, rest, listed (with numbers), view...
--        rest: sure, plain, near, others, views, marks
--        view: table, schema, indexes, changed, rows, quick, whose, row..., move... (where quick)
--        row: id, text; place: score, member
--        move: outs, ins, new, out..., place... | "n", score...
--        plain: next, record, timer... (where marked)
--        timer: member, due (of "s"), text (of "s")
--        other: version, commit, next, records, extras, record..., self (with extras), extra...
--        extra: "receipt", value, ttl | "message", value, ttl, until | "seen", until | "snapshot", version, schema, state
--               | "list", entity | "destroy" | "unlist", from, to
--               | "due", id | "fire", name, mark, missed | "set", name, due, text | "cancel", name | "clear"
--               | "job", queue, sort, at, data
-- REPLY  now, strangers, "committed" where every commit was; else now, strangers and one answer for each commit:
--        "committed" | {"already"} | {"duplicate", step, value, ...} | {"late", step, ...} | {"gone", firing, ...}
--        | {"conflict", entries} | {"diverged"} | {"reload"} | {"again"} | {"refused", reason} | {"torn", reason}
--
-- A group is a partition. `plain` counts its commits of one record and no extras, which come first and are most; `others`
-- the others. `rest` is one text of numbers, and `marks` behind them; of these numbers there is none where all commits are
-- `quick` ones without rows: then there is nothing else. `marks` has one letter for each plain commit, by what it does to a
-- timer: "s" sets one, "c" cancels one, "-" does nothing; "" where none does. (More than one timer, or a firing: extras.)
-- `next` is the version of a commit's first record, `version` the expected one, and `commit` the commit id there;
-- of plain ones `befores` holds these ids, in order.
-- All commit ids (`self` is the commit's own) end in a space, so that none is the beginning of another. `items` are the
-- lines of the group's log entry, one for each commit that has records, in order; those of `listed` are "<entity id> <type>"
-- of the first plain commits, as many as bring an entity's first record.
--
-- The tip of a partition is the token of the call that wrote records to it last. Where that is still `known`, the
-- caller's own last one, nobody else has written since and nothing was lost: the log of every entity that the caller has
-- written to since is as it left it. So of its first `quick` plain commits, and the first `near` others, no more is
-- compared than that, and the length of the stream, before all of that fails and each is compared in full. `strangers`
-- are the numbers of the groups where the tip was another, in text; there the token is put with "!" behind it. The caller
-- may have sent a next call already, with this one's token as `known`: what that one trusts in is not so then. `known` is
-- "-" for a group that writes neither records nor receipts: who only looks is no stranger to others. See docs/decisions/0030.
--
-- Of a group that is `sure` ("1"), commits lack the receipts to look for, since nobody else has written to the partition
-- since their messages were sent, by the tip that is known. Where it is another one, none of them is looked at: "again".
--
-- Commits with jobs go to a script that has commit-jobs.lua in it, where it is said what stands behind all else then.
--
-- A record is one field: "1 <epoch ms> <commit id> <message id> <type>\n<event>\n<reply>"; the time is put in front
-- here, all else comes ready from the caller, and is never looked into: cjson would alter it.
--
-- Lua has no rollback. So all checks of a commit come before its first write, and what is written then cannot fail
-- for a reason that could have been seen. Each write is a pcall: one commit's bad luck ("torn": the caller takes it
-- as unknown) leaves the others their answers. An error of the script itself is unknown to all, and the same call
-- again finds what was written ("already"). See docs/decisions/0004.

local time = redis.call('TIME')
local now = time[1] .. string.sub('00000' .. time[2], -6, -4)
local stamp = '1 ' .. now .. ' '
local COMMIT_AT = #stamp + 1 -- where the commit id begins in a record
local MISSED = '128' -- records that a conflict brings along
local pcall_redis, sub, byte = redis.pcall, string.sub, string.byte
local KEYS, ARGV = KEYS, ARGV -- as locals they cost a tenth less of the whole

-- Arguments of an extra.
local WIDTH = { receipt = 3, message = 4, seen = 2, snapshot = 4, list = 2, destroy = 1, unlist = 3, due = 2, fire = 4,
  set = 4, cancel = 2, clear = 1, job = 5 }

-- Of commits with jobs: commit-jobs.lua stands here then, and BullMQ's own scripts with it (compose.ts).
local check_job, write_jobs

local function is_of(entry, commit)
  return sub(entry[2][2], COMMIT_AT, COMMIT_AT + #commit - 1) == commit
end

local function version_of(id)
  return tonumber(string.match(id, '^%d+'))
end

-- What is to be said of a commit that cannot be written: that it was, if `id` is there, and is of the commit that `record` is of.
local function already_or(answer, stream, id, record)
  if answer[1] == 'already' or answer[1] == 'again' then return answer end
  local found = pcall_redis('XRANGE', stream, id, id)
  if found.err or not found[1] or not is_of(found[1], string.match(record, '^[^ ]+ ')) then return answer end
  return { 'already' }
end

-- The log is not at `at`: says how. Order: already, then what is wrong with the caller's memory, then conflict.
local function explain(stream, at, commit, first_id, self, last)
  if not last or version_of(last[1]) < version_of(at) or last[1] == at then return { 'diverged' } end
  local from = at == '0-0' and first_id or at
  local entries = redis.call('XRANGE', stream, from, '+', 'COUNT', MISSED)
  for i = 1, 2 do
    if self and entries[i] and entries[i][1] == first_id and is_of(entries[i], self) then return { 'already' } end
  end
  if at ~= '0-0' then
    if entries[1][1] ~= at then return { 'reload' } end -- trimmed: there is nothing to compare with
    if not is_of(entries[1], commit) then return { 'diverged' } end
  end
  return { 'conflict', entries }
end

-- nil where the log is at `at`, by that commit.
local function compare(stream, at, commit, first_id, self_arg)
  local found = pcall_redis('XREVRANGE', stream, '+', '-', 'COUNT', '1')
  if found.err then return { 'refused', found.err } end
  local last = found[1]
  if last then
    if last[1] == at and is_of(last, commit) then return nil end
  elseif at == '0-0' then
    return nil
  end
  return explain(stream, at, commit, first_id, self_arg and string.match(self_arg, '^[^ ]+ '), last)
end

-- @include commit-rows.lua
-- @include commit-timers.lua

-- Of an extra's key, where it is no string.
local TYPES = { snapshot = 'hash', list = 'zset', destroy = 'hash', unlist = 'zset', due = 'zset', fire = 'hash',
  set = 'hash', cancel = 'hash', clear = 'hash' }

local sound = {} -- types that were looked at in this call: no other one can come in between

-- Receipts, and the types of all extras, from argument `a` and key `k` on. Receipts are looked at before the
-- comparison: a message that was handled is answered so, however far the log has come since. "message" and "seen" are
-- receipts of messages that came from another node, the latter only looked for, with the time after which nobody waits
-- for the message: what it was sent with (its receipts, the records that show it) may be gone soon.
local function check_extras(count, a, k, self)
  local duplicate, late, gone, refused, step, fired = nil, nil, nil, nil, 0, 0
  for _ = 1, count do
    local kind = ARGV[a]
    if TYPES[kind] then
      local stored = sound[KEYS[k]] or redis.call('TYPE', KEYS[k]).ok
      sound[KEYS[k]] = stored
      if stored ~= 'none' and stored ~= TYPES[kind] then
        return { 'refused', KEYS[k] .. ' is a ' .. stored .. ', and should be a ' .. TYPES[kind] }
      end
      if kind == 'fire' then
        if not stands(KEYS[k], a) then
          gone = gone or { 'gone' }
          gone[#gone + 1] = fired
        end
        fired = fired + 1
      end
    elseif kind == 'job' then
      refused = refused or check_job(k, a)
    else
      local value = pcall_redis('GET', KEYS[k])
      if type(value) == 'table' then return { 'refused', value.err } end
      if value then
        if sub(value, 3, 2 + #self) == self then return { 'already' } end
        duplicate = duplicate or { 'duplicate' }
        duplicate[#duplicate + 1] = step
        duplicate[#duplicate + 1] = value
      end
      if kind ~= 'receipt' and tonumber(now) > tonumber(ARGV[a + WIDTH[kind] - 1]) then
        late = late or { 'late' }
        late[#late + 1] = step
      end
      step = step + 1
    end
    k, a = k + 1, a + WIDTH[kind]
  end
  return duplicate or late or gone or refused
end

-- `stream`: of the records, for `destroy`, which leaves the last one of them.
local function write_extras(count, a, k, self, stream)
  for _ = 1, count do
    local kind, done = ARGV[a], nil
    if kind == 'snapshot' then
      done = pcall_redis('HSET', KEYS[k], 'version', ARGV[a + 1], 'commit', sub(self, 1, -2), 'schema', ARGV[a + 2],
        'state', ARGV[a + 3])
    elseif TIMER[kind] then
      done = write_timer(kind, KEYS[k], a)
    elseif kind == 'list' then
      done = pcall_redis('ZADD', KEYS[k], 0, ARGV[a + 1])
    elseif kind == 'unlist' then
      done = pcall_redis('ZREMRANGEBYLEX', KEYS[k], ARGV[a + 1], ARGV[a + 2])
    elseif kind == 'destroy' then
      redis.pcall('DEL', KEYS[k])
      done = pcall_redis('XTRIM', stream, 'MAXLEN', '1')
    elseif kind ~= 'seen' and kind ~= 'job' and ARGV[a + 1] ~= '' then
      done = pcall_redis('SET', KEYS[k], '1 ' .. self .. ARGV[a + 1], 'PX', ARGV[a + 2])
    end
    if type(done) == 'table' and done.err then return { 'torn', done.err } end
    k, a = k + 1, a + WIDTH[kind]
  end
  return nil
end

local function write_records(stream, first_id, count, a)
  local done = pcall_redis('XADD', stream, first_id, 'r', stamp .. ARGV[a])
  -- Nothing of this commit is written yet: a stream whose last id lies beyond its last entry, say.
  if type(done) == 'table' and done.err then return { 'refused', done.err } end
  if count == 1 then return nil end
  local version = version_of(first_id) - 1
  for i = 2, count do
    done = pcall_redis('XADD', stream, (version + i) .. '-0', 'r', stamp .. ARGV[a + i - 1])
    if type(done) == 'table' and done.err then return { 'torn', done.err } end
  end
  return nil
end

-- The log entry of a group, without the lines of commits that were not written.
local function write_log(key, items, dropped)
  if dropped then
    local kept, line = {}, 0
    for item in string.gmatch(items, '[^\n]+') do
      line = line + 1
      if not dropped[line] then kept[#kept + 1] = item end
    end
    if #kept == 0 then return nil end
    items = table.concat(kept, '\n')
  end
  local done = pcall_redis('XADD', key, '*', 'r', '1 ' .. ARGV[1] .. '\n' .. items)
  if type(done) == 'table' and done.err then return { 'torn', done.err } end
  return nil
end

local answers, n, clean = {}, 0, true
local k, a = 1, 4
local strangers = ''

-- The answer of a commit that is not plain, which begins at argument `a` and key `k`; and where the next one begins.
local function commit_other(group_error, problem, is_near)
  local stream, version, records, extras = KEYS[k], ARGV[a], tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  local at, before, first_id = version .. '-0', ARGV[a + 1], ARGV[a + 2] .. '-0'
  local first, after, self = a + 5, a + 5 + records, nil
  local answer = group_error
  if extras > 0 then
    self = ARGV[after]
    answer = answer or check_extras(extras, after + 1, k + 1, self)
  end
  answer = answer or problem
  -- Its receipt may have expired since, and another commit may have the key now.
  if answer and records > 0 then answer = already_or(answer, stream, first_id, ARGV[first]) end
  is_near = not answer and is_near and pcall_redis('XLEN', stream) == tonumber(version)
  if not answer and not is_near then answer = compare(stream, at, before, first_id, records > 0 and ARGV[first]) end
  if not answer and write_jobs and extras > 0 then
    answer = write_jobs(stream, at, is_near and first_id, extras, after + 1, k + 1)
  end
  if not answer and records > 0 then answer = write_records(stream, first_id, records, first) end
  -- Nothing is written yet. Of a log that was trimmed the length may be right by chance, and the last version is not.
  if is_near and answer and answer[1] == 'refused' then
    answer = compare(stream, at, before, first_id, ARGV[first]) or answer
  end
  if not answer and extras > 0 then answer = write_extras(extras, after + 1, k + 1, self, stream) end
  k, a = k + 1 + extras, after
  if extras > 0 then
    a = a + 1
    for _ = 1, extras do a = a + WIDTH[ARGV[a]] end
  end
  return answer, records > 0
end

-- Puts the caller's token in the tips of all groups: by one command that reads them, and one that writes, for two for each
-- group would cost twice as much. By the number of a group: whether the tip was the one that is known, and what is wrong.
local function move_tips(groups)
  local is_known, errors, places, moves = {}, {}, {}, {}
  for group = 1, groups do
    if ARGV[3 + group] ~= '-' then places[#places + 1] = group end
  end
  k, a = 1 + #places, 4 + groups
  local tips = #places > 0 and pcall_redis('MGET', unpack(KEYS, 1, #places))
  for i, group in ipairs(places) do
    local known, error = tips[i] == ARGV[3 + group], nil
    -- To MGET what is no text is nothing, and MSET would write over it.
    if not known then error = tips.err and { 'refused', tips.err } or not tips[i] and other_type(KEYS[i], 'string') or nil end
    is_known[group], errors[group] = known, error
    if not error then
      if not known then strangers = strangers .. group .. ' ' end
      moves[#moves + 1] = KEYS[i]
      moves[#moves + 1] = known and ARGV[2] or ARGV[2] .. '!'
    end
  end
  local done = #moves > 0 and pcall_redis('MSET', unpack(moves))
  if type(done) == 'table' and done.err then
    for _, group in ipairs(places) do errors[group] = { 'refused', 'the tip of the partition: ' .. done.err } end
  end
  return is_known, errors
end

local function in_order(text, pattern)
  local list = {}
  for one in string.gmatch(text, pattern) do list[#list + 1] = one end
  return list
end

-- Puts entities that have their first record now into the list of all, in one go: pairs of a score and a name.
local function write_list(key, pairs_of_listed)
  if #pairs_of_listed == 0 then return nil end
  local done = pcall_redis('ZADD', key, unpack(pairs_of_listed))
  if type(done) == 'table' and done.err then return { 'torn', done.err } end
  return nil
end

-- A plain commit, which begins at argument `a` and key `k`, with the full comparison.
local function commit_plain(before)
  local stream, first_id = KEYS[k], ARGV[a] .. '-0'
  local at = string.format('%.0f-0', ARGV[a] - 1)
  return compare(stream, at, before, first_id, ARGV[a + 1]) or write_records(stream, first_id, 1, a + 1)
end

local tips, tip_errors = move_tips(tonumber(ARGV[3]))
for group = 1, tonumber(ARGV[3]) do
  local quick, items, befores = tonumber(ARGV[a]), ARGV[a + 1], ARGV[a + 2]
  local sure, plain, near, others, count, listed = '0', quick, quick, 0, 0, ''
  local marks = ARGV[a + 3]
  a = a + 4
  if (byte(marks) or LETTERS) < LETTERS and byte(marks) ~= NOTHING then
    sure, plain, near, others, count, marks = string.match(marks, '^(%d) (%d+) (%d+) (%d+) (%d+) (.*)$')
    plain, others, count, listed = tonumber(plain), tonumber(others), tonumber(count), ARGV[a]
    near, a = plain + near, a + 1
  end
  local is_known, group_error = tips[group], tip_errors[group]
  if sure == '1' and not is_known then group_error = group_error or { 'again' } end
  local log, dropped, line, first_answer, written = nil, nil, 0, n + 1, true
  if items ~= '' then
    log, k = KEYS[k], k + 1
    -- Where it is no stream: TYPE answers with a table, and costs twice as much.
    if type(pcall_redis('XLEN', log)) == 'table' then group_error = group_error or other_type(log, 'stream') end
  end
  local ids, ids_error, names, new, first = nil, nil, nil, nil, 0
  if listed ~= '' then
    ids, k, names, new = KEYS[k], k + 1, in_order(listed, '[^\n]+'), {}
    ids_error, first = other_type(ids, 'zset'), #names
  end
  local due, due_error = nil, nil
  if marks ~= '' then
    due, k = KEYS[k], k + 1
    due_error = other_than('ZCARD', due, 'zset')
  end
  local views, problems
  if count > 0 then views, problems, k, a = read_views(count, k, a) end
  for i = 1, plain + others do
    local problem = problems and problems[i]
    local answer, has_line = group_error or problem, true
    if i <= first then answer = answer or ids_error end
    if i <= plain then
      -- The common case stands here in full, for calls of functions cost. Whatever is not so goes the long way.
      local stream, version, done = KEYS[k], ARGV[a], nil
      local mark = due and byte(marks, i) or NOTHING
      if mark ~= NOTHING then answer = answer or due_error or other_than('HLEN', KEYS[k + 1], 'hash') end
      if i <= quick and not answer and (is_known or version == '1') and pcall_redis('XLEN', stream) == version - 1 then
        done = pcall_redis('XADD', stream, version, 'r', stamp .. ARGV[a + 1])
      end
      if type(done) ~= 'string' then
        if type(befores) == 'string' then befores = in_order(befores, '[^ ]* ') end
        answer = answer and already_or(answer, stream, version .. '-0', ARGV[a + 1]) or commit_plain(befores[i])
      end
      if i <= first and not answer then
        new[#new + 1] = '0'
        new[#new + 1] = names[i]
      end
      k, a = k + 1, a + 2
      if mark ~= NOTHING then
        if not answer then answer = write_mark(mark, due, KEYS[k], a) end
        k, a = k + 1, a + (mark == SET and 3 or 1)
      end
    else
      answer, has_line = commit_other(group_error, problem, is_known and i <= near)
    end
    if has_line then line = line + 1 end
    n = n + 1
    answers[n] = answer or 'committed'
    if answer then
      clean, written = false, false
      if has_line and answer[1] ~= 'torn' then
        dropped = dropped or {}
        dropped[line] = true
      end
    end
  end
  if not group_error then
    local torn
    for _, view in ipairs(views or {}) do torn = torn or write_rows(view, answers, first_answer, written) end
    torn = torn or (ids and write_list(ids, new)) or (log and write_log(log, items, dropped))
    if torn then
      clean = false
      for i = first_answer, n do
        if answers[i] == 'committed' then answers[i] = torn end
      end
    end
  end
end

if clean then return { now, strangers, 'committed' } end
return { now, strangers, unpack(answers) }
