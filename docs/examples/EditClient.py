# python EditClient.py ID PHONE
import sys

from v3 import V3

answer = V3("Organization").EditOrganization(ID=int(sys.argv[1]), phone=sys.argv[2])
print(answer.result)
