-- The request that wrk sends, over and over: BENCH_FILE has its body. Answers that are no SOAP answers are counted.
local file = assert(io.open(os.getenv("BENCH_FILE"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "text/xml; charset=utf-8"
wrk.headers["SOAPAction"] = '""'
file:close()

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("calls=%d microseconds=%d failed=%d\n", summary.requests, summary.duration, failed))
end
