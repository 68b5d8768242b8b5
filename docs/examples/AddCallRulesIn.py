# python AddCallRulesIn.py NUMBER TO
import sys

from v3 import V3

number, to = sys.argv[1:]
transfer = {"match": "2", "position": 1, "toNumbers": {"transferNumber": [to], "ring": 20}}
answer = V3("Extension").AddCallRulesIn(extendedNumber=number, rule=[{"transfer": transfer}])
print(f"{answer.result}: {answer.ID[0]}")
