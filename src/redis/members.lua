#!lua
-- The registry of a network: one step of one node, and what is there then.
--
-- KEYS   nodes, beats
-- ARGV   step, id, member, ttl, known
--        (step "announce": the member lives for `ttl` ms from now; "leave": it is gone; "look": nothing)
-- REPLY  {now, digest, members} | {now, digest}: those that live, in the order of their ids; left out where the digest
--        is `known` to the caller, as it is most of the time: who lives changes rarely, and every node asks every second
--
-- A member is opaque text here. Whoever comes by drops those whose time has passed, so nobody has to sweep.

local nodes, beats = KEYS[1], KEYS[2]
local step, id, known = ARGV[1], ARGV[2], ARGV[5]
local time = redis.call('TIME')
local ms = time[1] * 1000 + math.floor(time[2] / 1000)
local now = string.format('%.0f', ms)

if step == 'announce' then
  redis.call('HSET', nodes, id, ARGV[3])
  redis.call('ZADD', beats, string.format('%.0f', ms + ARGV[4]), id)
elseif step == 'leave' then
  redis.call('HDEL', nodes, id)
  redis.call('ZREM', beats, id)
end

for _, gone in ipairs(redis.call('ZRANGE', beats, '-inf', now, 'BYSCORE')) do
  redis.call('HDEL', nodes, gone)
  redis.call('ZREM', beats, gone)
end

local ids, members = redis.call('ZRANGE', beats, 0, -1), {}
table.sort(ids)
for i, one in ipairs(ids) do members[i] = redis.call('HGET', nodes, one) or '' end
local digest = redis.sha1hex(table.concat(members, '\n'))
if digest == known then return { now, digest } end
return { now, digest, members }
