# python AssignPublicNo.py NUMBER DID-ID
import sys

from v3 import V3

answer = V3("Channel").AssignPublicNo(extendedNumber=sys.argv[1], didID=int(sys.argv[2]))
print(answer.result)
