# python GetTimeIntervalBlocks.py OWNER-ID
import sys

from v3 import V3

for each in V3("PBX").GetTimeIntervalBlocks(userID=int(sys.argv[1])).timeIntervalBlock:
    print(each.ID, each.name)
