# python CallReport.py USER-ID FROM TO
import sys

from v3 import V3

user, start, end = sys.argv[1:]
report = V3("Report").CallReport(userID=int(user), interval={"startDate": start, "endDate": end})
print("incoming:", report.incomingCalls.total)
print("outgoing:", report.outgoingCalls.total)
for call in report.call:
    print(call.flow, call.source, call.destination, call.disposition)
