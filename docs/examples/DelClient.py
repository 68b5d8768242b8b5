# python DelClient.py ID
import sys

from v3 import V3

account = int(sys.argv[1])  # and all its users and extensions
answer = V3("Organization").DelOrganization(ID=[account])
print(f"{answer.result}: {answer.items}")
