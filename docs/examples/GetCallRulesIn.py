# python GetCallRulesIn.py NUMBER
import sys

from v3 import V3

for rule in V3("Extension").GetCallRulesIn(extendedNumber=sys.argv[1]).rules:
    if rule.transfer and rule.transfer.toNumbers:
        print(f"{rule.ruleID}: to {', '.join(rule.transfer.toNumbers.transferNumber)}")
