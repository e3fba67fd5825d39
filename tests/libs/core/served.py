"""A service process whose one method takes a second; run by the tests of the server's life."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.server import Service, run


class SlowServicer(ocean_pb2_grpc.OceanServiceServicer):
    """Answers after a second."""

    async def ListMethods(self, request: Any, context: Any) -> ocean_pb2.ListMethodsResponse:  # noqa: N802
        """One method, after a second."""
        structlog.get_logger().info("began")
        await asyncio.sleep(1.0)
        return ocean_pb2.ListMethodsResponse(methods=[ocean_pb2.Method(name="patience")])


if __name__ == "__main__":
    add = ocean_pb2_grpc.add_OceanServiceServicer_to_server
    run("probe", lambda settings: [Service("tellurion.ocean.v1.OceanService", add, SlowServicer())])
