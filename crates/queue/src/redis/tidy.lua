-- Keeps a queue within its bound and free of what the dead left behind.
-- KEYS[1]: the list of hints that are due     KEYS[2]: the set of those that were just sent
-- KEYS[3]: what the hints say                 KEYS[4]: who waits for hints, by last sign of life
-- ARGV[1]: hints that may stay
-- ARGV[2]: who gave no sign of life for so many seconds is dead
-- ARGV[3]: what the keys of single hints begin with
-- ARGV[4]: what the keys of what a worker was handed begin with
-- Returns how many hints were removed. Every key shares the queue's hash tag.

local dead_since = redis.call('time')[1] - ARGV[2]
for _, worker in ipairs(redis.call('zrangebyscore', KEYS[4], '-inf', dead_since)) do
    redis.call('del', ARGV[4] .. ':' .. worker)
    redis.call('zrem', KEYS[4], worker)
end

local excess = redis.call('llen', KEYS[1]) + redis.call('zcard', KEYS[2]) - tonumber(ARGV[1])
local removed = 0
while removed < excess do
    local id = redis.call('lpop', KEYS[1])
    if not id then
        id = redis.call('zpopmin', KEYS[2])[1]
    end
    redis.call('hdel', KEYS[3], id)
    redis.call('del', ARGV[3] .. ':' .. id)
    removed = removed + 1
end

-- Nothing waits: what is still said was said by hints that nobody will take any more.
if redis.call('llen', KEYS[1]) == 0 and redis.call('zcard', KEYS[2]) == 0 then
    for _, id in ipairs(redis.call('hkeys', KEYS[3])) do
        redis.call('del', ARGV[3] .. ':' .. id)
    end
    redis.call('del', KEYS[3])
end

return removed
