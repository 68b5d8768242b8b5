# python GetExtensions.py ORGANIZATION-ID
import sys

from v3 import V3

parent = int(sys.argv[1])
users = {each.identifier: each for each in V3("User").GetUsers(parentID=parent).user}
for each in V3("Extension").GetExtensions(parentID=parent).extension:
    user = users[each.identifier]  # whose extension it is: a user may have several
    print(f"{each.extendedNumber} {each.extensionType} {user.ID} {user.login}")
