"""The furniture models of Sweet Home 3D's archives, with the colours and real sizes that their catalogues tell.

An archive (.sh3f) is a zip file of OBJ models with PluginFurnitureCatalog.properties, where `width#7=59.4` is what is
said of the seventh model, in centimetres.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud import wavefront

CATALOGUE = "PluginFurnitureCatalog.properties"
PLACE = Path("usr/share/sweethome3d/furniture")
"""Of the archives, in the folder that TELLURION_DATA names."""


@dataclass(frozen=True)
class Entry:
    """What a catalogue says of a model."""

    archive: Path
    name: str
    """Unique among all archives: "Scopia#bed1"."""
    title: str
    category: str
    size: tuple[float, float, float]
    """Width, depth, height in metres."""
    elevation: float
    """Metres between the floor and its lowest point."""
    creator: str
    license: str
    path: str
    """Of the mesh, in the archive."""
    rotation: tuple[float, ...]
    """Of the mesh before it is scaled: nine numbers, row by row."""


@dataclass(frozen=True, eq=False)
class Model:
    """A model in metres: z up, its front towards −y, the middle of its lowest side at the origin."""

    entry: Entry
    vertices: NDArray[np.float64]
    """[V, 3] metres."""
    faces: NDArray[np.int64]
    """[F, 3] of vertices."""
    face_colours: NDArray[np.uint8]
    """[F, 3] diffuse red, green, blue."""

    @property
    def name(self) -> str:
        """Unique among all archives."""
        return self.entry.name

    @property
    def category(self) -> str:
        """Of the catalogue."""
        return self.entry.category


def archives(folder: Path | None = None) -> list[Path]:
    """The archives in a folder, or where TELLURION_DATA has them. Raises InvalidInput where there are none."""
    place = folder or Path(os.environ.get("TELLURION_DATA", "/")) / PLACE
    found = sorted(place.glob("*.sh3f"))
    if not found:
        raise InvalidInput.of(
            "data", received=str(place), accepted="a folder of .sh3f files, as Debian's sweethome3d-furniture has them"
        )
    return found


def catalogue(folder: Path | None = None) -> list[Entry]:
    """What all archives' catalogues say, archive by archive in the order of their names."""
    return [entry for archive in archives(folder) for entry in _entries(archive)]


def models(folder: Path | None = None) -> Iterator[Model]:
    """All models, in the order of `catalogue`. Raises InvalidInput for an archive that cannot be read."""
    for archive in archives(folder):
        entries = _entries(archive)
        with _opened(archive) as file:
            for entry in entries:
                yield _model(file, entry)


@contextmanager
def _opened(archive: Path) -> Iterator[ZipFile]:
    try:
        with ZipFile(archive) as file:
            yield file
    except (BadZipFile, KeyError, ValueError) as error:  # no zip file; or a mesh, a number or a name is not there
        raise InvalidInput.of("data", received=archive.name, accepted="an archive of Sweet Home 3D") from error


def _entries(archive: Path) -> list[Entry]:
    with _opened(archive) as file:
        return _listed(archive, file.read(CATALOGUE).decode("iso-8859-1"))


def _listed(archive: Path, text: str) -> list[Entry]:
    said: dict[int, dict[str, str]] = {}
    whole = dict(re.findall(r"^(\w+)=(.*)$", text, re.M))
    for key, number, value in re.findall(r"^(\w+)#(\d+)\s*=[ \t]*(.*?)\s*$", text, re.M):
        said.setdefault(int(number), {})[key] = value
    return [_entry(archive, said[number], whole.get("license", "")) for number in sorted(said)]


def _entry(archive: Path, said: dict[str, str], licence: str) -> Entry:
    return Entry(
        archive,
        said["id"],
        said["name"],
        said["category"],
        (float(said["width"]) / 100, float(said["depth"]) / 100, float(said["height"]) / 100),
        float(said.get("elevation", 0)) / 100,
        said.get("creator", ""),
        said.get("license", licence).strip(),
        said["model"].lstrip("/"),
        tuple(map(float, said.get("modelRotation", "1 0 0 0 1 0 0 0 1").split())),
    )


def _model(file: ZipFile, entry: Entry) -> Model:
    text = file.read(entry.path)
    folder = posixpath.dirname(entry.path)
    colours: dict[bytes, wavefront.Colour] = {}
    for library in re.findall(rb"^mtllib\s+(.+?)\s*$", text, re.M):
        colours |= wavefront.materials(_beside(file, folder, library.decode()), partial(_mean_colour, file, folder))
    mesh = wavefront.parsed(text, colours)
    return Model(entry, placed(mesh.vertices, mesh.faces, entry), mesh.faces, mesh.face_colours)


def placed(vertices: NDArray[np.float64], faces: NDArray[np.int64], entry: Entry) -> NDArray[np.float64]:
    """[V, 3] metres, z up, of a mesh's own vertices, y up: turned, and its box scaled to the size of the entry."""
    x, y, z = (vertices @ np.reshape(entry.rotation, (3, 3)).T).T
    turned = np.stack([x, -z, y], 1)
    low, high = turned[faces].min((0, 1)), turned[faces].max((0, 1))
    extent = np.where(high > low, high - low, 1.0)
    return (turned - [*(low + high)[:2] / 2, low[2]]) / extent * entry.size


def _beside(file: ZipFile, folder: str, name: str) -> bytes:
    """What a mesh or a material refers to; nothing where the archive does not have it, as happens."""
    path = posixpath.normpath(posixpath.join(folder, name))
    return file.read(path) if path in file.NameToInfo else b""


def _mean_colour(file: ZipFile, folder: str, name: str) -> wavefront.Colour:
    content = _beside(file, folder, name)
    if not content:
        return wavefront.PLAIN
    with Image.open(BytesIO(content)) as image:
        image.draft("RGB", (64, 64))
        red, green, blue, _ = image.convert("RGBA").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return red / 255, green / 255, blue / 255
