# python GetChargingPlans.py OWNER-ID
import sys

from v3 import V3

for each in V3("Billing").GetChargingPlans(userID=int(sys.argv[1])).chargingPlan:
    print(each.ID, each.name, each.planType)
