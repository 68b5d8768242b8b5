# python AssignPublicNo.py NUMBER DID-ID
import sys

from v3 import V3

number, did = sys.argv[1:]
answer = V3("Channel").AssignPublicNo(extendedNumber=number, didID=[int(did)])
print(answer.result)
