"""Images without files, whose pods see those of this machine: the code and the libraries that `make setup` has brought.

For a short trial of manifests, policies and probes. How images are built is tried by tests/images, and all of it by
`make cluster-run`.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path
from typing import Any

from ..images.podman import Podman

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = "localhost/tellurion-lent"
COMMANDS = {"pg_lsclusters": "postgresql"}
"""What is lent beside what `make setup` brings, Redis among it, and Debian's package that has it."""
LINKS = ("bin", "sbin", "lib", "lib64")
"""Folders that are in /usr, as Debian has them."""
USERS = "root:x:0:0::/root:/bin/sh\nstore:x:999:999::/tmp:/bin/sh\ntellurion:x:65532:65532::/tmp:/bin/sh\n"


def folders() -> list[Path]:
    """What pods see of this machine, to read: Debian's files, Python where it is another, and this repository."""
    wanted = {Path(each) for each in ("/usr", "/etc/alternatives", "/etc/ssl", sys.base_prefix, ROOT, sys.prefix)}
    return [path for path in sorted(wanted) if not any(path.is_relative_to(other) for other in wanted if other != path)]


def images(podman: Podman, folder: Path) -> dict[str, Any]:
    """Makes them in a folder that is empty; the values that name them."""
    postgres = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    path = f"{sys.prefix}/bin:{postgres}:/usr/local/bin:/usr/bin:/bin"
    variables = {"PATH": path, "HOME": "/tmp", "NUMBA_CACHE_DIR": "/tmp/numba", "MPLCONFIGDIR": "/tmp/matplotlib"}
    variables |= {"TELLURION_STATE": "/var/lib/tellurion", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    settings = [f"--change=ENV {name}={value}" for name, value in variables.items()]
    start = f'["{ROOT}/tests/cluster/stores/postgres.sh"]'
    _made(podman, folder, "postgres", *settings, f"--change=ENTRYPOINT {start}", "--change=STOPSIGNAL SIGINT")
    _made(podman, folder, "here", *settings, "--change=WORKDIR /tmp")
    for service in ("ocean", "gateway"):
        podman("tag", f"{REGISTRY}/here:here", f"{REGISTRY}/tellurion-{service}:here")
    return {
        "image": {"registry": REGISTRY, "tag": "here"},
        "redis": {"image": {"registry": REGISTRY, "repository": "here", "tag": "here"}},
        "database": {"trial": {"image": {"registry": REGISTRY, "repository": "postgres", "tag": "here"}}},
    }


def _made(podman: Podman, folder: Path, name: str, *settings: str) -> None:
    root, archive = folder / name, folder / f"{name}.tar"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text(USERS)
    for link in LINKS:
        (root / link).symlink_to(f"usr/{link}")
    with tarfile.open(archive, "w") as packed:
        packed.add(root, ".")
    podman("import", *settings, str(archive), f"{REGISTRY}/{name}:here")
