-- A part of commit.lua, which includes it: what commits do to timers.
--
-- Most commits that have to do with timers set one, or cancel one: these are plain ones with a mark. All else are extras.
-- `member` is "<entity id> <name>", as in the list of due times. The types of both keys are looked at before the commit is
-- written, by commands that answer with a number: the answer of TYPE is a table, which costs a third more.
--
-- Of the extras, "due" comes before the others, with the partition's list of due times as its key, and the entity's id. The others have
-- the entity's timers as their key, a hash: name -> "1 <generation> <due> <every> <tries> <entity type>\n<message>", of a
-- parked one "\n<error>" behind it. `mark` is "<generation> <due> ": while the timer begins with it, behind "1 ", it is
-- the one that was read. A parked timer is in the hash, and not in the list of due times.

local TIMER = { due = true, fire = true, set = true, cancel = true, clear = true }
local due_key, due_id -- of the commit whose extras are written

-- Whether the timer that a "fire" names is the one that was read.
local function stands(key, a)
  local text, mark = redis.call('HGET', key, ARGV[a + 1]), ARGV[a + 2]
  return text and sub(text, 3, 2 + #mark) == mark
end

-- What a fired timer is from now on, and when it is due: nil where it was to fire once. What was missed is over, and the
-- tick after it is the next one, passed or not: so each tick is fired or counted, and none of them twice.
local function after_firing(text, missed)
  local generation, due, every, rest = string.match(text, '^1 ([^ ]+) (%d+) (%d+) %d+ ([^\n]+\n[^\n]+)')
  if not generation or every == '0' then return nil end
  local following = string.format('%.0f', due + every * (missed + 1))
  return '1 ' .. generation .. ' ' .. following .. ' ' .. every .. ' 0 ' .. rest, following
end

-- The entity is destroyed.
local function clear_timers(key)
  for _, name in ipairs(redis.call('HKEYS', key)) do redis.pcall('ZREM', due_key, due_id .. ' ' .. name) end
  return pcall_redis('DEL', key)
end

local function write_timer(kind, key, a)
  if kind == 'due' then
    due_key, due_id = key, ARGV[a + 1]
    return nil
  end
  if kind == 'clear' then return clear_timers(key) end
  local name, text, due = ARGV[a + 1], nil, nil
  if kind == 'set' then
    due, text = ARGV[a + 2], ARGV[a + 3]
  elseif kind == 'fire' then
    text, due = after_firing(redis.call('HGET', key, name), ARGV[a + 3])
  end
  local member, done = due_id .. ' ' .. name, nil
  if text then
    done = pcall_redis('HSET', key, name, text)
    if type(done) == 'table' and done.err then return done end
    return pcall_redis('ZADD', due_key, due, member)
  end
  done = pcall_redis('HDEL', key, name)
  if type(done) == 'table' and done.err then return done end
  return pcall_redis('ZREM', due_key, member)
end

local LETTERS, NOTHING, SET = byte('A'), byte('-'), byte('s')

-- What is wrong with a key, of which `count` tells the length if it is of the type that it must have.
local function other_than(count, key, wanted)
  if type(pcall_redis(count, key)) == 'number' then return nil end
  return other_type(key, wanted)
end

-- What a mark says, of a commit whose record is written just now. No answer that says "not written" is possible any more: what
-- fails in spite of the looks before is "torn", unknown to the sender. A crash of Redis leaves no half of it, for all writes
-- of a script are one transaction in the append-only file; and who tries again finds the record, and so knows of the timer.
-- `key`: the entity's timers; from argument `a` on.
local function write_mark(mark, due, key, a)
  local member, done = ARGV[a], nil
  if mark == SET then
    done = pcall_redis('HSET', key, sub(member, 38), ARGV[a + 2])
    if type(done) == 'number' then done = pcall_redis('ZADD', due, ARGV[a + 1], member) end
  else
    done = pcall_redis('HDEL', key, sub(member, 38))
    -- What is in the list of due times is in the hash: so where nothing was there, there is nothing to take off.
    if done == 1 then done = pcall_redis('ZREM', due, member) end
  end
  if type(done) == 'number' then return nil end
  return { 'torn', done.err }
end
