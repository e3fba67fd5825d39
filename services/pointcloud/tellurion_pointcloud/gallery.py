"""Pictures of what the models do with things that they never saw.

    TELLURION_DATA=DATA python -m tellurion_pointcloud.gallery OUT

OUT/reconstructions.png, completions.png and neighbours.png are of labelled furniture, detections.png of held-out rooms:
`--furniture` and `--rooms` name them, where they are not what `make data` made. What is shown is drawn by `--seed`, one
of each class, and not chosen. Needs matplotlib: the extra `tellurion-pointcloud[plot]`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image

from tellurion_core.errors import TellurionError
from tellurion_core.whole_files import placed
from tellurion_pointcloud import evaluate
from tellurion_pointcloud.boxes import Boxes
from tellurion_pointcloud.clouds import resampled
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.detection.detector import Detector
from tellurion_pointcloud.downstream.completion import Completion
from tellurion_pointcloud.downstream.crops import nearer_half
from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.masking import scattered
from tellurion_pointcloud.mmpt import Mmpt
from tellurion_pointcloud.models import Weights, weights_files
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.settings import PointCloudSettings
from tellurion_pointcloud.viewpoints import Viewpoint

THINGS, ROOMS, NEAREST = 6, 4, 5
"""Shown in a picture."""
SIDE, ROOM_SIDE = 150, 420
"""Pixels of a thing and of a room."""
SPECK, ROOM_SPECK = 0.02, 0.008
"""Radius of a point, in radii of what it is of."""
THING, ROOM = Viewpoint(-60.0, 25.0), Viewpoint(-75.0, 60.0)
FROM_THE_LEFT = (-1.0, 0.0, 0.0)
"""Direction to the viewpoint whose half is completed."""
WALL = 0.1
"""Metres from the bounds of a room within which points are walls, and left out of its picture."""
CENTRE = 0.5
"""Metres above the floor of the middle of a room's picture."""
SURE = 0.5
"""Score from which a detection is shown."""
GIVEN, ADDED, HIDDEN = (150, 150, 150), (235, 120, 20), (40, 110, 200)
"""Colours of points that a model is given, of those that it adds, and of those that it was not given."""
EDGES = np.array([(a, b) for a in range(8) for b in range(a) if (a ^ b).bit_count() == 1])
"""[12, 2] of a box, whose corners are numbered by one bit for each axis."""

DOTS, TITLE, COLOURS = 100, 18, 256
"""Pixels of an inch, and above a picture for what it is; colours of a file."""

Colour = tuple[int, int, int]


def reconstructions(corpus: Corpus, mmpt: Mmpt, seed: int) -> Figure:
    """Of things most of whose patches are hidden: what is visible, what MMPT makes of it, and the truth."""
    clouds, names = _things(corpus, mmpt.spec.points, seed)
    cut = grouped(clouds, mmpt.spec.groups, mmpt.spec.group_size)
    patches, centres = torch.from_numpy(cut.points), torch.from_numpy(cut.centres)
    shown, hidden = scattered(*centres.shape[:2], torch.Generator().manual_seed(seed))
    thing = torch.arange(len(clouds))[:, None]
    with torch.inference_mode():
        told = mmpt.rebuilt(patches[thing, shown], centres[thing, shown], centres[thing, hidden])
    visible, rebuilt, true = (
        (points + centres[thing, which][:, :, None]).flatten(1, 2).numpy()
        for points, which in ((patches[thing, shown], shown), (told, hidden), (patches[thing, hidden], hidden))
    )
    rows = {"visible": ((visible, GIVEN),), "reconstructed": ((visible, GIVEN), (rebuilt, ADDED))}
    return _compared({**rows, "true": ((visible, GIVEN), (true, HIDDEN))}, names)


