"""Asks every service, and the gateway, whether it serves: `python health.py GATEWAY_URL HOST:PORT …`; exits 1 if not.

Part of `helm test`; services that have just been installed are given TELLURION_TEST_SECONDS.
"""

import os
import ssl
import sys
import time
import urllib.request

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

LOOK_SECONDS = 2.0


def service_serves(address: str) -> str:
    """What is wrong with a service; nothing where it serves."""
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=LOOK_SECONDS)
        except grpc.RpcError as error:
            return str(error.code().name)
    serving = answer.status == health_pb2.HealthCheckResponse.SERVING
    return "" if serving else str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def gateway_serves(url: str) -> str:
    """What is wrong with the gateway; nothing where it serves."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is said here that is not public
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=LOOK_SECONDS, context=context):  # noqa: S310 -- the chart's
            return ""
    except OSError as error:
        return str(error)


def main() -> int:
    """Prints a line for each, and answers the exit code."""
    url, *addresses = sys.argv[1:]
    checks = {url: gateway_serves} | dict.fromkeys(addresses, service_serves)
    until = time.monotonic() + float(os.environ.get("TELLURION_TEST_SECONDS", "60"))
    while True:
        wrong = {where: said for where, check in checks.items() if (said := check(where))}
        if not wrong or time.monotonic() > until:
            break
        time.sleep(LOOK_SECONDS)
    for where in checks:
        print(f"{where}: {wrong.get(where, 'serves')}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
