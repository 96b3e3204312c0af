-- As group-append.lua; then one entry in the log of each partition, which names the appends there: what a log costs at least.
-- KEYS[i] stream; then the partitions' logs
-- ARGV    number of streams; per stream: expected version, number of events, the events; per log: its entry
-- REPLY   per stream: 1 appended, 0 another writer was first
local reply, at, streams = {}, 2, tonumber(ARGV[1])
for i = 1, streams do
  local key, version, events = KEYS[i], ARGV[at], tonumber(ARGV[at + 1])
  local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', '1')[1]
  if (last and last[1] or '0-0') == version .. '-0' then
    for n = 1, events do
      redis.call('XADD', key, (version + n) .. '-0', 'e', ARGV[at + 1 + n])
    end
    reply[i] = 1
  else
    reply[i] = 0
  end
  at = at + 2 + events
end
for i = streams + 1, #KEYS do redis.call('XADD', KEYS[i], '*', 'r', ARGV[at + i - streams - 1]) end
return reply
