-- One message, no framework: compare the last entry's id, append one field.
-- KEYS[1] stream
-- ARGV    expected last id ("0-0" if none, "*" for any), new id, event
-- REPLY   1 appended, 0 another writer was first
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')[1]
if ARGV[1] ~= '*' and (last and last[1] or '0-0') ~= ARGV[1] then return 0 end
redis.call('XADD', KEYS[1], ARGV[2], 'e', ARGV[3])
return 1
