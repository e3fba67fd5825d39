"""The declared length of classic files with an unlimited dimension, against files written by the library."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tellurion_geo.classic import Truncated, declared_bytes

FORMS = ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]


def written(path: Path, form: str, kinds: list[str], records: int) -> bytes:
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.createDimension("time", None)
        file.createDimension("x", 3)
        for nth, kind in enumerate(kinds):
            file.createVariable(f"v{nth}", kind, ("time", "x"))
        for nth in range(len(kinds)):
            file[f"v{nth}"][:] = np.full((records, 3), 77)
    return path.read_bytes()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kinds", [["f4"], ["i2"], ["f8", "i2"], ["i1", "f4", "i2"]])
@pytest.mark.parametrize("records", [0, 1, 5])
def test_a_whole_file_has_the_bytes_that_it_declares(tmp_path: Path, form: str, kinds: list[str], records: int) -> None:
    content = written(tmp_path / "file.nc", form, kinds, records)
    with (tmp_path / "file.nc").open("rb") as file:
        declared = declared_bytes(file, len(content))
    assert declared <= len(content)
    if records:
        last = np.full(3, 77, f">{kinds[-1]}").tobytes()
        assert declared == content.rindex(last) + len(last)


@pytest.mark.parametrize("count", [2**31 - 1, 2**32 - 2])
def test_a_list_of_wild_length_ends_at_the_files_end(tmp_path: Path, count: int) -> None:
    path = tmp_path / "file.nc"
    path.write_bytes(b"CDF\x01" + bytes(4) + (10).to_bytes(4, "big") + count.to_bytes(4, "big") + bytes(400))
    with path.open("rb") as file, pytest.raises(Truncated):
        declared_bytes(file, 416)
