#!lua
-- The timers that are due in some partitions, and when the next one will be.
--
-- KEYS   partition: due, timers
-- ARGV   limit...
-- REPLY  {now, {next, member, text, ...}...}
--
-- One limit for each partition. `due` is its list of due times, `timers` what the keys of its entities' timers begin with:
-- the member "<entity id> <name>" tells the rest, and all of them are in the slot of the two. `next` is "" where nothing is
-- to come; a `text` is "" where the timer is missing.

local time = redis.call('TIME')
local now = time[1] .. string.sub(time[2] + 1000000, 2, 4)
local reply = { now }
for i, limit in ipairs(ARGV) do
  local due, timers = KEYS[2 * i - 1], KEYS[2 * i]
  local following = redis.call('ZRANGE', due, '(' .. now, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
  local found = { following[2] or '' }
  for _, member in ipairs(redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)) do
    found[#found + 1] = member
    found[#found + 1] = redis.call('HGET', timers .. string.sub(member, 1, 36), string.sub(member, 38)) or ''
  end
  reply[i + 1] = found
end
return reply
