"""Makes the example that the console offers: profiles of February, drawn from the World Ocean Atlas.

    python tests/services/gateway/console/example.py

The observations are those of `make demo`: 500 profiles with an error of their own, seed 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

import xarray as xr

ROOT = Path(__file__).resolve().parents[4]
EXAMPLE = ROOT / "services/gateway/console/src/ocean/example.nc"


def main() -> None:
    """Writes the file."""
    sys.path.insert(0, str(ROOT / "tests/e2e"))
    from demo import MONTH, PROFILES, SEED, write_profiles

    from tellurion_ocean.evaluate import experiment

    whole = EXAMPLE.with_suffix(".tmp.nc")
    write_profiles(whole, experiment(MONTH, profiles=PROFILES, seed=SEED).observations, MONTH)
    with xr.open_dataset(whole, decode_cf=False) as dataset:
        packed = {name: {"zlib": True, "complevel": 9, "shuffle": True} for name in dataset.variables}
        dataset.to_netcdf(EXAMPLE, encoding=packed)
    whole.unlink()


if __name__ == "__main__":
    main()