def completions(corpus: Corpus, network: Completion, seed: int) -> Figure:
    """Of things that are seen from the left: what is seen, the same made whole, and the truth."""
    clouds, names = _things(corpus, 2 * network.spec.partial, seed)
    whole, left = torch.from_numpy(clouds), torch.tensor(FROM_THE_LEFT).expand(len(clouds), 3)
    seen = nearer_half(whole, left)
    added = network.completed(seen)[:, seen.shape[1] :].numpy()
    partial, missing = seen.numpy(), nearer_half(whole, -left).numpy()
    rows = {"partial": ((partial, GIVEN),), "completed": ((partial, GIVEN), (added, ADDED))}
    return _compared({**rows, "true": ((partial, GIVEN), (missing, HIDDEN))}, names)


def neighbours(corpus: Corpus, mmpt: Mmpt, seed: int) -> Figure:
    """Things, and those of other groups with the nearest embeddings by cosine, framed in the colours of classes."""
    things = evaluate.labelled(corpus, points=mmpt.spec.points, samplings=1, seed=seed)
    index = np.flatnonzero(np.array(corpus.classes) != "")
    (embeddings,) = evaluate.embeddings(mmpt, things.clouds)
    directions = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    queries = _one_of_each(things.labels, seed)
    cosines = directions[queries] @ directions.T
    cosines[things.groups[queries][:, None] == things.groups] = -np.inf
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    figure, axes = _grid(len(queries), 1 + NEAREST, SIDE)
    palette = colormaps["tab20"]
    for row, around in zip(axes, np.column_stack([queries, nearest]), strict=True):
        for place, thing in zip(row, around, strict=True):
            place.imshow(_picture(corpus.clouds[index[thing]], corpus.colours[index[thing]]))
            place.set_title(corpus.classes[index[thing]], fontsize=8, pad=3)
            place.spines[:].set(visible=True, color=palette(things.labels[thing]), linewidth=3)
    axes[0, 0].set_title(f"query: {corpus.classes[index[queries[0]]]}", fontsize=8, pad=3)
    return figure


