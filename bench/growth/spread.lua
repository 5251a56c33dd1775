-- For wrk, one thread: form posts of which each may be another client's and about another token. LINES is a file of authorizations and forms, a tab between the two. Every answer is
-- looked at; one that is not a 200 holding EXPECT is bad. It begins behind SKIP lines, and again with the first after the last. With REMAINDER, each line is sent once, the refresh token of an answer goes to the end of the line, and what has not been
-- sent is written into that file.
local expect = os.getenv("EXPECT")
local chain = os.getenv("REMAINDER") ~= nil

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Accept"] = "application/json"

local thread

-- Each thread has its own globals; the last function to run reads them.
bad = 0
first = 1
last = 0
authorizations = {}
forms = {}

function setup(started)
  thread = started
end

function init()
  for line in io.lines(os.getenv("LINES")) do
    last = last + 1
    authorizations[last], forms[last] = line:match("^(.-)\t(.*)$")
  end
  first = tonumber(os.getenv("SKIP")) % last + 1
end

function request()
  if first > last then
    if chain then error("every family waits for an answer") end
    first = 1
  end
  local at = first
  first = first + 1
  wrk.headers["Authorization"] = authorizations[at]
  local form = forms[at]
  if chain then forms[at] = false end
  return wrk.format(nil, nil, nil, form)
end

function response(status, headers, body)
  local good = status == 200 and body:find(expect)
  if chain and good then
    local token = body:match('"refresh_token"%s*:%s*"([^"]+)"')
    good = token
    if token then
      last = last + 1
      authorizations[last] = authorizations[1]
      forms[last] = "grant_type=refresh_token&refresh_token=" .. token
    end
  end
  if not good then bad = bad + 1 end
end

function done(summary, latency)
  if chain then
    local file = io.open(os.getenv("REMAINDER"), "w")
    local forms, authorizations = thread:get("forms"), thread:get("authorizations")
    for i = thread:get("first"), thread:get("last") do file:write(authorizations[i], "\t", forms[i], "\n") end
    file:close()
  end
  local e = summary.errors
  io.write(string.format(
    'SUMMARY {"answers":%d,"bad":%d,"socketErrors":%d,"micros":%d,"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, thread:get("bad"), e.connect + e.read + e.write + e.timeout, summary.duration, latency:percentile(50), latency:percentile(99), latency.max
  ))
end
