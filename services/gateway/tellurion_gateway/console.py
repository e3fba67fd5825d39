"""The web console: files that were built beforehand, served from memory to whoever asks; what they show takes a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tellurion_core.errors import NotFound
from tellurion_gateway.etags import names
from tellurion_gateway.identity.authentication import CHALLENGE

BUILT = Path(__file__).parent / "console_dist"
"""What `npm run build` in `services/gateway/console` writes."""
ASSETS = "/assets/"
CODINGS = {"br": ".br", "gzip": ".gz"}
"""Content codings that the build compresses in, the smallest first, and the endings of those files."""
POLICY = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Scripts, styles and requests of this origin alone, none of them inline."""


@dataclass(frozen=True)
class File:
    """A file of the console."""

    media_type: str
    tag: str
    bodies: Mapping[str, bytes]
    """By content coding, `identity` too."""


def is_console(path: str) -> bool:
    """Whether a path is one of the console's, which hold nothing of any tenant's."""
    return path == "/" or path.startswith(ASSETS)


def routes(*, keyed: bool, folder: Path = BUILT) -> list[Route]:
    """The routes of the console that was built into this folder; its page says whether keys are asked for (`keyed`)."""
    files = {f"/{path.relative_to(folder)}": _read(path) for path in sorted(folder.rglob("*")) if _is_source(path)}

    async def answer(request: Request) -> Response:
        path = request.url.path
        file = files.get("/index.html" if path == "/" else path)
        if file is None:
            built = "there is no such page" if files else "the console is not built: make setup builds it"
            raise NotFound(built)
        # Names of assets tell their content; the page that names them has to be asked for each time.
        kept = "public, max-age=31536000, immutable" if path.startswith(ASSETS) else "no-cache"
        coding = _coding(request.headers.get("accept-encoding", ""), file)
        headers = {
            "ETag": f'"{file.tag}-{coding}"',
            "Cache-Control": kept,
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if keyed and path == "/":
            headers |= CHALLENGE
        if names(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(None, 304, headers)
        if coding != "identity":
            headers["Content-Encoding"] = coding
        return Response(file.bodies[coding], headers=headers, media_type=file.media_type)

    return [Route("/", answer, name="console"), Route(ASSETS + "{name:path}", answer, name="console assets")]


def _is_source(path: Path) -> bool:
    return path.is_file() and path.suffix not in CODINGS.values()


def _read(path: Path) -> File:
    content = path.read_bytes()
    bodies = {"identity": content}
    for coding, ending in CODINGS.items():
        compressed = path.with_name(path.name + ending)
        if compressed.is_file() and compressed.stat().st_size < len(content):
            bodies[coding] = compressed.read_bytes()
    media_type = guess_type(path.name)[0] or "application/octet-stream"
    return File(media_type, sha256(content).hexdigest()[:32], bodies)


def _coding(accepted: str, file: File) -> str:
    """The smallest coding that a client accepts by name (RFC 9110, section 12.5.3)."""
    weighed = (part.partition(";") for part in accepted.split(","))
    named = {name.strip().lower() for name, _, weight in weighed if _wanted(weight)}
    return next((coding for coding in CODINGS if coding in named and coding in file.bodies), "identity")


def _wanted(weight: str) -> bool:
    """Whether a weight, `q=0.5` or none, is more than nothing."""
    return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight, re.IGNORECASE) is None
