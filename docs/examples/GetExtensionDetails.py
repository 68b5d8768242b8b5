# python GetExtensionDetails.py NUMBER
import sys

from v3 import V3

extension = V3("Extension").GetExtensionDetails(extendedNumber=sys.argv[1])
user = V3("User").GetUserDetails(ID=extension.parentID)
print(f"type: {extension.extensionType}\nnumber: {extension.extensionNo}")
for name in ("login", "name", "company", "email", "parentID", "chargingPlanID"):
    print(f"{name}: {user[name]}")
