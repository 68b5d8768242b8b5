# python SetClientPL.py ID EXTENSIONS
import sys

from v3 import V3

account, extensions = map(int, sys.argv[1:])
answer = V3("Organization").SetOrganizationPL(
    ID=account,
    extensionManag=True,
    provisionManag="2",
    phoneExtMax={"_value_1": extensions, "unlimited": False},
    userMax={"_value_1": 0, "unlimited": True},  # v3 bounds users, too
)
print(answer.result)
