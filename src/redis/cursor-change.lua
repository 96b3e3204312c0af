#!lua
-- One change of a subscription in a partition that is not a move.
--
-- KEYS   cursor, log, rows, subscriptions
-- ARGV   name, change, at, generation, error, clear
--        (change "begin", "pause", "resume", "park", "rewind", "remove"; what it does not need is "")
-- REPLY  the fields and values of the cursor as it is then, none where there is none | {"unreadable", reason}
--
-- `at` is a place, or "now": the end of the log. `clear` is "1" where the rows go too. The set of subscriptions is what
-- trimming looks at: a cursor is never without its name there.

local cursor, log, rows, subscriptions = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, change, at, generation, failure, clear = unpack(ARGV)

local stored = redis.pcall('HMGET', cursor, 'generation', 'place', 'status')
if stored.err then return { 'unreadable', stored.err } end
local exists = stored[1] ~= false

local function place()
  if at ~= 'now' then return at end
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', '1')[1]
  if not last then return '0-0  0' end
  return last[1] .. ' ' .. (string.match(last[2][2] or '', '^1 ([%w_-]+)\n') or '') .. ' 0'
end

if change == 'begin' then
  if not exists then
    local set = redis.pcall('SADD', subscriptions, name)
    if type(set) == 'table' then return { 'unreadable', set.err } end
    redis.call('HSET', cursor, 'generation', '1', 'place', place(), 'status', 'running', 'error', '', 'truncated', '0',
      'removed', '0')
  end
elseif change == 'remove' then
  redis.call('DEL', cursor, rows)
  redis.call('SREM', subscriptions, name)
elseif exists then
  if change == 'pause' then
    redis.call('HSET', cursor, 'status', 'paused', 'error', '')
  elseif change == 'resume' then
    redis.call('HSET', cursor, 'status', 'running', 'error', '')
  elseif change == 'park' then
    if stored[1] == generation and stored[2] == at and stored[3] == 'running' then
      redis.call('HSET', cursor, 'status', 'parked', 'error', failure)
    end
  elseif change == 'rewind' then
    redis.call('HINCRBY', cursor, 'generation', '1')
    redis.call('HSET', cursor, 'place', place(), 'by', '', 'status', 'running', 'error', '', 'truncated', '0', 'removed', '0')
    if clear == '1' then redis.call('DEL', rows) end
  end
end
return redis.call('HGETALL', cursor)
