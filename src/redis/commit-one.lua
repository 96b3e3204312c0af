#!lua
-- One commit of one record at a head that nobody else can have moved: what is sent alone, and waited for. A script as
-- small as this has a third of the fixed cost of commit.lua, which is asked for whatever is not as expected here.
--
-- KEYS   tip, stream, log (where `entry` is not empty)
-- ARGV   token, known, next, record, entry
-- REPLY  now; "" where nothing was written
--
-- `known` is the caller's own last token; that it still is the tip, and the length of the stream, are the comparison, as
-- for the quick commits of commit.lua. `next` is the version of the record, `entry` the whole text of the log's entry.

if redis.pcall('GET', KEYS[1]) ~= ARGV[2] or redis.pcall('XLEN', KEYS[2]) ~= ARGV[3] - 1 then return '' end

local log = KEYS[3]
if log and type(redis.pcall('XLEN', log)) == 'table' then return '' end
local time = redis.call('TIME')
local now = time[1] .. string.sub('00000' .. time[2], -6, -4)
-- It may be refused still: of a log that was trimmed the length may be right by chance, and the last version is not.
if type(redis.pcall('XADD', KEYS[2], ARGV[3], 'r', '1 ' .. now .. ' ' .. ARGV[4])) ~= 'string' then return '' end
redis.call('SET', KEYS[1], ARGV[1])
if log then redis.call('XADD', log, '*', 'r', ARGV[5]) end
return now
