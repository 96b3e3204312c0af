#!lua
-- Ranges of records of many entities, as their bare texts: what entries of the log name.
--
-- KEYS   range: stream
-- ARGV   budget; range: from, to
-- REPLY  one answer for each range, or for the first ones, as far as `budget` characters go, but one at least:
--        {first, record...} | {} | {"unreadable", reason}
--
-- `from` and `to` are versions, `first` is that of the first record that is kept; the others follow on it without a gap.
-- Every stream is a declared key: while a slot is moved to another server, Redis then says that a key is there already,
-- and does not show it as gone.

local budget, answers = tonumber(ARGV[1]), {}

local function read(stream, from, to)
  local entries = redis.pcall('XRANGE', stream, from .. '-0', to .. '-0')
  if entries.err then return { 'unreadable', entries.err } end
  local count = #entries
  if count == 0 then return {} end
  local first = tonumber(string.match(entries[1][1], '^%d+'))
  local last = tonumber(string.match(entries[count][1], '^%d+'))
  if last - first ~= count - 1 then return { 'unreadable', 'records are missing in the middle of ' .. stream } end
  local answer = { string.format('%.0f', first) }
  for i = 1, count do
    local text = entries[i][2][2] or ''
    budget = budget - #text
    answer[i + 1] = text
  end
  return answer
end

for i = 1, #KEYS do
  answers[i] = read(KEYS[i], ARGV[2 * i], ARGV[2 * i + 1])
  if budget <= 0 then break end
end
return answers
