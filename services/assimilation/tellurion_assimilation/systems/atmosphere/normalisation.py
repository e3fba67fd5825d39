"""Mean and standard deviation of every channel: in units of them, errors of wind, heat and pressure compare."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.systems.atmosphere.layout import Layout
from tellurion_core.errors import InvalidInput

FILE = "normalisation.json"


@dataclass(frozen=True, eq=False)
class Normalisation:
    """Over the sphere and the climate of a layout, in m/s, K and Pa."""

    mean: NDArray[np.float64]
    """[C]."""
    std: NDArray[np.float64]
    """[C]."""

    @classmethod
    @cache
    def shipped(cls, layout: Layout) -> Normalisation:
        """That of the training runs. Raises InvalidInput for another layout than theirs."""
        known = json.loads(resources.files("tellurion_assimilation").joinpath("data", FILE).read_text())
        if (layout.truncation, layout.levels) != (known["truncation"], known["levels"]):
            received, accepted = (
                f"T{each['truncation']} with {each['levels']} levels" for each in (vars(layout), known)
            )
            raise InvalidInput.of("layout", received=received, accepted=accepted)
        return cls(np.array(known["mean"]), np.array(known["std"]))
