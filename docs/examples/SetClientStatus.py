# python SetClientStatus.py ID 0|1
import sys

from v3 import V3

answer = V3("Organization").SetOrganizationStatus(ID=int(sys.argv[1]), status=sys.argv[2] == "1")
print(answer.result)
