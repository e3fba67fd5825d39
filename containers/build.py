"""Builds images of services, copies their bills of materials out and says how large they are.

    python containers/build.py --base localhost/debian:bookworm-slim gateway ocean

What this machine has set for pip and npm, an index, certificates or folders of wheels, holds in the build too and stays
out of the images.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICES = {
    "cpu": ("ocean", "assimilation", "pointcloud", "splat", "benchmark", "agent", "gateway", "triton"),
    "cuda": ("ocean", "assimilation", "pointcloud", "benchmark", "triton"),
}
"""By variant; triton runs the models of several. Splat has none for GPUs: gsplat compiles its kernels where they are
used, and images have no compiler."""
BILLS = Path("out/sbom")
PASSED_ON = ("index-url", "extra-index-url", "find-links", "trusted-host", "proxy", "timeout", "cert")
"""Of pip's settings."""
_INSIDE = "/run/build"


def pip_settings() -> dict[str, str]:
    """What pip has set on this machine by name, the environment before files."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    pairs = (line.split("=", 1) for line in listed.splitlines() if "=" in line)
    named = sorted((":env:" in key, key.rpartition(".")[2], value) for key, value in pairs)
    return {name: str(ast.literal_eval(value)) for _, name, value in named if name in PASSED_ON}


def machine(folder: Path) -> Iterator[str]:
    """Flags for a build to have these settings; writes them to the folder. An index that is a folder is left out."""
    settings = pip_settings()
    npm = Path.home() / ".npmrc"
    npm_lines = npm.read_text(encoding="utf-8").splitlines() if npm.is_file() else []
    if "cert" in settings:
        shutil.copyfile(settings["cert"], folder / "authorities.pem")
        settings["cert"] = f"{_INSIDE}/authorities.pem"
        npm_lines.append(f"cafile={_INSIDE}/authorities.pem")
    for name in ("index-url", "extra-index-url"):
        words = settings.pop(name, "").split()
        if remote := [word for word in words if not word.startswith(("/", "file:"))]:
            settings[name] = " ".join(remote)
    wheels = settings.get("find-links", "").split()
    for index, place in enumerate(wheels):
        if Path(place).is_dir():
            wheels[index] = f"{_INSIDE}-wheels-{index}"
            yield f"--volume={Path(place).resolve()}:{wheels[index]}:ro"
    if wheels:
        settings["find-links"] = " ".join(wheels)
    lines = ["[global]", *(f"{name} = {value}" for name, value in settings.items())]
    (folder / "pip.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "npmrc").write_text("\n".join(npm_lines) + "\n", encoding="utf-8")
    yield f"--volume={folder}:{_INSIDE}:ro"


def revision() -> str:
    """The commit that is built, with `-dirty` where files differ from it; empty outside of a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def version() -> str:
    """The version that all distributions share."""
    project = tomllib.loads((ROOT / "protos/pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def bill_of_materials(engine: str, image: str, name: str, file: Path) -> None:
    """Copies an image's bill of materials to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    command = [engine, "run", "--rm", "--network=none", image, "cat", f"/usr/share/sbom/{name}.cdx.json"]
    file.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)


def sizes(engine: str, images: list[str]) -> Iterator[tuple[str, int, int]]:
    """Of each image: name, bytes, and bytes in layers that none of the others has. Not compressed."""
    command = [engine, "image", "inspect", *images]
    inspected = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    layers = [set(each["RootFS"]["Layers"]) for each in inspected]
    for image, each, own in zip(images, inspected, layers, strict=True):
        others = set[str]().union(*(other for other in layers if other is not own))
        command = [engine, "history", "--format=json", "--no-trunc", image]
        history = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        # Newest first, and layers are oldest first; what changed no file has no layer.
        filled = [entry["size"] for entry in reversed(history) if entry["size"]]
        alone = sum(size for size, layer in zip(filled, each["RootFS"]["Layers"], strict=False) if layer not in others)
        yield image, each["Size"], alone


def build(arguments: argparse.Namespace) -> None:
    """Builds one image after the other; what they share is built once. Raises CalledProcessError."""
    suffix = "-cuda" if arguments.variant == "cuda" else ""
    labels = {"version": arguments.tag, "revision": revision()}
    images = []
    with tempfile.TemporaryDirectory(prefix="tellurion-images-") as folder:
        settings = list(machine(Path(folder)))
        for service in arguments.services:
            name = f"tellurion-{service}"
            image = f"{arguments.registry}/{name}:{arguments.tag}{suffix}"
            command = [arguments.engine, "build", "--layers", f"--target={service}", f"--tag={image}", *settings]
            command += [f"--label=org.opencontainers.image.{label}={value}" for label, value in labels.items()]
            command += [f"--build-arg=VARIANT={arguments.variant}"]
            command += [f"--build-arg=BASE={arguments.base}"] if arguments.base else []
            subprocess.run([*command, f"--file={ROOT / 'Containerfile'}", str(ROOT)], check=True)
            bill_of_materials(arguments.engine, image, name, ROOT / BILLS / f"{name}{suffix}.cdx.json")
            images.append(image)
    print(f"\n{'image':60} {'MB':>6} {'alone':>6}")
    for image, size, alone in sizes(arguments.engine, images):
        print(f"{image:60} {size / 1e6:6.0f} {alone / 1e6:6.0f}")


def main() -> int:
    """Exit code: 0 built, 1 a build failed, 2 arguments that cannot be used."""
    parser = argparse.ArgumentParser(description="Builds images of services.")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="all that the variant has without any")
    parser.add_argument("--engine", default="podman", help="podman, or what takes its commands and flags")
    parser.add_argument("--registry", default="localhost", help="what stands before /tellurion-SERVICE")
    parser.add_argument("--tag", default=version(), help="the version without one; the CUDA variant has -cuda after it")
    parser.add_argument("--variant", default="cpu", choices=SERVICES)
    parser.add_argument("--base", help="image of Debian with Python 3.11 or 3.12; the Containerfile's without one")
    arguments = parser.parse_args()
    accepted = SERVICES[arguments.variant]
    if unknown := set(arguments.services).difference(accepted):
        parser.error(f"argument SERVICE: received {', '.join(sorted(unknown))}; accepted: {', '.join(accepted)}")
    arguments.services = arguments.services or accepted
    if shutil.which(arguments.engine) is None:
        parser.error(f"argument --engine: received {arguments.engine!r}; accepted: a command that is installed")
    try:
        build(arguments)
    except subprocess.CalledProcessError as error:
        command = f"{Path(error.cmd[0]).name} {error.cmd[1]}"
        print(f"{command} failed with exit code {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
