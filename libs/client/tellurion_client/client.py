"""The client: finds the services or starts them, and calls them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import grpc
from grpc.experimental import ChannelOptions
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tellurion_client.contracts import CONTRACTS, SHARED, grpc_services
from tellurion_client.embedded import Embedded
from tellurion_client.health import answers
from tellurion_client.https.address import check_api_key, gateway_url, trust
from tellurion_client.https.channel import HttpsChannel
from tellurion_client.operations import OperationsClient
from tellurion_client.options import check_timeout
from tellurion_client.platforms import Gateway, Platform, Remote, running_platform
from tellurion_client.state import State
from tellurion_core.client import ClientTls, channel_options, service_config
from tellurion_core.errors import Conflict, InvalidInput, Unavailable
from tellurion_core.status import DETAILS_KEY, from_rpc_error

if TYPE_CHECKING:
    from tellurion_client.agent import AgentClient
    from tellurion_client.assimilation import AssimilationClient
    from tellurion_client.benchmark import BenchmarkClient
    from tellurion_client.ocean import OceanClient
    from tellurion_client.pointcloud import PointCloudClient
    from tellurion_client.splat import SplatClient

ACCEPTED_URLS = "https:, grpc: or grpcs://host:port, unix:/path, or the state folder of `tellurion up`"
SERVICES = grpc_services((*CONTRACTS.values(), *SHARED))
"""The gRPC services whose safe methods channels repeat. News of operations are not among them: who watches asks again,
and a stream that gRPC repeats by itself was seen to hang beyond its deadline where the server had been killed."""


def connect(
    url: str | os.PathLike[str] | None = None,
    *,
    api_key: str | None = None,
    tls: ClientTls | None = None,
    timeout: float = 60.0,
) -> Client:
    """A client of the services at `url`; close it, or use it in a `with` statement.

    `url` is `https://host:port` of a gateway, `grpc://host:port`, `grpcs://host:port` (TLS), `unix:/path`, or the state
    folder of a running `tellurion up`. Where it is None, the environment variable `TELLURION_URL` says it; where that
    is not set, the services are embedded: each starts as a subprocess when it is first used and stops with the client.
    A gateway of this machine may be `http://localhost:port`.

    `api_key` tells a gateway who calls; `TELLURION_API_KEY` says it where None. `tls` says whom to trust under
    `https://` and `grpcs://` and how to prove who we are; where None, the authorities in the PEM file that
    `TELLURION_TLS_CA` names, or the system's. `timeout` is how many seconds services may take to start, or to answer
    for the first time; one that is started here and busy then is waited for up to five times as long.

    Raises:
        InvalidInput: `url` is none of these, or `timeout` is not positive.
        Unavailable: no service answers there, or no platform runs on that state folder.
    """
    check_timeout(timeout)
    where = os.fspath(url) if url is not None else os.environ.get("TELLURION_URL", "")
    if not where:
        return Client(Embedded(timeout=timeout))
    scheme, separator, rest = where.partition("://")
    if scheme in ("http", "https") and separator:
        return _through_gateway(gateway_url(where), api_key, tls, timeout)
    if api_key is not None:
        raise InvalidInput.of("url", received=where or "nothing", accepted="https://host:port, as `api_key` is given")
    if separator and scheme in ("grpc", "grpcs") and _is_host_and_port(rest):
        secure = tls or _environment_tls() if scheme == "grpcs" else None
        if tls is not None and secure is None:
            raise InvalidInput.of("url", received=where, accepted="grpcs://host:port, as `tls` is given")
        return _answering(Client(Remote(rest, where), tls=secure), timeout)
    if where.startswith("unix:/"):
        return _answering(Client(Remote(where, where)), timeout)
    if separator or not Path(where).is_dir():
        raise InvalidInput.of("url", received=where, accepted=ACCEPTED_URLS)
    return Client(running_platform(State(Path(where))))


class Client:
    """Calls the services of one platform; safe to use from several threads."""

    def __init__(self, platform: Platform, *, tls: ClientTls | None = None, gateway_key: str | None = None) -> None:
        self._platform = platform
        self._tls = tls
        self._gateway_key = gateway_key
        self._channels: dict[str, grpc.Channel] = {}
        self._lock = threading.Lock()
        self._closed = False

    @cached_property
    def ocean(self) -> OceanClient:
        """Reconstruction of ocean temperature."""
        from tellurion_client.ocean import OceanClient  # takes a second to import, xarray above all

        return OceanClient(self)

    @cached_property
    def assimilation(self) -> AssimilationClient:
        """Data assimilation: analyses of the atmosphere, twin experiments."""
        from tellurion_client.assimilation import AssimilationClient

        return AssimilationClient(self)

    @cached_property
    def benchmark(self) -> BenchmarkClient:
        """Evaluation of models on Earth-science benchmarks."""
        from tellurion_client.benchmark import BenchmarkClient

        return BenchmarkClient(self)

    @cached_property
    def splat(self) -> SplatClient:
        """Scenes as Gaussians, with their reflections apart."""
        from tellurion_client.splat import SplatClient

        return SplatClient(self)

    @cached_property
    def agent(self) -> AgentClient:
        """Analyses that are asked for in plain language."""
        from tellurion_client.agent import AgentClient

        return AgentClient(self)

    @cached_property
    def pointcloud(self) -> PointCloudClient:
        """Clouds of points encoded, completed and classified, objects found in scenes."""
        from tellurion_client.pointcloud import PointCloudClient

        return PointCloudClient(self)

    @cached_property
    def operations(self) -> OperationsClient:
        """Long work that was submitted, of all services."""
        return OperationsClient(self)

    @property
    def lasting(self) -> bool:
        """Whether the services, and the work that was submitted to them, go on when this client is closed."""
        return self._platform.lasting

    def channel(self, service: str) -> grpc.Channel:
        """The channel to a service, opened at its first use.

        Raises:
            Conflict: the client is closed.
            Unavailable: the service does not run and cannot be started.
        """
        if self._closed:
            raise Conflict("the client is closed")
        address = self._platform.address(service)
        with self._lock:
            if address not in self._channels:
                self._channels[address] = self._open(address)
            return self._channels[address]

    @contextmanager
    def calling(self, service: str) -> Iterator[None]:
        """Turns a failed call inside the block into the error of our tree, and silence into why it is silent."""
        try:
            yield
        except grpc.RpcError as error:
            metadata: Any = error.trailing_metadata() or ()
            answered = any(key == DETAILS_KEY for key, _ in metadata)
            if error.code() is grpc.StatusCode.UNAVAILABLE and not answered:
                raise Unavailable(self._platform.silence(service)) from error
            raise from_rpc_error(error) from error

    def keep_working(self, service: str) -> None:
        """See `Platform.keep_working`."""
        self._platform.keep_working(service)

    def configure(self, service: str, **settings: str) -> None:
        """See `Platform.configure`."""
        self._platform.configure(service, **settings)

    def close(self) -> None:
        """Closes the channels and stops what `connect` started; closing twice is as good as once."""
        with self._lock:
            self._closed = True
            for channel in self._channels.values():
                channel.close()
            self._channels.clear()
        self._platform.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open(self, address: str) -> grpc.Channel:
        if address.startswith(("http://", "https://")):
            context = None if self._tls is None else trust(self._tls)
            return HttpsChannel(address, context, api_key=self._gateway_key, service_config=service_config(SERVICES))
        # gRPC's own thread for what streams in is started with the first of it. A Ctrl-C at that moment leaves the call
        # without its thread, and closing the channel then waits for ever; on the calling thread nothing can be lost.
        streams = (ChannelOptions.SingleThreadedUnaryStream, 1)
        options = [*channel_options(SERVICES), streams]
        if self._tls is None:
            return grpc.insecure_channel(address, options)
        return grpc.secure_channel(address, self._tls.credentials(), options)


def _through_gateway(url: str, api_key: str | None, tls: ClientTls | None, timeout: float) -> Client:
    """A client of the services behind a gateway that answers."""
    key = os.environ.get("TELLURION_API_KEY") if api_key is None else api_key
    if key is not None:
        check_api_key(key)
    secure = (tls or _environment_tls()) if url.startswith("https:") else None
    platform = Gateway(url, url)
    if not answers(url, timeout, None if secure is None else trust(secure)):
        raise Unavailable(platform.silence("gateway"))
    return Client(platform, tls=secure, gateway_key=key)


def _environment_tls() -> ClientTls:
    """Trust in the authorities that the environment names, or the system has."""
    ca = os.environ.get("TELLURION_TLS_CA")
    return ClientTls(Path(ca) if ca else None)


def _answering(client: Client, timeout: float) -> Client:
    """The client, once whatever listens at its address has answered."""
    try:
        with client.calling("health"):
            stub = health_pb2_grpc.HealthStub(client.channel("health"))
            stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout)
    except BaseException:
        client.close()
        raise
    return client


def _is_host_and_port(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and "/" not in text and port.isascii() and port.isdigit() and int(port) < 1 << 16
