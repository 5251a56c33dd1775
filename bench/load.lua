-- For wrk: form posts, over and over. FORMS holds one for each thread, a line each. Every answer is looked at; one that is not a 200 holding EXPECT is
-- bad. With CHAIN, a thread's next form is for the refresh token of its last answer, and an answer without another one is bad too. A thread has one
-- connection then, or its answers would get mixed up.
local expect = os.getenv("EXPECT")
local threads = {}

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Accept"] = "application/json"
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")

local forms = {}
for form in os.getenv("FORMS"):gmatch("[^\n]+") do forms[#forms + 1] = form end

-- Each thread has its own globals; the last function to run reads them.
bad = 0

function setup(thread)
  threads[#threads + 1] = thread
  thread:set("form", forms[#threads])
end

function init()
  wrk.body = form
end

local chain = os.getenv("CHAIN")
local used

-- wrk makes the request anew only where there is such a function.
if chain then
  function request()
    return wrk.format(nil, nil, nil, form)
  end
end

function response(status, headers, body)
  local good = status == 200 and body:find(expect)
  if chain then
    local token = body:match('"refresh_token"%s*:%s*"([^"]+)"')
    good = good and token and token ~= used
    if good then
      used = token
      form = "grant_type=refresh_token&refresh_token=" .. token
    end
  end
  if not good then bad = bad + 1 end
end

function done(summary, latency)
  local wrong = 0
  for _, thread in ipairs(threads) do wrong = wrong + thread:get("bad") end
  local e = summary.errors
  io.write(string.format(
    'SUMMARY {"answers":%d,"bad":%d,"socketErrors":%d,"micros":%d,"p50":%d,"p99":%d}\n',
    summary.requests, wrong, e.connect + e.read + e.write + e.timeout, summary.duration, latency:percentile(50), latency:percentile(99)
  ))
end
