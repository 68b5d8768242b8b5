# python GetClientDetails.py ID
import sys

from v3 import V3

details = V3("Organization").GetOrganizationDetails(ID=int(sys.argv[1]))
for name in ("login", "name", "company", "email", "phone", "city", "country", "chargingPlanID"):
    print(f"{name}: {details[name]}")