def detections(rooms: Rooms, detector: Detector, seed: int) -> Figure:
    """Rooms with the boxes of what stands there, in black, and of what is found, in the colour of its class."""
    chosen = np.random.default_rng(seed).permutation(len(rooms))[:ROOMS]
    figure, axes = _grid(-(-len(chosen) // 2), 2, ROOM_SIDE)
    palette = colormaps["Set1"]
    for place, room in zip(axes.flat, chosen, strict=False):
        points, colours = np.array(rooms.points[room]), np.array(rooms.colours[room])
        some = resampled(points, detector.spec.points)[0]  # as scenes are served
        (found,) = detector.detect(points[some][None], colours[some][None])
        sure = found.scores >= SURE
        lowest, highest = points.min(0), points.max(0)
        middle, radius = (lowest + highest) / 2, np.linalg.norm((highest - lowest)[:2]) / 2
        middle[2] = lowest[2] + CENTRE
        inside = ((points > lowest + WALL) & (points < highest - WALL))[:, :2].all(1)
        place.imshow(ROOM.picture((points[inside] - middle) / radius, colours[inside], ROOM_SPECK, ROOM_SIDE))
        drawn = [(each, "black", 1.0) for each in _corners(rooms.aligned(room))]
        drawn += [
            (each, palette(kind), 2.0)
            for each, kind in zip(_corners(found.boxes[sure]), found.classes[sure], strict=True)
        ]
        for corners, colour, width in drawn:
            ends = ROOM.places((corners - middle) / radius, ROOM_SIDE)[EDGES]
            place.plot(*ends.transpose(2, 1, 0), color=colour, linewidth=width)
        place.set(xlim=(0, ROOM_SIDE), ylim=(ROOM_SIDE, 0))
    colours = [Patch(color=palette(kind), label=name) for kind, name in enumerate(rooms.classes)]
    figure.legend(
        handles=[*colours, Patch(color="black", label="true")], loc="outside lower center", ncols=6, fontsize=8
    )
    return figure


PICTURES: dict[str, Callable[[Path, Path, Weights, int], Figure]] = {
    "reconstructions": lambda furniture, rooms, of, seed: reconstructions(
        Corpus.open(furniture), of["mmpt"].network(), seed
    ),
    "completions": lambda furniture, rooms, of, seed: completions(
        Corpus.open(furniture), of["completion"].network(), seed
    ),
    "neighbours": lambda furniture, rooms, of, seed: neighbours(Corpus.open(furniture), of["mmpt"].network(), seed),
    "detections": lambda furniture, rooms, of, seed: detections(Rooms.open(rooms), of["detector"].network(), seed),
}


def _compared(rows: Mapping[str, Sequence[tuple[NDArray[np.float32], Colour]]], names: Sequence[str]) -> Figure:
    """A column for each thing, a row for each of these unions of clouds [n, N, 3], each cloud of one colour."""
    figure, axes = _grid(len(rows), len(names), SIDE)
    for row, (title, parts) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(title, fontsize=9)
        for thing, place in enumerate(row):
            points = np.concatenate([clouds[thing] for clouds, _ in parts])
            colours = [np.tile(np.array(colour, np.uint8), (clouds.shape[1], 1)) for clouds, colour in parts]
            place.imshow(_picture(points, np.concatenate(colours)))
    for place, name in zip(axes[0], names, strict=True):
        place.set_title(name, fontsize=9)
    return figure


def _things(corpus: Corpus, points: int, seed: int) -> tuple[NDArray[np.float32], list[str]]:
    """Clouds [n, points, 3] of labelled things, and their classes."""
    things = evaluate.labelled(corpus, points=points, samplings=1, seed=seed)
    chosen = _one_of_each(things.labels, seed)
    names = np.unique([kind for kind in corpus.classes if kind])
    return things.clouds[0][chosen], names[things.labels[chosen]].tolist()


def _one_of_each(labels: NDArray[np.int64], seed: int) -> NDArray[np.intp]:
    """One thing of each of THINGS classes."""
    order = np.random.default_rng(seed).permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    return order[np.sort(first)[:THINGS]]


def _corners(boxes: Boxes) -> NDArray[np.float64]:
    """[M, 8, 3] of boxes along the axes."""
    ends = np.array([[corner >> axis & 1 for axis in range(3)] for corner in range(8)]) - 0.5
    return boxes.centres[:, None] + ends * boxes.sizes[:, None]


def _picture(points: NDArray[np.float32], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return THING.picture(points, colours, SPECK, SIDE)


def _grid(rows: int, columns: int, side: int) -> tuple[Figure, NDArray[Any]]:
    """A figure of empty places [rows, columns] for pictures of this side."""
    figure = Figure(figsize=(columns * side / DOTS, rows * (side + TITLE) / DOTS), dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for place in axes.flat:
        place.set(xticks=[], yticks=[])
        place.spines[:].set_visible(False)
    return figure, axes


def _write(figure: Figure, path: Path) -> None:
    """As a PNG of COLOURS colours, whole or not at all."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    with placed(path) as place:
        # maximum coverage keeps the colours of thin lines
        reduced = Image.open(drawn).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
        reduced.save(place, "PNG", optimize=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    settings = PointCloudSettings()
    made = settings.data / "pointcloud"
    parser = argparse.ArgumentParser(prog="tellurion_pointcloud.gallery", description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder for the pictures")
    parser.add_argument("--furniture", type=Path, default=made / "furniture", help="corpus of labelled furniture")
    parser.add_argument("--rooms", type=Path, default=made / "rooms" / "held-out", help="folder of held-out rooms")
    parser.add_argument("--weights", type=Path, default=settings.pointcloud_weights, help="folder of the weights files")
    parser.add_argument("--only", nargs="+", choices=list(PICTURES), default=list(PICTURES), help="(all)")
    parser.add_argument("--seed", type=int, default=0, help="of what is shown (%(default)s)")
    given = parser.parse_args(arguments)
    files = weights_files(given.weights)
    try:
        given.output.mkdir(parents=True, exist_ok=True)
        for name in given.only:
            _write(PICTURES[name](given.furniture, given.rooms, files, given.seed), given.output / f"{name}.png")
    except OSError as error:
        parser.error(f"argument output: received {given.output}: {error.strerror}; accepted: a folder to write into")
    except TellurionError as error:
        print(error.message, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
