/**
 * Set if newer. KEYS: generation, keys. ARGV: the generation that the values were made in, a name for a new one, then for
 * each key stamp, time to live, the rest of the text with and without the body. What was made in another generation may
 * be older than what that one missed: of it only the floor is kept.
 */
export const SET_IF_NEWER = `
local generation = redis.call('GET', KEYS[1])
if not generation then
  generation = ARGV[2]
  redis.call('SET', KEYS[1], generation)
end
for i = 2, #KEYS do
  local at = (i - 2) * 4 + 3
  local stamp, rest = tonumber(ARGV[at]), ARGV[at + 2]
  if generation ~= ARGV[1] and rest ~= ARGV[at + 3] then
    stamp, rest = stamp - 1, ARGV[at + 3]
  end
  local head = redis.call('GETRANGE', KEYS[i], 0, 79)
  local owner, known = string.match(head, '^{"generation":"(%w+)","stamp":(%d+)')
  if owner ~= generation or tonumber(known) <= stamp then
    local text = '{"generation":"' .. generation .. '","stamp":' .. stamp .. rest
    redis.call('SET', KEYS[i], text, 'PX', ARGV[at + 1])
  end
end
return generation`

/** KEYS: generation, tag, list. All of one moment. */
export const GET_LIST = `
return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]), redis.call('GET', KEYS[3]), redis.call('PTTL', KEYS[3])}`
