-- For wrk: requests, over and over. REQUESTS holds a line for each kind of them, with tabs between: weight, method, path, Authorization, the status and the pattern
-- that every answer must have, "chain" or nothing, and forms, one for all threads or one for each, with spaces between. Every answer is looked at; one that is
-- otherwise is bad. In a chain, a thread's next form is for the refresh token of its last answer, and an answer without another one is bad too. Where there are chains
-- or several kinds, a thread must have one connection, or its answers would get mixed up.
local threads = {}
local kinds = {}
local weights = 0

local function split(text, separator)
  local parts = {}
  for part in (text .. separator):gmatch("([^" .. separator .. "]*)" .. separator) do parts[#parts + 1] = part end
  return parts
end

for line in os.getenv("REQUESTS"):gmatch("[^\n]+") do
  local field = split(line, "\t")
  local kind = { weight = tonumber(field[1]), method = field[2], path = field[3], status = tonumber(field[5]), expect = field[6], chain = field[7] == "chain", forms = split(field[8], " ") }
  kind.headers = { Accept = "application/json", Authorization = field[4] }
  if kind.method == "POST" then kind.headers["Content-Type"] = "application/x-www-form-urlencoded" end
  weights = weights + kind.weight
  kinds[#kinds + 1] = kind
end

-- Each thread has its own globals; the last function to run reads them.
bad = 0
local current = kinds[1]
local varied = #kinds > 1 or current.chain

function setup(thread)
  threads[#threads + 1] = thread
  thread:set("number", #threads)
end

function init()
  math.randomseed(number)
  for _, kind in ipairs(kinds) do
    if kind.method == "POST" then kind.form = kind.forms[number] or kind.forms[1] end
    kind.text = wrk.format(kind.method, kind.path, kind.headers, kind.form)
  end
  wrk.method, wrk.path, wrk.body = current.method, current.path, current.form
  for name, value in pairs(current.headers) do wrk.headers[name] = value end
end

local function choose()
  local at = math.random() * weights
  for _, kind in ipairs(kinds) do
    at = at - kind.weight
    if at < 0 then return kind end
  end
  return kinds[#kinds]
end

-- wrk makes the request anew only where there is such a function.
if varied then
  function request()
    current = choose()
    return current.text
  end
end

-- Between an answer and the next request of a connection.
local pause = tonumber(os.getenv("PAUSE_MS"))
if pause then
  function delay()
    return pause
  end
end

function response(status, headers, body)
  local good = status == current.status and (current.expect == "" or body:find(current.expect))
  if current.chain then
    local token = body:match('"refresh_token"%s*:%s*"([^"]+)"')
    good = good and token and token ~= current.used
    if good then
      current.used = token
      current.text = wrk.format(current.method, current.path, current.headers, "grant_type=refresh_token&refresh_token=" .. token)
    end
  end
  if not good then bad = bad + 1 end
end

function done(summary, latency)
  local wrong = 0
  for _, thread in ipairs(threads) do wrong = wrong + thread:get("bad") end
  local e = summary.errors
  io.write(string.format(
    'SUMMARY {"answers":%d,"bad":%d,"socketErrors":%d,"micros":%d,"p50":%d,"p99":%d,"p999":%d}\n',
    summary.requests, wrong, e.connect + e.read + e.write + e.timeout, summary.duration, latency:percentile(50), latency:percentile(99), latency:percentile(99.9)
  ))
end
