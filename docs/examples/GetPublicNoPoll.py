# python GetPublicNoPoll.py NUMBER
import sys

from v3 import V3

pool = V3("Channel").GetPublicNoPoll(extendedNumber=sys.argv[1]).publicNo
for kind in ("assigned", "available"):
    for each in pool[kind]:
        print(f"{kind}: {each.ID} {each.externalNo}")
