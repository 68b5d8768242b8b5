# python GetClients.py
from v3 import V3

for each in V3("Organization").GetOrganizations().organization:
    print(f"{each.ID} {each.login}: {each.name}")
