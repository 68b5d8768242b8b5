# python AddClient.py LOGIN PASSWORD COMPANY
import sys

from v3 import V3

login, password, company = sys.argv[1:]
answer = V3("Organization").AddOrganization(
    name="Maria Meyer", company=company, login=login, password=password, country="us", chargingPlanID=1
)
print(answer.ID)
# v3 starts an organization with every permission off: go on with SetOrganizationPL, or send a templateID.
