"""Meshes in Wavefront's .obj: vertices, their colours, polygons; materials and other files are left alone.

Source: Wavefront, Advanced Visualizer manual, appendix B1.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tellurion_client.clouds.cloud import Cloud, check_count, shades, white
from tellurion_client.clouds.surface import Mesh, check_faces
from tellurion_client.clouds.text import check_length, lines
from tellurion_core.errors import InvalidInput


def read_obj(path: Path, field: str, most: int) -> Mesh:
    """The mesh of a file. Raises InvalidInput of what is none, or too large."""
    numbers, corners, sizes, width = array("d"), array("q"), array("q"), 3
    with path.open("rb") as file:
        for line in _joined(lines(file, field), field):
            words = line.split("#")[0].split()
            try:
                if words[:1] == ["v"]:
                    # A vertex has a weight, or a colour, or neither.
                    width = width if numbers else 6 if len(words) >= 7 else 3
                    numbers.extend([float(words[i]) for i in range(1, width + 1)])
                    check_count(len(numbers) // width, most, field, "vertices")
                elif words[:1] == ["f"]:
                    known = len(numbers) // width
                    around = [_vertex(word, known) for word in words[1:]]
                    corners.extend(around)
                    sizes.append(len(around))
                    check_faces(max(len(sizes), len(corners) // 4), most, field)
            except (ValueError, IndexError, OverflowError) as error:
                accepted = "three coordinates of a vertex, and whole numbers of a face's vertices"
                raise InvalidInput.of(field, received=line.strip(), accepted=accepted) from error
    check_count(len(numbers), len(numbers), field, "vertices")
    table = np.array(numbers).reshape(-1, width)
    colours = shades(table[:, 3:], white(table[:, 3:], field)) if width == 6 else None
    return Mesh(Cloud(table[:, :3].copy(), colours), np.array(corners, np.int64), np.array(sizes, np.int64), first=1)


def _joined(parts: Iterator[str], field: str) -> Iterator[str]:
    """The lines, those that a backslash continues as one."""
    begun, length = [], 0
    for part in parts:
        text = part.rstrip("\r\n")
        begun.append(text.removesuffix("\\"))
        length += len(part)
        check_length(length, field)
        if not text.endswith("\\"):
            yield " ".join(begun)
            begun, length = [], 0


def _vertex(word: str, known: int) -> int:
    """The vertex of a corner `v/vt/vn`, from 0; negative ones count from the last before them."""
    number = int(word.split("/")[0])
    return number - 1 if number >= 0 else known + number
