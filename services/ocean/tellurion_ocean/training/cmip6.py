"""CMIP6 simulations in their published folders: found and split by member, without opening a file.

    runs = find("/archive", models=["MRI-ESM2-0", "IPSL-CM6A-LR"])
    training, held_out = split(runs, held_out=["r3i1p1f1"])

`tellurion_ocean.training.corpus` reads them and `tellurion_ocean.training.anomalies` takes their biases away.

`thetao` is potential temperature and the World Ocean Atlas holds temperature in situ, which is warmer, at 1000 dbar by
0.04 °C in water of 0 °C and by 0.16 °C in water of 15 °C. Nothing is converted here: few archives hold the salinity
beside, and what is learned from are anomalies, in which the two differ by less than 1 % down to 1000 dbar (TEOS-10).

Source of the layout: Taylor et al., CMIP6 Global Attributes, DRS, Filenames, Directory Structure, and CVs, version
6.2.7 (2018).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path

from tellurion_core.errors import InvalidInput

LAYOUT = "CMIP6/<activity>/<institution>/<source>/<experiment>/<member>/<table>/<variable>/<grid>/<version>"
TABLE, VARIABLE = "Omon", "thetao"
VERSION = re.compile(r"v(\d+)")
MONTHS = re.compile(r"_(\d{4})(0[1-9]|1[0-2])-(\d{4})(0[1-9]|1[0-2])\.nc")


@dataclass(frozen=True)
class Run:
    """One member's simulation on one grid: its files, none of them opened yet."""

    source: str
    """The model: ``IPSL-CM6A-LR``."""
    experiment: str
    member: str
    """``r1i1p1f1``."""
    grid: str
    """``gn`` native, ``gr``, ``gr1``, … regridded by its institution."""
    version: str
    """The latest: ``v20190627``."""
    files: tuple[Path, ...]
    """In the order of time."""


def find(
    root: str | PathLike[str],
    *,
    experiments: Collection[str] | None = None,
    models: Collection[str] | None = None,
) -> list[Run]:
    """The runs under `root`/CMIP6 by model, experiment, member and grid; each in its latest version that has files.

    Folders are listed and nothing is opened. Raises InvalidInput when there is no such folder, or a file bears another
    name than its folders say: a member under a wrong label could be one that is held out.
    """
    archive = Path(root) / "CMIP6"
    if not archive.is_dir():
        raise InvalidInput.of("root", received=f"{Path(root).name}, without a folder CMIP6", accepted=LAYOUT)
    runs = []
    for folder in archive.glob(f"*/*/*/*/*/{TABLE}/{VARIABLE}/*/"):
        source, experiment, member, _, _, grid = folder.parts[-6:]
        if all(chosen is None or label in chosen for label, chosen in ((source, models), (experiment, experiments))):
            stem = "_".join((VARIABLE, TABLE, source, experiment, member, grid))
            runs += [Run(source, experiment, member, grid, *latest) for latest in _latest(folder, stem)]
    return sorted(runs, key=lambda run: (run.source, run.experiment, run.member, run.grid))


def _latest(folder: Path, stem: str) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """The latest version that has files, and those files; nothing when there is none."""
    versions = [version for version in folder.iterdir() if VERSION.fullmatch(version.name)]
    for version in sorted(versions, key=lambda version: int(version.name[1:]), reverse=True):
        files = sorted(version.glob("[!.]*.nc"))  # dates have a fixed width, so names sort in time
        for file in files:
            if not re.fullmatch(re.escape(stem) + r"_\d+-\d+\.nc", file.name):
                raise InvalidInput.of(
                    file.name, received="this name in another's folder", accepted=f"{stem}_<start>-<end>.nc"
                )
        if files:
            yield version.name, tuple(files)
            return


def split(runs: Iterable[Run], *, held_out: Collection[str]) -> tuple[list[Run], list[Run]]:
    """Runs to train with, and the runs of the members `held_out`, of all models and experiments alike.

    Raises InvalidInput when no run is of such a member: a slip of the pen would train on what is to be held out.
    """
    runs = list(runs)
    members = sorted({run.member for run in runs})
    for member in held_out:
        if member not in members:
            raise InvalidInput.of("held_out", received=member, accepted=", ".join(members) or "no members")
    return [run for run in runs if run.member not in held_out], [run for run in runs if run.member in held_out]


def digest(runs: Iterable[Run]) -> str:
    """SHA-256, in hexadecimal, of the versions and files of runs, by their names: wherever the archive lies."""
    lines = sorted(f"{run.version}/{path.name}" for run in runs for path in run.files)
    return sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Moment:
    """Where one month of a run lies."""

    source: str
    path: Path
    nth: int
    """Position in the file."""
    year: int
    month: int
    """1…12."""


def moments(run: Run) -> list[Moment]:
    """A run's months, told by the names of its files. Raises InvalidInput when those are no months in order."""
    found: list[Moment] = []
    for path in run.files:
        months = named_months(path)
        if found and months[0] <= (found[-1].year, found[-1].month):
            accepted = f"months after those of {found[-1].path.name}"
            raise InvalidInput.of(path.name, received=span(months), accepted=accepted)
        found += [Moment(run.source, path, nth, *month) for nth, month in enumerate(months)]
    return found


def named_months(path: Path) -> list[tuple[int, int]]:
    """Years and months that the name of a file of monthly means says it holds. Raises InvalidInput when it does not."""
    if period := MONTHS.search(path.name):
        start_year, start_month, end_year, end_month = map(int, period.groups())
        months = range(12 * start_year + start_month - 1, 12 * end_year + end_month)
        if months:
            return [(month // 12, month % 12 + 1) for month in months]
    raise InvalidInput.of(path.name, received="these dates", accepted="<yyyymm>-<yyyymm>.nc, as monthly means have")


def span(months: Sequence[tuple[int, int]]) -> str:
    """The first and the last of some years and months."""
    (first_year, first_month), (last_year, last_month) = months[0], months[-1]
    return f"{first_year:04}-{first_month:02}…{last_year:04}-{last_month:02}"
