# python SetExtensionStatus.py NUMBER 0|1
import sys

from v3 import V3

number, status = sys.argv[1:]
user = V3("Extension").GetExtensionDetails(extendedNumber=number).parentID
answer = V3("User").SetUserStatus(ID=user, status=status == "1")  # all its extensions
print(answer.result)
