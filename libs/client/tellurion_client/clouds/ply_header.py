"""The header of a PLY file: what it holds, and whether the file is large enough for it.

Source: G. Turk, The PLY Polygon File Format, 1994.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tellurion_client.clouds.cloud import check_whole
from tellurion_core.errors import InvalidInput

LONGEST = 64 << 10
"""Bytes."""

_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_WHOLE = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
}
_KINDS = {**_WHOLE, "float": "f4", "double": "f8", "float32": "f4", "float64": "f8"}


class Property(NamedTuple):
    """One column of an element."""

    name: str
    kind: str
    """NumPy's, without the order of bytes."""
    length: str = ""
    """Kind of a list's length, of what is no list empty."""


@dataclass(frozen=True)
class Element:
    """One table of the file."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)

    def list_named(self, names: Sequence[str]) -> str | None:
        """The first list that has one of these names."""
        return next((each.name for each in self.properties if each.length and each.name in names), None)

    def dtype(self, order: str, lengths: Mapping[str, int]) -> np.dtype[Any]:
        """Of a row whose lists have these lengths; each stands behind its length."""
        columns: list[tuple[Any, ...]] = []
        for each in self.properties:
            if each.length:
                columns.append((f"length of {each.name}", order + each.length))
                columns.append((each.name, order + each.kind, (lengths[each.name],)))
            else:
                columns.append((each.name, order + each.kind))
        return np.dtype(columns)


class Header(NamedTuple):
    """What a file holds."""

    order: str
    """Of bytes, `<` or `>`; of text empty."""
    elements: list[Element]
    start: int
    """Bytes before the first row."""


def header(data: bytes, size: int, name: str) -> Header:
    """The header at the beginning of a file of `size` bytes.

    Raises InvalidInput: no PLY, or fewer bytes than the header announces.
    """
    end = re.search(rb"\nend_header[ \t]*\r?\n", data)
    if not data.startswith(b"ply") or end is None:
        received = data[:40].decode("latin-1")
        raise InvalidInput.of(name, received=received, accepted="a PLY file, from `ply` to `end_header`")
    order, elements = None, list[Element]()
    for line in data[: end.start()].decode("latin-1").split("\n")[1:]:
        match line.split():
            case ["format", form, "1.0"] if form in _ORDERS:
                order = _ORDERS[form]
            case ["comment" | "obj_info", *_] | []:
                pass
            case ["element", element, count] if re.fullmatch("[0-9]{1,18}", count):
                elements.append(Element(element, int(count)))
            case ["property", "list", length, kind, prop] if elements and kind in _KINDS and length in _WHOLE:
                elements[-1].properties.append(Property(prop, _KINDS[kind], _KINDS[length]))
            case ["property", kind, prop] if elements and kind in _KINDS:
                elements[-1].properties.append(Property(prop, _KINDS[kind]))
            case _:
                raise InvalidInput.of(name, received=line, accepted="a line of a PLY header")
    if order is None:
        raise InvalidInput.of(name, received="no format", accepted=f"a format of {', '.join(_ORDERS)}")
    _check(order, elements, size - end.end(), name)
    return Header(order, elements, end.end())


def _check(order: str, elements: list[Element], held: int, name: str) -> None:
    """Refuses tables that cannot be told apart, or are larger than the file."""
    for element in elements:
        names = [each.name for each in element.properties]
        if not names or len(set(names)) < len(names):
            accepted = "properties, each once"
            raise InvalidInput.of(name, received=f"element {element.name} of {names}", accepted=accepted)
    # A number of text has a digit and a space at least, the last one no space; a list may be empty.
    needed = sum(
        element.count * sum(np.dtype(each.length or each.kind).itemsize if order else 2 for each in element.properties)
        for element in elements
    )
    rows = sum(element.count for element in elements)
    check_whole(held if order else held + 1, needed, f"bytes of {rows} rows", name)
