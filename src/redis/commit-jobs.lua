-- Jobs in a commit: stands in commit.lua, behind BullMQ's own scripts (compose.ts), where any commit of a call has jobs.
--
-- KEYS   job: job; behind the keys of all groups, queue: those of BULL.keys
-- ARGV   job: "job", queue, sort, at, data
--        sort: way, name, options
--        behind the arguments of all groups: sort..., sorts, keys
-- REPLY  as that of commit.lua
--
-- `queue` counts the queues of the call from 0, `keys` is the number of keys before the first queue's. `sort` counts what
-- jobs have in common, from 0: `way` is how they are added, by a script of BullMQ's, and `options` what BullMQ packed of
-- theirs. The script takes its arguments and its options packed; here it is given them unpacked, and a `cmsgpack` that
-- leaves them so.
--
-- BullMQ's scripts check nothing before they write. So all that could make one fail is looked at before the first write
-- of the commit. And they run before its records are written: if one fails in spite of that, there are no records, and
-- whoever runs the job sees that its commit is not in the log.

-- Of this call, by what jobs name them; each is made when the first job does.
local queues, sorts, adds = {}, {}, {}
local JSON_OF = {} -- of options, which are the same for all jobs of a sort, and no script of BullMQ's alters them

local UNPACKED = { unpack = function(value) return value end, pack = cmsgpack.pack }
local JSON = {
  encode = function(value) return JSON_OF[value] or cjson.encode(value) end,
  decode = cjson.decode,
}

local function is_number(text)
  return not text or string.match(text, '^%d+$') ~= nil and #text <= 15
end

-- A command that fails where a key holds another type, and where it does not, is answered by a number: for half the price
-- of asking for the type, which is told as a table.
local COUNT = { list = 'LLEN', zset = 'ZCARD', stream = 'XLEN' }

-- Whether what BullMQ keeps of a queue, whose keys come after the key `before`, is what its scripts take it for; false
-- where it is.
local function problem_of(before)
  for i = 1, #BULL.keys do
    local key, of, found = BULL.keys[i], KEYS[before + i], nil
    if key.name == 'meta' then
      found = pcall_redis('HMGET', of, 'opts.maxLenEvents', 'concurrency')
      if not found.err and not (is_number(found[1]) and is_number(found[2])) then
        return of .. ' holds what is no number'
      end
      found = found.err and found
    elseif key.name == 'id' then
      found = pcall_redis('GET', of)
      if type(found) ~= 'table' and not is_number(found) then return of .. ' is no number' end
    else
      found = pcall_redis(COUNT[key.type], of)
    end
    if type(found) == 'table' then return of .. ' is a ' .. redis.call('TYPE', of).ok .. ', not a ' .. key.type end
  end
  return false
end

local function queue_of(number)
  if not queues[number] then
    local before = tonumber(ARGV[#ARGV]) + number * #BULL.keys
    local prefix = sub(KEYS[before + 1], 1, -#BULL.keys[1].name - 1)
    queues[number] = { before = before, prefix = prefix, problem = problem_of(before) }
  end
  return queues[number]
end

-- The keys of a queue as the script wants them that adds jobs in this way.
local function keys_of(queue, way)
  local order, keys = BULL.order[way], {}
  for i = 1, #order do keys[i] = KEYS[queue.before + order[i]] end
  queue[way] = keys
  return keys
end

local function sort_of(number)
  if not sorts[number] then
    local at = #ARGV - 1 - 3 * (ARGV[#ARGV - 1] - number)
    local can, options = pcall(cmsgpack.unpack, ARGV[at + 2])
    if not can or type(options) ~= 'table' then return { problem = 'its options cannot be unpacked' } end
    JSON_OF[options] = cjson.encode(options)
    sorts[number] = { way = ARGV[at], name = ARGV[at + 1], options = options }
    if not BULL.make[ARGV[at]] then sorts[number].problem = 'there is no way ' .. ARGV[at] end
  end
  return sorts[number]
end

-- The answer where the job at argument `a` cannot be added; nil where it can. `k` is its own key.
check_job = function(k, a)
  local problem = queue_of(ARGV[a + 1]).problem or sort_of(ARGV[a + 2]).problem
  -- One that is there already would not be added: its commit is another one, or was torn.
  if not problem and redis.call('EXISTS', KEYS[k]) == 1 then problem = KEYS[k] .. ' is there already' end
  return problem and { 'refused', 'the job cannot be added: ' .. problem } or nil
end

-- Whether the records can be written: they would be refused after the jobs were added. Where `next` is given, the stream is
-- known to be as long as it was left; if there is nothing from `next` on either, it was not trimmed to that length by chance.
-- (Were its last record taken away by hand, its last id would still lie beyond the one before: seen in the other case only,
-- and then a job is left whose version the log has not reached, which is not run.)
local function ends_at(stream, at, next)
  if next then return #redis.call('XRANGE', stream, next, '+', 'COUNT', '1') == 0 end
  local info = redis.pcall('XINFO', 'STREAM', stream)
  if info.err then return at == '0-0' end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] == at end
  end
  return true
end

local function add_job(k, a)
  local queue, sort = queue_of(ARGV[a + 1]), sort_of(ARGV[a + 2])
  local way, id = sort.way, sub(KEYS[k], #queue.prefix + 1)
  adds[way] = adds[way] or BULL.make[way](UNPACKED, JSON)
  -- All of what BullMQ packs that is not nil for a job of ours: see BullAdds.
  local packed = { queue.prefix, id, sort.name, ARGV[a + 3] }
  local done, result = pcall(adds[way], queue[way] or keys_of(queue, way), { packed, ARGV[a + 4], sort.options })
  if not done then return { 'torn', 'a job: ' .. tostring(type(result) == 'table' and result.err or result) } end
  if result ~= id then return { 'torn', 'a job: its script answered ' .. tostring(result) } end -- a number below 0 is an error
  return nil
end

-- `next`: of a stream that was compared by the tip alone, the id of the first record; else false.
write_jobs = function(stream, at, next, count, a, k)
  local checked = false
  for _ = 1, count do
    if ARGV[a] == 'job' then
      if not checked and not ends_at(stream, at, next) then
        return { 'refused', 'the last id of ' .. stream .. ' lies beyond its last record' }
      end
      checked = true
      local torn = add_job(k, a)
      if torn then return torn end
    end
    k, a = k + 1, a + WIDTH[ARGV[a]]
  end
  return nil
end
