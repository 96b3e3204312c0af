-- As group-append.lua, with one timer for each entity, which is set or taken away in turns: what timers cost Redis, no
-- framework around it. Of several events of one entity the last one counts.
-- KEYS[i] stream
-- ARGV    per key: expected version, number of events, the events
-- REPLY   per key: 1 appended, 0 another writer was first
local reply, at = {}, 1
local text = '1 3f8vRr2QmJ0a7yKcX1ZbTw-0 1790000000000 0 0 counter\n{"type":"increment"}'
for i, key in ipairs(KEYS) do
  local version, events = ARGV[at], tonumber(ARGV[at + 1])
  local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', '1')[1]
  if (last and last[1] or '0-0') == version .. '-0' then
    for n = 1, events do
      redis.call('XADD', key, (version + n) .. '-0', 'e', ARGV[at + 1 + n])
    end
    if (version + events) % 2 == 1 then
      redis.call('HSET', 't:' .. key, 'later', text)
      redis.call('ZADD', 'raw-due', '1790000000000', key .. ' later')
    else
      redis.call('HDEL', 't:' .. key, 'later')
      redis.call('ZREM', 'raw-due', key .. ' later')
    end
    reply[i] = 1
  else
    reply[i] = 0
  end
  at = at + 2 + events
end
return reply
