"""An analysis is a CF file that is there whole or not at all, and the same each time."""

from __future__ import annotations

import gc
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from tellurion.ocean.v1 import ocean_pb2
from tellurion_core.errors import InvalidInput
from tellurion_geo import Grid, read_analysis, read_field, write_analysis, write_zarr
from tellurion_geo.provenance import provenance

from .checker import against_cf

GRID = Grid([0, 10, 50], np.arange(-75.0, 90, 30), np.arange(15.0, 360, 30))
LAND = (slice(None), slice(0, 2), slice(3, 5))
ATTRS = {
    "institution": "An institute",
    "method": "gp",
    "seed": 7,
    "observations_sha256": "0" * 64,
    "software_version": "0.1.0",
}
WRITERS = [(write_analysis, "analysis.nc"), (write_zarr, "analysis.zarr")]


def analysis(members: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard error and members, land NaN."""
    rng = np.random.default_rng(4)
    drawn = rng.normal(10, 2, size=(members, *GRID.shape)).astype(np.float32)
    drawn[(slice(None), *LAND)] = np.nan
    return drawn.mean(axis=0), drawn.std(axis=0), drawn


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("writer", "name"), WRITERS)
def test_what_is_written_is_read_back(writer: object, name: str, tmp_path: Path) -> None:
    mean, std, members = analysis()
    writer(tmp_path / name, GRID, 8, mean, std, members, ATTRS)
    field = read_field(tmp_path / name, "thetao")
    np.testing.assert_array_equal(field.values[0], mean)
    for axis in ("depth", "lat", "lon"):
        np.testing.assert_array_equal(getattr(field.grid, axis), getattr(GRID, axis))
    opening = {"engine": "zarr", "consolidated": False} if name.endswith("zarr") else {"engine": "netcdf4"}
    with xr.open_dataset(tmp_path / name, **opening) as dataset:
        np.testing.assert_array_equal(dataset["thetao_std"], std)
        np.testing.assert_array_equal(dataset["thetao_member"], members)
        np.testing.assert_array_equal(dataset["member"], [1, 2, 3])
        assert int(dataset["month"]) == 8
        assert dataset.attrs.items() >= ATTRS.items()
    assert left(tmp_path) == [name]


def test_the_contract_of_the_file(tmp_path: Path) -> None:
    mean, std, _ = analysis()
    write_analysis(tmp_path / "analysis.nc", GRID, 2, mean, std, attrs=ATTRS)
    with netCDF4.Dataset(tmp_path / "analysis.nc") as file:
        assert file["thetao"].dimensions == ("depth", "lat", "lon")
        assert file["thetao"].dtype == np.float32
        assert file["thetao"].units == "degC"
        assert file["thetao"].standard_name == "sea_water_temperature"
        assert "in-situ" in file["thetao"].comment
        assert file["thetao_std"].standard_name == "sea_water_temperature standard_error"
        assert "thetao_member" not in file.variables
        assert file.Conventions == "CF-1.11"
        assert file["lat_bnds"][0].tolist() == [-90, -60]
        file.set_auto_mask(False)
        assert (file["thetao"][LAND] == file["thetao"]._FillValue).all()
        assert not hasattr(file["lat"], "_FillValue")


def test_potential_temperature_is_called_so(tmp_path: Path) -> None:
    mean, std, _ = analysis()
    name = "sea_water_potential_temperature"
    write_analysis(tmp_path / "analysis.nc", GRID, 2, mean, std, standard_name=name)
    assert read_field(tmp_path / "analysis.nc", "thetao").quantity == name


@pytest.mark.parametrize("members", [None, 3])
def test_an_independent_checker_finds_nothing_against_cf(tmp_path: Path, members: int | None) -> None:
    mean, std, drawn = analysis()
    write_analysis(tmp_path / "analysis.nc", GRID, 2, mean, std, drawn if members else None, ATTRS)
    assert against_cf(tmp_path / "analysis.nc") == []


def test_the_checker_does_find_what_is_against_cf(tmp_path: Path) -> None:
    mean, std, _ = analysis()
    write_analysis(tmp_path / "analysis.nc", GRID, 2, mean, std, attrs=ATTRS)
    with netCDF4.Dataset(tmp_path / "analysis.nc", "a") as file:
        file["thetao"].units = "furlong"
    assert any("furlong" in message for message in against_cf(tmp_path / "analysis.nc"))


def test_the_same_analysis_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.nc", "two.nc"):
        write_analysis(tmp_path / name, GRID, 2, *analysis(), ATTRS)
    assert (tmp_path / "one.nc").read_bytes() == (tmp_path / "two.nc").read_bytes()


def test_the_same_analysis_is_the_same_zarr(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        write_zarr(tmp_path / name, GRID, 2, *analysis(), ATTRS)
        folder = tmp_path / name
        contents.append({p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
    assert contents[0] == contents[1]


def test_an_earlier_file_is_replaced_whole(tmp_path: Path) -> None:
    mean, std, members = analysis()
    write_analysis(tmp_path / "analysis.nc", GRID, 2, mean, std, members)
    write_analysis(tmp_path / "analysis.nc", GRID, 3, mean + 1, std)
    np.testing.assert_array_equal(read_field(tmp_path / "analysis.nc", "thetao").values[0], mean + 1)
    assert left(tmp_path) == ["analysis.nc"]


@pytest.mark.parametrize(("writer", "name"), WRITERS)
@pytest.mark.parametrize("place", ["missing/{}", "file/{}", "folder"])
def test_an_output_that_cannot_be_written(writer: object, name: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "folder").mkdir()
    mean, std, _ = analysis()
    with pytest.raises(InvalidInput) as error:
        writer(tmp_path / place.format(name), GRID, 2, mean, std)
    (violation,) = error.value.violations
    assert violation.field == "output"
    assert str(tmp_path) not in str(error.value)
    assert left(tmp_path) == ["file", "folder"]
    assert left(tmp_path / "folder") == []


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    grid = Grid(np.arange(0.0, 100, 10), np.arange(-89.5, 90), np.arange(0.5, 360))
    noise = np.random.default_rng(5).normal(size=grid.shape)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(InvalidInput) as error:
            write_analysis(tmp_path / "analysis.nc", grid, 2, noise, noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.violations[0].field == "output"
    assert left(tmp_path) == []
    # A thread that would close one at some later moment would do so while another uses the library.
    datasets = [held for held in gc.get_objects() if type(held) is netCDF4.Dataset and held.isopen()]
    assert not [path for dataset in datasets if tmp_path in (path := Path(dataset.filepath())).parents]


def test_threads_may_write_and_read_at_once(tmp_path: Path) -> None:
    mean, std, _ = analysis()

    def there_and_back(nth: int) -> bool:
        write_analysis(tmp_path / f"{nth}.nc", GRID, 1 + nth % 12, mean + nth, std)
        return np.array_equal(read_field(tmp_path / f"{nth}.nc", "thetao").values[0], mean + nth, equal_nan=True)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(there_and_back, range(40)))


@pytest.mark.parametrize("month", [0, 13])
def test_a_month_that_is_none(month: int, tmp_path: Path) -> None:
    mean, std, _ = analysis()
    with pytest.raises(InvalidInput) as error:
        write_analysis(tmp_path / "analysis.nc", GRID, month, mean, std)
    assert error.value.violations[0].field == "month"
    assert left(tmp_path) == []


def test_shapes_that_disagree_with_the_grid(tmp_path: Path) -> None:
    mean, std, members = analysis()
    for arrays in ((mean[1:], std), (mean, std[..., 1:]), (mean, std, members[:, 1:])):
        with pytest.raises(InvalidInput, match="grid's shape"):
            write_analysis(tmp_path / "analysis.nc", GRID, 2, *arrays)
    assert left(tmp_path) == []


@pytest.mark.parametrize("with_members", [True, False])
def test_an_analysis_is_read_back_bit_for_bit(with_members: bool, tmp_path: Path) -> None:
    mean, std, members = analysis()
    write_analysis(tmp_path / "analysis.nc", GRID, 8, mean, std, members if with_members else None)
    read = read_analysis(tmp_path / "analysis.nc")
    assert (read.month, read.mean.tobytes(), read.std.tobytes()) == (8, mean.tobytes(), std.tobytes())
    assert (read.members is not None and read.members.tobytes()) == (with_members and members.tobytes())
    for axis in ("depth", "lat", "lon"):
        np.testing.assert_array_equal(getattr(read.grid, axis), getattr(GRID, axis))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda d: d.drop_vars("thetao_std"),
            "analysis.thetao_std: received nothing; accepted: float32 (depth 3",
        ),
        (lambda d: d.assign(thetao=d.thetao.astype("float64")), "analysis.thetao: received float64 (depth 3"),
        (lambda d: d.transpose("lat", "depth", ...), "analysis.thetao: received float32 (lat 6, depth 3"),
        (lambda d: d.drop_vars("depth"), "analysis.depth: received nothing; accepted: float64 (depth 3)"),
        (lambda d: d.assign_coords(lat=-d.lat), "grid.lat[1]: received "),
        (lambda d: d.assign_coords(month=np.int32(13)), "analysis.month: received 13; accepted: 1…12"),
        (lambda d: d.assign_coords(month=("depth", [1, 2, 3])), "analysis.month: received int64 (depth 3); accepted"),
    ],
)
def test_a_file_that_is_no_analysis_of_ours_is_refused(change: object, line: str, tmp_path: Path) -> None:
    write_analysis(tmp_path / "analysis.nc", GRID, 8, *analysis())
    with xr.open_dataset(tmp_path / "analysis.nc", mask_and_scale=False) as dataset:
        change(dataset.load()).to_netcdf(tmp_path / "changed.nc")
    with pytest.raises(InvalidInput) as refused:
        read_analysis(tmp_path / "changed.nc")
    assert str(refused.value).startswith(line)


@pytest.mark.parametrize("kept", [0, 100, 5000])
def test_a_part_of_a_file_is_refused(kept: int, tmp_path: Path) -> None:
    write_analysis(tmp_path / "analysis.nc", GRID, 8, *analysis())
    (tmp_path / "part.nc").write_bytes((tmp_path / "analysis.nc").read_bytes()[:kept])
    with pytest.raises(InvalidInput, match=r"^analysis"):
        read_analysis(tmp_path / "part.nc")


def test_what_a_report_says_of_an_analysis_stands_in_its_file_but_for_the_time(tmp_path: Path) -> None:
    made = {"method": "posterior", "seed": 2**64 - 1, "observations_sha256": "ab" * 32}
    counts = ocean_pb2.ObservationReport(received=5, used=3, rejected=2)
    learned = {"steps": 20, "weights_sha256": "cd" * 32}
    for name, seconds, extra in (("a.nc", 1.0, learned), ("b.nc", 2.0, learned), ("classical.nc", 1.0, {})):
        report = ocean_pb2.ReconstructReport(observations=counts, seconds=seconds, version="0.1.0", **made, **extra)
        write_analysis(tmp_path / name, GRID, 2, *analysis(), provenance(report))
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    told = {"observations_used": 3, "observations_rejected": 2, "software_version": "tellurion 0.1.0"}
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert {name: file.getncattr(name) for name in made | told | learned} == made | told | learned
    with netCDF4.Dataset(tmp_path / "classical.nc") as file:
        assert not set(learned) & set(file.ncattrs())
