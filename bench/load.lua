-- For wrk: the same form post over and over. Every answer is looked at; one that is not a 200 holding EXPECT is bad.
local expect = os.getenv("EXPECT")
local threads = {}

wrk.method = "POST"
wrk.body = os.getenv("FORM")
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Accept"] = "application/json"
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")

-- Each thread has its own globals; the last function to run reads them.
bad = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function response(status, headers, body)
  if status ~= 200 or not body:find(expect) then bad = bad + 1 end
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
