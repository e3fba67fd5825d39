"""PLY as a table of numbers: header, ascii and both byte orders, the `vertex` element.

Source: G. Turk, The PLY Polygon File Format, 1994.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

MAX_HEADER_BYTES = 64 << 10
MAX_PROPERTIES = 1024
PIECE = 1 << 16
"""Bytes of ascii numbers that are words of Python's at a time."""

_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2"},
    **{"int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8"},
}
_NAMES = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int"}
_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True, eq=False)
class Vertices:
    """The vertices of a PLY file."""

    columns: Mapping[str, NDArray[Any]]
    """[N] values of each property, in the file's own types."""
    comments: tuple[str, ...] = ()
    """Lines of the header that say something about the file."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def matrix(self, names: list[str], field: str) -> NDArray[np.float64]:
        """[N, len(names)] the columns side by side.

        Raises InvalidInput naming the first that is missing.
        """
        for name in names:
            if name not in self.columns:
                raise InvalidInput.of(f"{field}.{name}", received="no such property", accepted=f"a property {name}")
        return np.stack([self.columns[name].astype(np.float64) for name in names], axis=1)


@dataclass
class _Element:
    name: str
    count: int
    properties: list[tuple[str, str]]
    lists: bool = False

    def dtype(self, order: str) -> np.dtype[Any]:
        return np.dtype([(name, order + kind) for name, kind in self.properties])


def read_vertices(data: bytes, field: str) -> Vertices:
    """The vertices of a PLY file, whatever stands beside them left out.

    Raises InvalidInput: not a PLY, or one whose header cannot be followed; fewer bytes than the header announces.
    """
    order, elements, comments, start = _header(data, field)
    index = next((i for i, element in enumerate(elements) if element.name == "vertex"), None)
    if index is None or not elements[index].properties:
        raise InvalidInput.of(field, received="no vertices", accepted="an element `vertex` with properties")
    for element in elements[: index + 1]:
        if element.lists:
            received = f"a list in element {element.name}"
            raise InvalidInput.of(field, received=received, accepted="plain properties in and before the vertices")
    vertex, before = elements[index], elements[:index]
    if order == "ascii":
        columns = _ascii(data, start, before, vertex, field)
    else:
        columns = _binary(data, start, before, vertex, _ORDERS[order], field)
    return Vertices(columns, comments)


def written_vertices(vertices: Vertices) -> bytes:
    """The file of some vertices: binary, little-endian."""
    properties = {name: np.asarray(column) for name, column in vertices.columns.items()}
    dtype = np.dtype([(name, f"<{column.dtype.kind}{column.dtype.itemsize}") for name, column in properties.items()])
    table = np.empty(len(vertices), dtype)
    for name, column in properties.items():
        table[name] = column
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {line}" for line in vertices.comments),
        f"element vertex {len(vertices)}",
        *(f"property {_NAMES[dtype[name].str[1:]]} {name}" for name in properties),
        "end_header\n",
    ]
    return "\n".join(lines).encode() + table.tobytes()


def _header(data: bytes, field: str) -> tuple[str, list[_Element], tuple[str, ...], int]:
    end = re.compile(rb"\nend_header[ \t]*\r?\n").search(data[:MAX_HEADER_BYTES])
    if not data.startswith(b"ply") or end is None:
        received = data[:40].decode("ascii", "replace")
        raise InvalidInput.of(field, received=received, accepted="a PLY file, from `ply` to `end_header`")
    order, elements, comments = "", [], []
    for line in data[: end.start()].decode("latin-1").split("\n")[1:]:
        match line.split():
            case ["format", name, "1.0"] if name in _ORDERS:
                order = name
            case ["comment" | "obj_info", *_]:
                comments.append(line.split(None, 1)[-1].strip())
            case ["element", name, count] if re.fullmatch("[0-9]{1,18}", count):
                elements.append(_Element(name, int(count), []))
            case ["property", "list", _, _, _] if elements:
                elements[-1].lists = True
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1].properties.append((name, _TYPES[kind]))
            case []:
                pass
            case _:
                raise InvalidInput.of(f"{field}.header", received=line, accepted="a line of a PLY header")
    names = [[name for name, _ in element.properties] for element in elements]
    if not order or any(len(set(some)) < len(some) or len(some) > MAX_PROPERTIES for some in names):
        accepted = f"a format of {', '.join(_ORDERS)}, and at most {MAX_PROPERTIES} properties, each once"
        raise InvalidInput.of(f"{field}.header", received=order or "no known format", accepted=accepted)
    return order, elements, tuple(comments), end.end()


def _binary(
    data: bytes, start: int, before: list[_Element], vertex: _Element, order: str, field: str
) -> dict[str, NDArray[Any]]:
    dtype = vertex.dtype(order)
    start += sum(element.count * element.dtype(order).itemsize for element in before)
    if (needed := start + vertex.count * dtype.itemsize) > len(data):
        received = f"{vertex.count} vertices need {needed} bytes, the file has {len(data)}"
        raise InvalidInput.of(field, received=received, accepted="a whole file")
    table = np.frombuffer(data, dtype, vertex.count, start)
    return {name: table[name] for name, _ in vertex.properties}


def _ascii(data: bytes, start: int, before: list[_Element], vertex: _Element, field: str) -> dict[str, NDArray[Any]]:
    skipped = sum(element.count * len(element.properties) for element in before)
    wanted = skipped + vertex.count * len(vertex.properties)
    if 2 * wanted > len(data) - start + 1:  # a digit and a space each
        received = f"{wanted} numbers do not fit into {len(data) - start} bytes"
        raise InvalidInput.of(field, received=received, accepted="a whole file")
    numbers, read, space = np.empty(wanted), 0, re.compile(rb"\s")
    while read < wanted and start < len(data):
        gap = space.search(data, start + PIECE)
        end = gap.start() if gap else len(data)
        words = data[start:end].split()[: wanted - read]
        try:
            numbers[read : read + len(words)] = [float(word) for word in words]
        except ValueError as error:
            raise InvalidInput.of(field, received=str(error), accepted="numbers") from error
        read, start = read + len(words), end
    if read < wanted:
        raise InvalidInput.of(field, received=f"{read} of {wanted} numbers are there", accepted="a whole file")
    table = numbers[skipped:].reshape(vertex.count, len(vertex.properties))
    return {name: table[:, column] for column, (name, _) in enumerate(vertex.properties)}
