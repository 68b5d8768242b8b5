# python AddExtension.py ORGANIZATION-ID LOGIN PASSWORD
import sys

from v3 import V3

organization, login, password = sys.argv[1:]
profile = {"name": "Petra Porter", "company": "Northwind Traders", "country": "us"}
users = V3("User")
user = users.AddUser(**profile, login=login, password=password, parentID=int(organization)).ID
one, unbounded = {"_value_1": 1, "unlimited": False}, {"_value_1": 0, "unlimited": True}
users.SetUserPL(  # everything is off at first; in 2.5 an extension worked at once
    ID=user,
    **dict.fromkeys(("sipManag", "soundManag", "callerIDManag"), True),
    **dict.fromkeys(("concurentCalls", "concurentInternalCalls", "mailboxMax"), unbounded),
    phoneExtMax=one,
)
phone = V3("Extension").AddExtension(label="Petra Porter", password=password, parentID=user)
print(user, phone.extendedNumber)  # keep both: the number is the extension's key in v3
