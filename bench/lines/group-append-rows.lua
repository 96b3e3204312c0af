-- As group-append.lua, with one row and one index entry for each entity: what a view costs Redis, no framework around it.
-- KEYS[i] stream
-- ARGV    per key: expected version, number of events, the events
-- REPLY   per key: 1 appended, 0 another writer was first
local reply, at = {}, 1
for i, key in ipairs(KEYS) do
  local version, events = ARGV[at], tonumber(ARGV[at + 1])
  local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', '1')[1]
  if (last and last[1] or '0-0') == version .. '-0' then
    for n = 1, events do
      redis.call('XADD', key, (version + n) .. '-0', 'e', ARGV[at + 1 + n])
    end
    local old = redis.call('HGET', 'raw-rows', key)
    local new = string.format('%016x', version + events)
    if old then redis.call('ZREM', 'raw-index', old .. key) end
    redis.call('ZADD', 'raw-index', '0', new .. key)
    redis.call('HSET', 'raw-rows', key, new)
    reply[i] = 1
  else
    reply[i] = 0
  end
  at = at + 2 + events
end
return reply
