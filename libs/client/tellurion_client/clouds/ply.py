"""Clouds and meshes in PLY: ascii and both orders of bytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tellurion_client.clouds import ply_header
from tellurion_client.clouds.cloud import Cloud, check_count, shades, white
from tellurion_client.clouds.ply_header import Element, Property
from tellurion_client.clouds.surface import Mesh, check_faces
from tellurion_client.clouds.text import lines
from tellurion_core.errors import InvalidInput

POSITION = ("x", "y", "z")
COLOURS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
CORNERS = ("vertex_indices", "vertex_index")
LONGEST_LIST = 1 << 16
"""Numbers of a list; no polygon has as many corners."""

_Lists: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""[ΣK] what is in them, and [N] how many each holds."""


def read_ply(path: Path, field: str, most: int) -> Mesh:
    """The mesh, or only the vertices, of a file. Raises InvalidInput of what is none, damaged or too large."""
    vertices, faces = None, (np.empty(0, np.int64), np.empty(0, np.int64))
    with path.open("rb") as file:
        order, elements, start = ply_header.header(file.read(ply_header.LONGEST), path.stat().st_size, field)
        file.seek(start)
        body = _Binary(np.memmap(file, np.uint8, "r"), start, order) if order else _Text(lines(file, field))
        try:
            for element in elements:
                if element.name == "vertex":
                    check_count(element.count, most, field, "vertices")
                    if any(each.length for each in element.properties):
                        raise ValueError("lists in vertices")
                    vertices = _vertices(body.columns(element), field)
                else:
                    check_faces(element.count, most, field)
                    lists = body.lists(element)
                    if element.name == "face":
                        faces = lists
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidInput.of(field, received=str(error), accepted="a whole PLY file") from error
    if vertices is None:
        raise InvalidInput.of(field, received="no vertices", accepted="an element `vertex`")
    return Mesh(vertices, *faces)


def _vertices(columns: Mapping[str, NDArray[Any]], field: str) -> Cloud:
    if missing := [name for name in POSITION if name not in columns]:
        received = f"vertices without {missing[0]}, with {', '.join(columns)}"
        raise InvalidInput.of(field, received=received, accepted="vertices with x, y and z")
    with np.errstate(invalid="ignore"):  # NaN is refused where all points are
        points = np.stack([columns[name].astype(np.float64) for name in POSITION], axis=1)
    names = next((names for names in COLOURS if columns.keys() >= set(names)), None)
    if names is None:
        return Cloud(points)
    values = np.stack([columns[name] for name in names], axis=1)
    return Cloud(points, shades(values, white(values, field)))


class _Body:
    """The rows of a file, from one element to the next. All raise ValueError where the file ends before them."""

    def columns(self, element: Element) -> Mapping[str, NDArray[Any]]:
        """The values [N] of each property of the next element, which has no lists."""
        raise NotImplementedError

    def numbers(self, kind: str, count: int) -> list[Any]:
        """The next numbers."""
        raise NotImplementedError

    def length(self, of: Property) -> int:
        """How many numbers of a property come next: one, or as many as its list says. Raises ValueError of too many."""
        count: int = self.numbers(of.length, 1)[0] if of.length else 1
        if not 0 <= count <= LONGEST_LIST:
            raise ValueError(f"a list of {count} numbers, where {LONGEST_LIST} are the most")
        return count

    def lists(self, element: Element) -> _Lists:
        """The lists of the next element that are named for corners."""
        corners, sizes, named = array("q"), array("q"), element.list_named(CORNERS)
        for _ in range(element.count):
            for each in element.properties:
                count = self.length(each)
                values = self.numbers(each.kind, count)
                if each.name == named:
                    corners.extend(values)
                    sizes.append(count)
        return np.array(corners, np.int64), np.array(sizes, np.int64)


class _Text(_Body):
    def __init__(self, rest: Iterator[str]) -> None:
        self._words = chain.from_iterable(line.split() for line in rest)

    def columns(self, element: Element) -> Mapping[str, NDArray[Any]]:
        count = element.count * len(element.properties)
        numbers = np.fromiter(map(float, islice(self._words, count)), np.float64, count)
        table = numbers.reshape(element.count, -1)
        with np.errstate(invalid="ignore"):  # what is no whole number becomes a negative one
            return {
                each.name: table[:, i] if each.kind[0] == "f" else table[:, i].astype(np.int64)
                for i, each in enumerate(element.properties)
            }

    def numbers(self, kind: str, count: int) -> list[Any]:
        words = list(islice(self._words, count))
        if len(words) < count:
            raise ValueError(f"{len(words)} of {count} numbers")
        return [float(word) if kind[0] == "f" else int(word) for word in words]


class _Binary(_Body):
    def __init__(self, data: NDArray[np.uint8], start: int, order: str) -> None:
        self._data, self._at, self._order = data, start, order

    def columns(self, element: Element) -> Mapping[str, NDArray[Any]]:
        table = self._table(element.dtype(self._order, {}), element.count)
        return {each.name: table[each.name] for each in element.properties}

    def numbers(self, kind: str, count: int) -> list[Any]:
        return list(self._table(np.dtype(self._order + kind), count).tolist())

    def lists(self, element: Element) -> _Lists:
        """As of any body; at once where all rows are as long as the first."""
        if not (corners := element.list_named(CORNERS)) or not element.count:
            return super().lists(element)
        start, lengths = self._at, dict[str, int]()
        for each in element.properties:
            lengths[each.name] = self.length(each)
            self.numbers(each.kind, lengths[each.name])
        self._at = start
        dtype = element.dtype(self._order, lengths)
        if dtype.itemsize * element.count <= len(self._data) - start:
            rows = self._table(dtype, element.count)
            if all(
                (rows[f"length of {each.name}"] == lengths[each.name]).all()
                for each in element.properties
                if each.length
            ):
                sizes = np.full(element.count, lengths[corners], np.int64)
                return rows[corners].astype(np.int64, casting="same_kind").reshape(-1), sizes
        self._at = start
        return super().lists(element)

    def _table(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """The next values of one kind."""
        end = self._at + dtype.itemsize * count
        if not self._at <= end <= len(self._data):
            raise ValueError(f"{count} values at byte {self._at} of {len(self._data)}")
        table = self._data[self._at : end].view(dtype)
        self._at = end
        return table
