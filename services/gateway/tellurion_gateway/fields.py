"""Fields of a NetCDF file as numbers for a page to draw: a variable with its coordinates, in the safetensors format."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.numpy import save

from tellurion_core.errors import InvalidInput, shown
from tellurion_gateway.variables import FILE, chosen, coordinate, moment, without_fills
from tellurion_geo.datasets import numbers, opened

MAX_VALUES = 16 << 20
"""Of one field at all its levels."""
VALUES = "values"
RESERVED = (VALUES, "__metadata__")
"""Names that no dimension may have beside them."""


def field(path: Path, variable: str | None = None, *, time: int = 0) -> bytes:
    """A variable at all levels of one time: `values`, float32 [Z, Y, X] or [Y, X], NaN where missing, and coordinates.

    Coordinates, float64, have the names of their dimensions; one that the file has not, or that neither rises nor falls
    all along, is left out. The metadata tell the `variable`, its `units`, its `dims` as a JSON list, the units of the
    coordinates as `units.<dimension>`, and the `time` where there is one.

    Raises:
        InvalidInput: it is no NetCDF file, has no such variable or time, or that is too large or has dimensions that
            cannot be told apart.
    """
    with opened(path, FILE) as dataset:
        body = chosen(dataset, variable, time=time, level=None, most=MAX_VALUES)
        dims = [str(dim) for dim in body.dims]
        if len({*dims, *RESERVED}) < len(dims) + len(RESERVED):
            accepted = f"dimensions of different names, none of them {' or '.join(RESERVED)}"
            raise InvalidInput.of("variable", received=f"dimensions {', '.join(dims)}", accepted=accepted)
        values = without_fills(numbers(body, FILE)).astype("<f4")
        axes = {dim: along for dim in dims if (along := coordinate(dataset, dim)) is not None}
        told = {"variable": body.name, "units": body.attrs.get("units", ""), "time": moment(body)}
        told |= {f"units.{dim}": dataset[dim].attrs.get("units", "") for dim in axes}
    texts = {name: shown(str(text)) for name, text in told.items() if text is not None}
    return save(axes | {VALUES: values}, texts | {"dims": json.dumps(dims)})
