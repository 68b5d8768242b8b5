# python AssignPublicNo.py NUMBER DID-ID
import sys

from v3 import V3

number, did = sys.argv[1:]
numbers = [{"didID": int(did)}]  # zeep's form for what may come repeatedly
answer = V3("Channel").AssignPublicNo(extendedNumber=number, _value_1=numbers)
print(answer.result)
