# python DelClient.py ID
import sys

from v3 import V3

account = {"ID": int(sys.argv[1])}  # and all its users and extensions
answer = V3("Organization").DelOrganization(_value_1=[account])  # zeep's form for what may come repeatedly
print(f"{answer.result}: {answer.items}")
