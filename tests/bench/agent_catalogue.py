"""What the agent's data library takes: folders of many files, and a data set larger than memory.

    python tests/bench/agent_catalogue.py

Files are those of CMIP6: global monthly fields with all attributes, each of 100 models written once and linked under
the names of 100 years, which is as much to read. Each measurement is a process of its own, and counts from its first
call, what it starts included; seconds of the CPU, its children's included, tell how much of the wall's are the
machine's other work. The data set of 10 GB is a Zarr store whose chunks are all fill, so that none is on the disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import netCDF4
import numpy as np
from memory import peak_mib
from targets import Target, at_most, exit_code, markdown, target_table

MODELS, YEARS, MANY_YEARS = 100, 100, 1000
SECONDS, AGAIN_SECONDS, MIB = 60.0, 10.0, 2048.0
STEPS, LAT, LON = 4800, 540, 1080
"""Of the large data set: 10.4 GiB of float32."""


def model_file(path: Path, model: str) -> None:
    """One year of a model's near-surface temperature."""
    ids = {"mip_era": "CMIP6", "source_id": model, "experiment_id": "historical", "variant_label": "r1i1p1f1"}
    more = {"grid_label": "gn", "table_id": "Amon", "frequency": "mon", "variable_id": "tas", "product": "model-output"}
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({**ids, **more, **{f"attribute_{n}": "text " * 20 for n in range(30)}})
        for name, size in (("time", None), ("lat", 64), ("lon", 128), ("bnds", 2)):
            file.createDimension(name, size)
        for name, dimensions in (
            ("time", ("time",)),
            ("time_bnds", ("time", "bnds")),
            ("lat", ("lat",)),
            ("lat_bnds", ("lat", "bnds")),
            ("lon", ("lon",)),
            ("lon_bnds", ("lon", "bnds")),
            ("tas", ("time", "lat", "lon")),
        ):
            file.createVariable(name, "f4" if name == "tas" else "f8", dimensions, zlib=name == "tas")
        file["time"].setncatts({"units": "days since 1850-01-01", "calendar": "noleap", "bounds": "time_bnds"})
        file["lat"].setncatts({"units": "degrees_north", "standard_name": "latitude", "bounds": "lat_bnds"})
        file["lon"].setncatts({"units": "degrees_east", "standard_name": "longitude", "bounds": "lon_bnds"})
        file["tas"].setncatts({"standard_name": "air_temperature", "units": "K", "cell_methods": "area: time: mean"})
        edges = np.arange(13) * 365 / 12
        file["time"][:] = (edges[1:] + edges[:-1]) / 2
        file["time_bnds"][:] = np.stack([edges[:-1], edges[1:]], axis=1)
        file["lat"][:], file["lon"][:] = np.linspace(-88, 88, 64), np.arange(128) * 2.8125
        file["tas"][:] = np.float32(280)


def linked(folder: Path, years: int) -> None:
    """The files of all models under the names of so many years."""
    for n in range(MODELS):
        model = f"MODEL-{n:03d}"
        here = folder / model / "historical/r1i1p1f1/Amon/tas/gn/v20200101"
        here.mkdir(parents=True)
        names = [f"tas_Amon_{model}_historical_r1i1p1f1_gn_{y:04d}01-{y:04d}12.nc" for y in range(1850, 1850 + years)]
        model_file(here / names[0], model)
        for name in names[1:]:
            (here / name).hardlink_to(here / names[0])


def opened(folder: Path) -> dict[str, float]:
    """Opens the catalogue of a folder."""
    from tellurion_agent.catalogue.library import Catalogue

    start, cpu = time.perf_counter(), sum(os.times()[:4])
    catalogue = Catalogue.open([folder / "data"], folder / "index.sqlite", processes=2)
    seconds, cpu = time.perf_counter() - start, sum(os.times()[:4]) - cpu
    files = sum(len(data.files) for data in catalogue.datasets)
    assert (len(catalogue.datasets), dict(catalogue.problems)) == (MODELS, {})
    return {"files": files, "seconds": seconds, "cpu": cpu, "mib": peak_mib()}


def known(folder: Path) -> None:
    """Makes an index of files that are there, without reading more than one."""
    from tellurion_agent.catalogue.index import Index
    from tellurion_agent.catalogue.reading import records
    from tellurion_agent.catalogue.record import to_json
    from tellurion_agent.catalogue.walking import walk

    found = list(walk([folder / "data"]))
    (record,) = records(Path(found[0].path))
    by_model = {f"MODEL-{n:03d}": replace(record.naming, source=f"MODEL-{n:03d}") for n in range(MODELS)}
    rows = []
    for each in found:
        year = int(each.path[-16:-12])
        names = by_model[Path(each.path).name.split("_")[2]]
        rows.append((each, to_json([replace(record, naming=names, first=year * 12, last=year * 12 + 11)]), ""))
    Index(folder / "index.sqlite").put(rows)


