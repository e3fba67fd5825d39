"""Each benchmark's published layout: a file per benchmark that validates its records and says what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tellurion_benchmark.readers import earthse, msearth, omniearth, sfe
from tellurion_benchmark.readers.reading import Reading
from tellurion_benchmark.scoring import Json

Reader: TypeAlias = Callable[[Mapping[str, Json], str], Reading]
"""From a record and its place in the data set, `questions[17]`, to what it is."""
READERS: Mapping[str, Reader] = {
    "sfe": sfe.read,
    "omniearth": omniearth.read,
    "msearth": msearth.read,
    "earthse": earthse.read,
}
"""By benchmark."""

__all__ = ["READERS", "Reader", "Reading"]
