# python DelExtension.py NUMBER
import sys

from v3 import V3

number, extensions = sys.argv[1], V3("Extension")
user = extensions.GetExtensionDetails(extendedNumber=number).parentID
answer = extensions.DelExtension(extendedNumber=number)
print(f"{answer.result}: {answer.items}")
if not extensions.GetExtensions(parentID=user).extension:
    V3("User").DelUser(ID=[user])  # v3 leaves the user: 2.5 knew none without an extension
