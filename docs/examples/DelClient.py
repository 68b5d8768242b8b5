# python DelClient.py ID
import sys

from v3 import V3

answer = V3("Organization").DelOrganization(ID=int(sys.argv[1]))  # and all its users and extensions
print(f"{answer.result}: {answer.items}")
