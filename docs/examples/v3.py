"""A service of v3: V3("User").GetUsers(parentID=20) gives the body of the answer.

V3_URL is the address of the system, V3_APP_KEY and V3_APP_SECRET are the app's.
"""

import functools
import os

import requests
import zeep


class V3:
    def __init__(self, service):
        base = os.environ["V3_URL"]
        self._client = zeep.Client(f"{base}/soap2/schema/3.0.0/{service}/{service}.wsdl")
        login = self._client.get_element("{http://4psa.com/HeaderData.xsd/3.0.0}userCredentials")
        self._client.set_default_soapheaders([login(accessToken=token(base))])

    def __getattr__(self, operation):
        return lambda **fields: self._client.service[operation](**fields).body


@functools.cache  # good for an hour or more: keep it, and fetch a new one when a call is refused
def token(base):
    app = {"client_id": os.environ["V3_APP_KEY"], "client_secret": os.environ["V3_APP_SECRET"]}
    form = {"grant_type": "client_credentials", **app}
    answer = requests.post(f"{base}/oauth/token.php", data=form, timeout=60)
    answer.raise_for_status()
    return answer.json()["access_token"]
