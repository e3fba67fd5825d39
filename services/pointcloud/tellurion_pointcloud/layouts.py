"""Collections of clouds and meshes as they are published: ShapeNet-55, ModelNet40, or any folder with pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.clouds import normalised
from tellurion_pointcloud.corpus import Thing, pictured
from tellurion_pointcloud.views import specks, views

SUFFIXES = (".obj", ".ply", ".off", ".stl", ".glb", ".npy", ".txt", ".xyz")
GREY = 160
"""Of what has no colour."""
SUBSETS = ((-1, "train"), (0, "test"))
"""By fold."""


@dataclass(frozen=True)
class Listed:
    """A file of a collection."""

    name: str
    path: Path
    kind: str = ""
    """Its class; '' where the collection has none."""
    fold: int = -1
    """0 for the published test set."""
    up: str = "z"
    """The axis that is up, "y" or "z"."""
    pictures: tuple[Path, ...] = ()
    """That come with it."""


def shapenet55(root: Path) -> list[Listed]:
    """ShapeNet-55 as Point-BERT has it: shapenet_pc/SYNSET-MODEL.npy, listed in ShapeNet-55/train.txt and test.txt."""
    return [
        Listed(name, root / "shapenet_pc" / name, name.partition("-")[0], fold, up="y")
        for fold, subset in SUBSETS
        for name in _lines(root / "ShapeNet-55" / f"{subset}.txt")
    ]


def modelnet40(root: Path) -> list[Listed]:
    """ModelNet40: meshes CLASS/train/CLASS_0001.off, or modelnet40_normal_resampled: listed CLASS/CLASS_0001.txt."""
    if any(root.glob("*/train/*.off")):
        return [
            Listed(path.stem, path, path.parts[-3], fold)
            for fold, subset in SUBSETS
            for path in sorted(root.glob(f"*/{subset}/*.off"))
        ]
    return [
        Listed(name, root / name.rpartition("_")[0] / f"{name}.txt", name.rpartition("_")[0], fold, up="y")
        for fold, subset in SUBSETS
        for name in _lines(root / f"modelnet40_{subset}.txt")
    ]


def folder(root: Path) -> list[Listed]:
    """All meshes and clouds of a folder, with the pictures NAME*.png beside each NAME.obj, .ply, …"""
    found = sorted(path for path in root.iterdir() if path.suffix.lower() in SUFFIXES) if root.is_dir() else []
    # the longest name that a picture's begins with is the one it belongs to
    of: dict[str, list[Path]] = {path.stem: [] for path in found}
    for picture in sorted(root.glob("*.png")):
        owners = [name for name in of if picture.stem.startswith(name)]
        if owners:
            of[max(owners, key=len)].append(picture)
    if not found:
        raise InvalidInput.of("data", received=f"nothing in {root.name}", accepted=", ".join(SUFFIXES))
    return [Listed(path.name, path, pictures=tuple(of[path.stem])) for path in found]


COLLECTIONS = {"shapenet55": shapenet55, "modelnet40": modelnet40, "folder": folder}


def things(listed: Iterable[Listed], *, points: int, count: int, side: int) -> Iterator[Thing]:
    """Each with its own pictures, or with views of it where it has none. Raises InvalidInput for a damaged file."""
    for index, each in enumerate(listed):
        random = np.random.default_rng(index)
        vertices, faces, paint = _read(each.path)
        if each.up == "y":
            vertices = vertices[:, [0, 2, 1]] * [1, -1, 1]
        if len(faces):
            sizes = {"points": points, "count": count, "side": side}
            cloud, colours, pictures = pictured(vertices, faces, paint, **sizes, random=random)
        else:
            chosen = np.resize(random.permutation(len(vertices)), points)
            cloud, colours = normalised(vertices[chosen]).points, paint[chosen]
            pictures = views(*specks(cloud, colours, len(cloud) ** -0.5), count, side)
        if each.pictures:
            pictures = np.stack([_picture(path, side) for path in np.resize(each.pictures, count)])
        yield Thing(each.name, cloud, colours, pictures, each.name, each.kind, each.fold)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InvalidInput.of("data", received=f"no {path.name}", accepted=f"a folder with {path.name}, as published")
    names = path.read_text().split()
    outside = [name for name in names if Path(name).name != name]
    if outside:
        raise InvalidInput.of(path.name, received=outside[0], accepted="names of files")
    return names


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint8]]:
    """Places [N, 3], faces [F, 3] (none of a cloud), and the colours [F, 3] of faces, or [N, 3] of a cloud's points."""
    try:
        if (suffix := path.suffix.lower()) in (".npy", ".txt", ".xyz"):
            table = np.load(path) if suffix == ".npy" else np.loadtxt(path, delimiter=_delimiter(path), ndmin=2)
            places = np.asarray(table, np.float64)[:, :3]
            faces, colours = np.empty((0, 3), np.int64), np.full((len(places), 3), GREY, np.uint8)
        else:
            read = trimesh.load(path, force=None)
            mesh = read.to_geometry() if isinstance(read, trimesh.Scene) else read
            places = np.asarray(mesh.vertices, np.float64)
            faces = np.asarray(getattr(mesh, "faces", np.empty((0, 3))), np.int64)
            colours = _colours(mesh, len(faces) or len(places))
    except (OSError, ValueError, IndexError, KeyError, NotImplementedError) as error:
        raise InvalidInput.of("file", received=path.name, accepted="a mesh or a cloud of points") from error
    if places.shape[1:] != (3,) or not np.isfinite(places).all() or (places == places[:1]).all():
        raise InvalidInput.of("file", received=path.name, accepted="finite places [N, 3], two different ones at least")
    if len(faces) and not 0 <= faces.min() <= faces.max() < len(places):
        raise InvalidInput.of("file", received=path.name, accepted=f"faces of {len(places)} vertices")
    return places, faces, colours


def _delimiter(path: Path) -> str | None:
    with path.open() as file:
        return "," if "," in file.readline() else None


def _colours(mesh: trimesh.Trimesh | trimesh.PointCloud, count: int) -> NDArray[np.uint8]:
    if isinstance(mesh, trimesh.PointCloud):
        colours = mesh.colors
    elif mesh.visual.kind == "texture":
        colours = mesh.visual.to_color().face_colors
    else:
        colours = mesh.visual.face_colors
    known = len(colours) == count
    return np.asarray(colours, np.uint8)[:, :3] if known else np.full((count, 3), GREY, np.uint8)


def _picture(path: Path, side: int) -> NDArray[np.uint8]:
    """[side, side, 3] on white."""
    try:
        with Image.open(path) as image:
            clear = image.convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput.of("file", received=path.name, accepted="a picture") from error
    white = Image.new("RGBA", clear.size, "white")
    return np.asarray(Image.alpha_composite(white, clear).convert("RGB").resize((side, side), Image.Resampling.BOX))
