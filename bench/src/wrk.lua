-- Each argument is a header of one caller, `name: value`; their requests take turns.
local requests = {}
local turn = 0

function init(args)
  for _, header in ipairs(args) do
    local name, value = header:match("^(.-): (.*)$")
    requests[#requests + 1] = wrk.format(nil, nil, { [name] = value })
  end
  if #requests == 0 then requests[1] = wrk.format() end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

-- Tells a run of wrk as JSON. Latencies are in microseconds.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"durationUs":%d,"refused":%d,"failed":%d,"p50Us":%f,"p99Us":%f}\n',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
