"""Makes a container in an Azure Blob emulator:  python azure_container.py ENDPOINT ACCOUNT KEY CONTAINER

The request is signed by hand with Shared Key, as the service's reference describes it.
"""

import base64
import email.utils
import hashlib
import hmac
import sys
import urllib.request

endpoint, account, key, container = sys.argv[1:]
date = email.utils.formatdate(usegmt=True)
version = "2021-08-06"
path = "/" + endpoint.split("/", 3)[3]
headers = f"x-ms-date:{date}\nx-ms-version:{version}\n"
resource = f"/{account}{path}/{container}\nrestype:container"
# Verb, eleven standard headers that are empty, our headers, the resource.
text = "PUT\n" + "\n" * 11 + headers + resource
signature = base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()
request = urllib.request.Request(
    f"{endpoint}/{container}?restype=container",
    method="PUT",
    headers={"x-ms-date": date, "x-ms-version": version, "Authorization": f"SharedKey {account}:{signature}"},
)
with urllib.request.urlopen(request) as answer:
    assert answer.status == 201, answer.status
