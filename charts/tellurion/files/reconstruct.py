"""Has the ocean reconstructed through the gateway, as a caller would: `python reconstruct.py GATEWAY_URL`.

Part of `helm test`. It makes an API key for the tenant `helm-test`, which is revoked in the end, sends ten
observations, and looks at the analysis that comes back. Needs what the gateway has: the pepper and the database.
"""

import json
import os
import ssl
import sys
import urllib.request
from pathlib import Path

from tellurion_core.identity.api_keys import ApiKeys, read_pepper
from tellurion_core.identity.roles import Role
from tellurion_core.jobs.database import open_engine

SECONDS = 120.0
OBSERVATIONS = {
    "method": "eof_oi",
    "month": 2,
    "observations": {
        "units": "degC",
        "latitude": [-50.5, -40.0, -30.0, -20.5, -10.0, 0.0, 10.0, 20.0, 30.0, 40.0],
        "longitude": [-30.0, -30.0, -30.0, -30.0, 160.0, 160.0, 160.0, 160.0, 160.0, 160.0],
        "depth": [10.0] * 10,
        "temperature": [8.0, 14.5, 21.5, 25.4, 29.0, 29.3, 28.0, 26.5, 19.5, 11.0],
    },
}


def asked(url: str, key: str, body: bytes | None, accept: str) -> bytes:
    """What the gateway answers; raises OSError where it refuses, or is not trusted."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Accept": accept}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 -- of the chart
    with urllib.request.urlopen(request, timeout=SECONDS, context=_trust(url)) as answer:  # noqa: S310
        content: bytes = answer.read()
        return content


def _trust(url: str) -> ssl.SSLContext | None:
    if not url.startswith("https:"):
        return None
    # The gateway's own certificate, and no other; it is called by another name here than the certificate has.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(os.environ["GATEWAY_CERTIFICATE"])
    return context


def main() -> None:
    """Fails with a traceback where anything is not as it should be."""
    (url,) = sys.argv[1:]
    keys = ApiKeys(
        open_engine(os.environ["TELLURION_JOBS_DATABASE"]), read_pepper(Path(os.environ["TELLURION_API_KEY_PEPPER"]))
    )
    key = keys.create("helm-test", "helm-test", Role.USER, ["*"], 3600)
    try:
        analysis = asked(f"{url}/v1/ocean:reconstruct", key, json.dumps(OBSERVATIONS).encode(), "application/x-netcdf")
    finally:
        keys.revoke(key[5:13])
    if not analysis.startswith((b"\x89HDF", b"CDF")):
        raise SystemExit(f"the gateway answered {len(analysis)} bytes that are no NetCDF")
    print(f"an analysis of {len(analysis)} bytes came back", flush=True)


if __name__ == "__main__":
    main()