def large(folder: Path) -> dict[str, float]:
    """Area mean and map of the time mean of a data set of more than 10 GB."""
    import xarray as xr
    import zarr

    from tellurion_agent.catalogue.assembling import assembled
    from tellurion_agent.catalogue.canonical import canonical
    from tellurion_agent.catalogue.reading import records
    from tellurion_agent.catalogue.walking import walk

    group = zarr.create_group(folder / "data" / "large.zarr")
    axes = {
        "time": (np.arange(STEPS) * 30.0, {"units": "days since 1850-01-01", "calendar": "360_day"}),
        "lat": (np.linspace(-89, 89, LAT), {"units": "degrees_north"}),
        "lon": (np.arange(LON) / 3, {"units": "degrees_east"}),
    }
    for name, (values, attrs) in axes.items():
        group.create_array(name, data=values, dimension_names=[name]).attrs.update(attrs)
    data = group.create_array(
        "tas", shape=(STEPS, LAT, LON), chunks=(12, LAT, LON), dtype="f4", fill_value=280.0, dimension_names=list(axes)
    )
    data.attrs.update({"units": "K", "standard_name": "air_temperature"})
    (found,) = walk([folder / "data"])
    ((dataset),) = assembled((found, record) for record in records(Path(found.path)))
    start, cpu = time.perf_counter(), sum(os.times()[:4])
    field = canonical(dataset)
    series = field.weighted(np.cos(np.radians(field.lat))).mean(("lat", "lon"))
    results = xr.Dataset({"series": series, "map": field.mean("time")}).compute()
    assert np.allclose(results.series, 6.85)
    assert np.allclose(results["map"], 6.85)
    return {
        "gib": STEPS * LAT * LON * 4 / 2**30,
        "seconds": time.perf_counter() - start,
        "cpu": sum(os.times()[:4]) - cpu,
        "mib": peak_mib(),
    }


ACTIONS = {"opened": opened, "large": large, "known": known}


def measured(action: str, folder: Path) -> dict[str, float]:
    """What one action takes in a process of its own."""
    command = [sys.executable, __file__, action, str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def table() -> list[dict[str, object]]:
    """One row a process."""
    rows: list[dict[str, object]] = []
    with TemporaryDirectory(prefix="tellurion-bench-") as name:
        folder = Path(name)
        linked(folder / "data", YEARS)
        rows.append({"what": "new files", **measured("opened", folder)})
        rows.append({"what": "the same files", **measured("opened", folder)})
    with TemporaryDirectory(prefix="tellurion-bench-") as name:
        folder = Path(name)
        linked(folder / "data", MANY_YEARS)
        measured("known", folder)
        rows.append({"what": "known files", **measured("opened", folder)})
    with TemporaryDirectory(prefix="tellurion-bench-") as name:
        Path(name, "data").mkdir()
        rows.append({"what": "10 GB analysed", **measured("large", Path(name))})
    return rows


def targets(rows: Sequence[Mapping[str, object]]) -> Iterator[Target]:
    """Those of the issue."""
    by = {str(row["what"]): row for row in rows}
    yield at_most("10 000 new files catalogued, s", float(by["new files"]["seconds"]), SECONDS)
    yield at_most("the same again, s", float(by["the same files"]["seconds"]), AGAIN_SECONDS)
    yield at_most("100 000 known files, peak MiB", float(by["known files"]["mib"]), MIB, digits=0)
    yield at_most("10 GB analysed, peak MiB", float(by["10 GB analysed"]["mib"]), MIB, digits=0)


def report(rows: Sequence[Mapping[str, object]]) -> str:
    """The table in Markdown."""
    cells = (
        [row["what"], row.get("files", ""), f"{row['seconds']:.1f}", f"{row['cpu']:.1f}", f"{row['mib']:.0f}"]
        for row in rows
    )
    return "## The agent's data library\n\n" + markdown(["what", "files", "s", "s of CPU", "peak MiB"], cells)


def main() -> int:
    """Prints the tables."""
    rows = table()
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(ACTIONS[sys.argv[1]](Path(sys.argv[2]))))
    else:
        sys.exit(main())
