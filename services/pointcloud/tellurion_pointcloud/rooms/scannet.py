"""Scans of ScanNet v2 in its published layout, with views as its SensReader exports them.

    scannetv2-labels.combined.tsv              raw_category → nyu40class
    scans/scene0000_00/
      scene0000_00_vh_clean_2.ply              vertices with colours
      scene0000_00_vh_clean_2.0.010000.segs.json    segIndices: the segment of each vertex
      scene0000_00.aggregation.json            segGroups: the segments and the label of each object
      scene0000_00.txt                         axisAlignment = 16 numbers
      color/0.jpg  depth/0.png  pose/0.txt     millimetres; camera to world
      intrinsic/intrinsic_color.txt  intrinsic/intrinsic_depth.txt    4 × 4, pixels counted from 0

Source: Dai et al. 2017. Boxes are those of the aligned vertices, as VoteNet (Qi et al. 2019) has them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plyfile import PlyData, PlyParseError

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes
from tellurion_pointcloud.gaussian2scene.frames import Frame
from tellurion_pointcloud.rooms.published import colour_image, kind_of, numbers, raw_depth, read_json, small
from tellurion_pointcloud.rooms.seen import POINTS, VIEWS, Room

HALF = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
"""A pixel's centre is a whole number in these cameras, a half in ours."""


def read_labels(path: Path) -> dict[str, int]:
    """Class of an object by its label in a scan, −1 for those that are not looked for. Raises InvalidInput."""
    with path.open(newline="", errors="replace") as file:
        try:
            return {
                row["raw_category"]: max(kind_of(row["nyu40class"]), kind_of(row["raw_category"]))
                for row in csv.DictReader(file, delimiter="\t")
            }
        except (KeyError, AttributeError, csv.Error) as error:
            accepted = "columns raw_category and nyu40class"
            raise InvalidInput.of(path.name, received="another table", accepted=accepted) from error


def read_scannet(folder: Path, labels: Mapping[str, int], random: np.random.Generator) -> Room:
    """A scan's cloud, POINTS of it drawn by `random`, VIEWS of its views and its objects, along its walls.

    `labels` are what `read_labels` gives. Raises InvalidInput for another folder.
    """
    scan = folder / folder.name
    align = _alignment(Path(f"{scan}.txt"))
    vertices, colours = _vertices(Path(f"{scan}_vh_clean_2.ply"))
    points = vertices @ align[:3, :3].T + align[:3, 3]
    segments = read_json(Path(f"{scan}_vh_clean_2.0.010000.segs.json"), lambda of: np.array(of["segIndices"], np.int64))
    if segments.shape != (len(points),):
        raise InvalidInput.of("segIndices", received=f"{segments.size}", accepted=f"{len(points)}, one for each vertex")
    groups = read_json(Path(f"{scan}.aggregation.json"), _groups)
    objects = [(kind, points[np.isin(segments, of)]) for label, of in groups if (kind := labels.get(label, -1)) >= 0]
    objects = [(kind, of) for kind, of in objects if len(of)]
    corners = np.array([(of.min(0), of.max(0)) for _, of in objects]).reshape(-1, 2, 3)
    boxes = Boxes.between(corners[:, 0], corners[:, 1])
    chosen = random.choice(len(points), POINTS, replace=len(points) < POINTS)
    return Room(
        points[chosen].astype(np.float32),
        colours[chosen],
        [small(frame) for frame in _frames(folder, align)],
        boxes,
        boxes,
        np.array([kind for kind, _ in objects], np.int64),
        [folder.name] * len(objects),
    )


def _groups(aggregation: Any) -> list[tuple[str, NDArray[np.int64]]]:
    return [(str(each["label"]), np.array(each["segments"], np.int64)) for each in aggregation["segGroups"]]


def _alignment(path: Path) -> NDArray[np.float64]:
    """World to the axes of the walls [4, 4]."""
    text = path.read_text(errors="replace") if path.is_file() else ""
    line = re.search(r"^axisAlignment\s*=(.*)$", text, re.M)
    try:
        return np.array(line[1].split() if line else [], np.float64).reshape(4, 4)
    except ValueError as error:
        raise InvalidInput.of(path.name, received="no such line", accepted="axisAlignment = 16 numbers") from error


def _vertices(path: Path) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Places [V, 3] and colours [V, 3]."""
    try:
        vertex = PlyData.read(str(path))["vertex"]
        places, colours = (np.stack([vertex[name] for name in names], 1) for names in ("xyz", ("red", "green", "blue")))
    except (OSError, KeyError, ValueError, PlyParseError) as error:
        raise InvalidInput.of(path.name, received="another file", accepted="vertices with colours") from error
    if not len(places) or not np.isfinite(places).all():
        raise InvalidInput.of(path.name, received=f"{len(places)} vertices", accepted="finite vertices, one at least")
    return places.astype(np.float64), colours.astype(np.uint8)


def _frames(folder: Path, align: NDArray[np.float64]) -> list[Frame]:
    """VIEWS of the views whose pose is known, evenly over time."""
    poses = {path.stem: numbers(path, (4, 4)) for path in sorted(folder.glob("pose/*.txt"), key=_time)}
    known = [name for name, pose in poses.items() if np.isfinite(pose).all()]
    if len(known) < VIEWS:
        raise InvalidInput.of("pose", received=f"{len(known)} known poses", accepted=f"{VIEWS} at least")
    K, K_colour = (numbers(folder / "intrinsic" / f"intrinsic_{of}.txt", (4, 4))[:3, :3] for of in ("depth", "color"))
    frames = []
    for name in (known[index] for index in np.linspace(0, len(known) - 1, VIEWS).round().astype(int)):
        depth = raw_depth(folder / "depth" / f"{name}.png").astype(np.float32) / 1000
        colour = _seen_alike(colour_image(folder / "color" / f"{name}.jpg"), K_colour, K, depth.shape)
        frames.append(Frame(colour, depth, K + HALF, np.linalg.inv(align @ poses[name])))
    return frames


def _time(path: Path) -> tuple[int, str]:
    return len(path.stem), path.stem


def _seen_alike(
    colour: NDArray[np.uint8], K_colour: NDArray[np.float64], K: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """[H, W, 3] the colour in the direction of each pixel of the depth camera, which stands beside the other."""
    row, column = (np.arange(size) for size in shape)
    x = K_colour[0, 0] * (column - K[0, 2]) / K[0, 0] + K_colour[0, 2]
    y = K_colour[1, 1] * (row - K[1, 2]) / K[1, 1] + K_colour[1, 2]
    rows = y.round().clip(0, colour.shape[0] - 1).astype(int)
    return colour[rows[:, None], x.round().clip(0, colour.shape[1] - 1).astype(int)]
