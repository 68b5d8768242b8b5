# python EditExtension.py NUMBER NAME PHONE
import sys

from v3 import V3

number, name, phone = sys.argv[1:]
extensions = V3("Extension")
user = extensions.GetExtensionDetails(extendedNumber=number).parentID
print("user:", V3("User").EditUser(ID=user, name=name, phone=phone).result)
print("extension:", extensions.EditExtension(extendedNumber=number, label=name).result)
