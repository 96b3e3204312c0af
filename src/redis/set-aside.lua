#!lua
-- Puts off or parks a timer whose firing failed, while it is the one that was read.
--
-- KEYS   due, timers
-- ARGV   id, name, mark, ms, tries, error
-- REPLY  "done" | "gone"
--
-- `mark` is "<generation> <due> ", as in commit-timers.lua; "": whatever is stored there is no timer of ours, and is only
-- taken off the list of due times. `ms` is "" where it is parked, else after how many it is to be fired again: the list
-- then has another time than the timer itself, whose due time stays what it was.

local due, timers = KEYS[1], KEYS[2]
local name, mark, ms = ARGV[2], ARGV[3], ARGV[4]
local member = ARGV[1] .. ' ' .. name

if mark ~= '' then
  local text = redis.call('HGET', timers, name)
  if not text or string.sub(text, 3, 2 + #mark) ~= mark then return 'gone' end
  local generation, at, every, rest = string.match(text, '^1 ([^ ]+) (%d+) (%d+) %d+ ([^\n]+\n[^\n]+)')
  if not generation then return 'gone' end
  local again = '1 ' .. generation .. ' ' .. at .. ' ' .. every .. ' ' .. ARGV[5] .. ' ' .. rest
  if ms == '' then again = again .. '\n' .. ARGV[6] end
  redis.call('HSET', timers, name, again)
end

if ms == '' then
  redis.call('ZREM', due, member)
else
  local time = redis.call('TIME')
  redis.call('ZADD', due, string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ms), member)
end
return 'done'
