"""CF discrete sampling geometries: every variable brought to one value for each sample of the temperature.

Points, ragged arrays (contiguous and indexed) and multidimensional arrays (orthogonal and incomplete), of profiles and
of their kin. Source: CF Conventions 1.11, chapter 9 and appendix H.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import check_size, numbers, stored

SAMPLES_CHUNK = 64 << 20
"""Bytes; more than the values of a chunk of samples take, so that a small file cannot ask for much memory."""


class Samples:
    """The samples of one data variable, flattened in C order to [N]."""

    def __init__(self, dataset: xr.Dataset, variable: str, *, largest: int, field: str) -> None:
        """Raises InvalidInput when there are no samples or more than `largest`, or a ragged array does not add up."""
        self.dataset, self.largest, self.field = dataset, largest, field
        self.data = dataset[variable]
        if not 0 < self.data.size <= largest:
            received, accepted = f"{self.data.size} observations", f"1…{largest} observations"
            raise InvalidInput.of(f"{field}.{variable}", received=received, accepted=accepted)
        self.instances = self._instances()

    def numbers(self, variable: str) -> NDArray[np.float64]:
        """A numeric variable at the samples, float64 [N], NaN where missing.

        Raises InvalidInput when it is not numeric, too large, or its dimensions do not lead to the samples.
        """
        source = self._sized(variable)
        values = numbers(source, f"{self.field}.{variable}", largest_chunk=SAMPLES_CHUNK)
        return self._spread(variable, xr.Variable(source.dims, values))

    def raw(self, variable: str) -> NDArray[Any]:
        """A variable at the samples as it is stored, [N]: flags, which may be characters."""
        source = self._sized(variable)
        values = stored(source, f"{self.field}.{variable}", largest_chunk=SAMPLES_CHUNK)
        return self._spread(variable, xr.Variable(source.dims, values))

    def index(self, variable: str, nth: int) -> str:
        """The name of a variable's value at one sample, for an error."""
        return f"{self.field}.{variable}[{nth}]"

    def _sized(self, variable: str) -> xr.DataArray:
        source = self.dataset[variable]
        check_size(source, self.largest, f"{self.field}.{variable}")
        return source

    def _spread(self, name: str, values: xr.Variable) -> NDArray[Any]:
        values = values.squeeze([d for d, size in values.sizes.items() if size == 1 and d not in self.data.dims])
        for _ in self.instances:  # a station's variable reaches the samples by way of its profiles
            if values.ndim == 1 and values.dims[0] not in self.data.dims and values.dims[0] in self.instances:
                values = values.isel({values.dims[0]: self.instances[values.dims[0]]})
        if set(values.dims) - set(self.data.dims):
            received, accepted = _sizes(self.dataset[name]), f"those of {self.data.name}: {_sizes(self.data)}"
            raise InvalidInput.of(f"{self.field}.{name}", received=received, accepted=accepted)
        return values.set_dims(dict(self.data.sizes)).transpose(*self.data.dims).values.ravel()

    def _instances(self) -> dict[str, xr.Variable]:
        """For each dimension of profiles (or other features) in a ragged array: the profile of each sample."""
        found = {}
        for name, variable in self.dataset.variables.items():
            if "sample_dimension" in variable.attrs and variable.ndim == 1:
                sample = str(variable.attrs["sample_dimension"])
                found[str(variable.dims[0])] = xr.Variable(sample, self._repeated(str(name), sample))
            elif "instance_dimension" in variable.attrs and variable.ndim == 1:
                instance = str(variable.attrs["instance_dimension"])
                found[instance] = xr.Variable(variable.dims, self._indices(str(name), instance))
        return found

    def _counted(self, name: str) -> NDArray[np.float64]:
        return numbers(self._sized(name), f"{self.field}.{name}", largest_chunk=SAMPLES_CHUNK)

    def _repeated(self, name: str, sample: str) -> NDArray[np.int64]:
        counts, size = self._counted(name), self.dataset.sizes.get(sample, 0)
        if not (counts >= 0).all() or counts.sum() != size or size > self.largest:
            received = f"counts of profiles that add up to {counts.sum():g}"
            accepted = f"the size of {sample}, {size}, up to {self.largest}"
            raise InvalidInput.of(f"{self.field}.{name}", received=received, accepted=accepted)
        return np.repeat(np.arange(counts.size), counts.astype(np.int64))

    def _indices(self, name: str, instance: str) -> NDArray[np.int64]:
        indices, size = self._counted(name), self.dataset.sizes.get(instance, 0)
        if not ((indices >= 0) & (indices < size)).all():
            received = f"indices {np.min(indices):g}…{np.max(indices):g}"
            raise InvalidInput.of(f"{self.field}.{name}", received=received, accepted=f"0…{size - 1}, into {instance}")
        return indices.astype(np.int64)


def _sizes(variable: xr.DataArray) -> str:
    return "dimensions (" + ", ".join(f"{name}: {size}" for name, size in variable.sizes.items()) + ")"
