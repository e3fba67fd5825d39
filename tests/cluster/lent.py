"""Images without files, whose pods see those of this machine: the code and the libraries that `make setup` has brought.

For a short trial of manifests, policies and probes. How images are built is tried by tests/images, and all of it by
`make cluster-run`.
"""

from __future__ import annotations

import secrets
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..images.podman import Podman

ROOT = Path(__file__).resolve().parents[2]
LINKS = ("bin", "sbin", "lib", "lib64")
"""Folders that are in /usr, as Debian has them."""
USERS = "root:x:0:0::/root:/bin/sh\nstore:x:999:999::/tmp:/bin/sh\ntellurion:x:65532:65532::/tmp:/bin/sh\n"


def folders() -> list[Path]:
    """What pods see of this machine, to read: Debian's files, Python where it is another, and this repository."""
    wanted = {Path(each) for each in ("/usr", "/etc/alternatives", "/etc/ssl", sys.base_prefix, ROOT, sys.prefix)}
    return [path for path in sorted(wanted) if not any(path.is_relative_to(other) for other in wanted if other != path)]


def missing() -> list[str]:
    """What is lent beside what `make setup` brings, Redis among it, and is not here."""
    return [] if _postgres() else ["postgresql is not installed: apt-get install postgresql"]


@contextmanager
def images(podman: Podman, folder: Path) -> Iterator[dict[str, Any]]:
    """The values that name them, while they are there; `folder` is empty."""
    registry = f"localhost/tellurion-lent-{secrets.token_hex(3)}"
    path = f"{sys.prefix}/bin:{_postgres()[-1]}:/usr/local/bin:/usr/bin:/bin"
    variables = {"PATH": path, "HOME": "/tmp", "NUMBA_CACHE_DIR": "/tmp/numba", "MPLCONFIGDIR": "/tmp/matplotlib"}
    variables |= {"TELLURION_STATE": "/var/lib/tellurion", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    settings = [f"--change=ENV {name}={value}" for name, value in variables.items()]
    start = f'--change=ENTRYPOINT ["{ROOT}/tests/cluster/stores/postgres.sh"]'
    more = {"postgres": [start, "--change=STOPSIGNAL SIGINT"]}
    archive = _archive(folder)
    names = {name: f"{registry}/{name}:lent" for name in ("tellurion-ocean", "tellurion-gateway", "redis", "postgres")}
    try:
        for name, image in names.items():
            podman("import", *settings, *more.get(name, ()), str(archive), image)
        store = {"registry": registry, "tag": "lent"}
        yield {
            "image": store,
            "redis": {"image": {**store, "repository": "redis"}},
            "database": {"trial": {"image": {**store, "repository": "postgres"}}},
        }
    finally:
        podman("rmi", "--force", *names.values(), check=False)


def _postgres() -> list[Path]:
    """Folders of PostgreSQL's programs, the newest version last."""
    found = [server.parent for server in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    return sorted(found, key=lambda programs: float(programs.parent.name))


def _archive(folder: Path) -> Path:
    """A root folder that has links and users, and no more."""
    root, archive = folder / "root", folder / "root.tar"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text(USERS)
    for link in LINKS:
        (root / link).symlink_to(f"usr/{link}")
    with tarfile.open(archive, "w") as packed:
        packed.add(root, ".")
    return archive
