#!lua
-- Where subscriptions stand, many in one round trip.
--
-- KEYS   request: cursor
-- REPLY  one answer for each: its fields and values in turn, none where there is no cursor | {"unreadable", reason}

local answers = {}
for i, key in ipairs(KEYS) do
  local fields = redis.pcall('HGETALL', key)
  answers[i] = fields.err and { 'unreadable', fields.err } or fields
end
return answers
