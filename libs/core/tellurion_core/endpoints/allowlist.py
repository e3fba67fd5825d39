"""Which addresses may be connected to: what a name resolves to is checked, and what was checked is connected to.

A name is resolved once for a connection, and that connection goes to an address that was looked at, so a name that
answers differently the next time gains nothing. Redirects and proxies are not followed; every request is checked anew.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore
import httpx
from httpcore import AnyIOBackend

from tellurion_core.errors import InvalidInput, PermissionDenied

PORTS = {"http": 80, "https": 443}
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (IPv6Network("fec0::/10"), IPv4Network("192.0.0.0/24"))
"""Site-local (RFC 3879) and protocol assignments (RFC 6890), of which Python's tables call some global."""


class AllowList:
    """The hosts and origins that an installation lets its users ask.

    Raises:
        InvalidInput: an entry is neither a host, nor `host:port`, nor an origin.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = frozenset(map(_entry, entries))

    def check(self, url: httpx.URL) -> None:
        """Refuses a URL whose origin is not listed.

        Raises:
            PermissionDenied: it is not.
        """
        if url.scheme not in PORTS or not self._lists(url.host, url.port or PORTS[url.scheme], url.scheme):
            raise PermissionDenied(
                "the endpoint's address is not on this installation's list (TELLURION_ENDPOINTS)",
                reason="ENDPOINT_NOT_ALLOWED",
            )

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, each of which may be connected to.

        Raises:
            PermissionDenied: one of them belongs to this machine's surroundings, not to the public network; a listed
                host may be this machine only where it is listed as `localhost` or by its address.
            OSError: the name cannot be resolved.
        """
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        here = _names_this_machine(host)
        if not all(_reachable(ip_address(address), here=here) for address in addresses):
            raise PermissionDenied(
                "the endpoint's name leads to an address that may not be asked", reason="ENDPOINT_NOT_ALLOWED"
            )
        return addresses

    def _lists(self, host: str, port: int, scheme: str) -> bool:
        wanted = ((None, host, None), (None, host, port), (scheme, host, port))
        return any(entry in self._entries for entry in wanted)


class ListedTransport(httpx.AsyncHTTPTransport):
    """An HTTP transport that leaves the allow-list neither by a URL nor by what a name resolves to."""

    def __init__(self, allowed: AllowList, *, connections: int) -> None:
        context = ssl.create_default_context()
        super().__init__(verify=context, trust_env=False)
        self._allowed = allowed
        # As many connections are kept as are used: httpx's own limit of 20 would open the others anew each time.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=30,
            network_backend=CheckedBackend(allowed),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request to a listed origin."""
        self._allowed.check(request.url)
        return await super().handle_async_request(request)


class CheckedBackend(AnyIOBackend):
    """Connects to addresses that were checked, instead of to names."""

    def __init__(self, allowed: AllowList) -> None:
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to the first of the host's addresses that answers."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._allowed.addresses(host, port)
        except OSError as error:  # a time-out is one too
            raise httpcore.ConnectError("the name could not be resolved") from error
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


def _entry(text: str) -> tuple[str | None, str, int | None]:
    """Scheme, host and port of an entry; a scheme or a port that is not given matches any."""
    accepted = "host, host:port, http(s)://host or http(s)://host:port"
    is_origin = "://" in text
    try:
        url = httpx.URL(text if is_origin else f"http://{text}")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.host or url.scheme not in PORTS or url.userinfo or url.query or url.fragment or url.path != "/":
        raise InvalidInput.of("TELLURION_ENDPOINTS", received=text, accepted=accepted)
    if is_origin:
        return url.scheme, url.host, url.port or PORTS[url.scheme]
    # httpx leaves out a port that is the scheme's own.
    return None, url.host, url.port or (80 if text.endswith(":80") else None)


def _names_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(address: IPv4Address | IPv6Address, *, here: bool) -> bool:
    """Whether it is public, or loopback where the list has loopback; an IPv4 address inside an IPv6 one counts."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _reachable(inner, here=here)
    if address.is_loopback:
        return here
    if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_link_local or address.is_reserved)
