-- Jobs in a commit: stands in commit.lua, behind BullMQ's own scripts (compose.ts), where any commit of a call has jobs.
--
-- KEYS   job: job; behind the keys of all groups, queue: those of BULL.keys
-- ARGV   job: "job", queue, way, packed, data, options; behind the arguments of all groups: keys
-- REPLY  as that of commit.lua
--
-- `queue` counts the queues of the call from 0, `keys` is the number of keys before the first queue's. `way` is how the
-- job is added, by a script of BullMQ's; `packed`, `data` and `options` are that script's arguments, as BullMQ made them.
--
-- BullMQ's scripts check nothing before they write. So all that could make one fail is looked at before the first write
-- of the commit. And they run before its records are written: if one fails in spite of that, there are no records, and
-- whoever runs the job sees that its commit is not in the log.

local queue_problems = {} -- by queue: false where there is none

local function is_number(text)
  return not text or string.match(text, '^%d+$') ~= nil and #text <= 15
end

local function first_key(queue)
  return tonumber(ARGV[#ARGV]) + tonumber(queue) * #BULL.keys + 1
end

-- Whether what BullMQ keeps of a queue is what its scripts take it for.
local function problem_of_queue(queue)
  local first, of = first_key(queue), {}
  for i, key in ipairs(BULL.keys) do
    local name = KEYS[first + i - 1]
    local stored = redis.call('TYPE', name).ok
    if stored ~= 'none' and stored ~= key.type then return name .. ' is a ' .. stored .. ', not a ' .. key.type end
    of[key.name] = name
  end
  if not is_number(redis.call('GET', of.id)) then return of.id .. ' is no number' end
  local meta = redis.call('HMGET', of.meta, 'opts.maxLenEvents', 'concurrency')
  if not is_number(meta[1]) or not is_number(meta[2]) then return of.meta .. ' holds what is no number' end
  return false
end

-- The answer where the job at argument `a` cannot be added; nil where it can. `k` is its own key.
check_job = function(k, a)
  local queue, way = ARGV[a + 1], ARGV[a + 2]
  if queue_problems[queue] == nil then queue_problems[queue] = problem_of_queue(queue) end
  local problem = queue_problems[queue]
  -- One that is there already would not be added: its commit is another one, or was torn.
  if not problem and redis.call('EXISTS', KEYS[k]) == 1 then problem = KEYS[k] .. ' is there already' end
  if not problem and not BULL.add[way] then problem = 'there is no way ' .. way end
  if not problem and not (pcall(cmsgpack.unpack, ARGV[a + 3]) and pcall(cmsgpack.unpack, ARGV[a + 5])) then
    problem = 'its arguments cannot be unpacked'
  end
  return problem and { 'refused', 'the job cannot be added: ' .. problem } or nil
end

-- A stream whose last id lies beyond its last entry would refuse the records, after the jobs were added.
local function ends_at(stream, at)
  local info = redis.pcall('XINFO', 'STREAM', stream)
  if info.err then return at == '0-0' end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] == at end
  end
  return true
end

local function add_job(k, a)
  local first, way, keys = first_key(ARGV[a + 1]), ARGV[a + 2], {}
  for i, place in ipairs(BULL.order[way]) do keys[i] = KEYS[first + place - 1] end
  local done, result = pcall(BULL.add[way], keys, { ARGV[a + 3], ARGV[a + 4], ARGV[a + 5] })
  if not done then return { 'torn', 'a job: ' .. tostring(type(result) == 'table' and result.err or result) } end
  -- The job's id, which its key ends in; a number below 0 is an error.
  if type(result) ~= 'string' or sub(KEYS[k], -#result - 1) ~= ':' .. result then
    return { 'torn', 'a job: its script answered ' .. tostring(result) }
  end
  return nil
end

write_jobs = function(stream, at, count, a, k)
  local checked = false
  for _ = 1, count do
    if ARGV[a] == 'job' then
      if not checked and not ends_at(stream, at) then
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
