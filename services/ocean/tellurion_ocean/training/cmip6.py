"""CMIP6 simulations in their published folders: found, split by member, and read month by month.

    runs = find("/archive", models=["MRI-ESM2-0", "IPSL-CM6A-LR"])
    training, held_out = split(runs, held_out=["r3i1p1f1"])
    scaled = anomalies(Corpus(training, grid))

`thetao` is potential temperature and the World Ocean Atlas holds temperature in situ, which is warmer, at 1000 dbar by
0.04 °C in water of 0 °C and by 0.16 °C in water of 15 °C. Nothing is converted here: few archives hold the salinity
beside, and what is learned from are anomalies, in which the two differ by less than 1 % down to 1000 dbar (TEOS-10).

Source of the layout: Taylor et al., CMIP6 Global Attributes, DRS, Filenames, Directory Structure, and CVs, version
6.2.7 (2018).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, product
from operator import index
from os import PathLike
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_geo import Curvilinear, Grid, Regridding, normalised_longitude, regridding
from tellurion_geo.calendars import year_and_month
from tellurion_geo.datasets import check_size, numbers, opened
from tellurion_geo.fields import MAX_CELLS
from tellurion_geo.grid import DEEPEST
from tellurion_geo.identification import DEPTH, LATITUDE, LONGITUDE, TIME, Coordinate, downward, text
from tellurion_geo.units import METRES, celsius, check_degrees, spelling
from tellurion_ocean.cancellation import never, silent, stop_if
from tellurion_ocean.training.vertical import Columns

LAYOUT = "CMIP6/<activity>/<institution>/<source>/<experiment>/<member>/<table>/<variable>/<grid>/<version>"
VERSION = re.compile(r"v(\d+)")
MONTHS = re.compile(r"_(\d{4})(0[1-9]|1[0-2])-(\d{4})(0[1-9]|1[0-2])\.nc")
CENTIMETRES = frozenset({"cm", "centimeter", "centimeters", "centimetre", "centimetres"})
PLAUSIBLE = (-10.0, 60.0)
"""°C; beyond lie fill values that a file does not declare, and kelvin called °C."""
SAMPLES = 16
"""Samples along each side of a target cell, in which the overlaps of cornered cells are counted."""


@dataclass(frozen=True)
class Run:
    """One member's simulation on one grid: its files, none of them opened yet."""

    source: str
    """The model: ``IPSL-CM6A-LR``."""
    experiment: str
    member: str
    """``r1i1p1f1``."""
    table: str
    variable: str
    grid: str
    """``gn`` native, ``gr``, ``gr1``, … regridded by its institution."""
    version: str
    """The latest: ``v20190627``."""
    files: tuple[Path, ...]
    """In the order of time."""


def find(
    root: str | PathLike[str],
    *,
    variable: str = "thetao",
    table: str = "Omon",
    experiments: Collection[str] | None = None,
    models: Collection[str] | None = None,
    members: Collection[str] | None = None,
) -> list[Run]:
    """The runs under `root`/CMIP6 by model, experiment, member and grid; each in its latest version that has files.

    Folders are listed and nothing is opened. Raises InvalidInput when there is no such folder, or a file bears another
    name than its folders say: a member under a wrong label could be one that is held out.
    """
    archive = Path(root) / "CMIP6"
    if not archive.is_dir():
        raise InvalidInput.of("root", received=f"{Path(root).name}, without a folder CMIP6", accepted=LAYOUT)
    runs = []
    for folder in archive.glob(f"*/*/*/*/*/{table}/{variable}/*/"):
        source, experiment, member, _, _, grid = folder.parts[-6:]
        choices = ((source, models), (experiment, experiments), (member, members))
        if all(chosen is None or label in chosen for label, chosen in choices):
            stem = "_".join((variable, table, source, experiment, member, grid))
            runs += [
                Run(source, experiment, member, table, variable, grid, *latest) for latest in _latest(folder, stem)
            ]
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


class Corpus(Sequence[tuple[NDArray[np.float32], int]]):
    """The months of many runs on one grid, each read from its file when it is asked for.

    `corpus[i]` is a field [Z, Y, X] in °C, NaN on land, and its month 1…12. How many there are is told by the names of
    the files. Reading one takes the memory of one month on the model's own grid, of the levels that matter, in float64
    a few times over; what is kept is one sparse matrix for each grid that the models use.

    Depth first: linear between the levels of the model's own columns, nothing below a column's deepest wet cell. Then
    the horizontal: where the model's cells are the smaller ones, the mean over what a cell of `grid` covers, by exact
    overlap on meridians and parallels and by counted overlap where cells have corners (`bounds`); else linear between
    centres. Land is left out everywhere, and a cell less than half of which is sea is land: each model has its coasts.
    """

    def __init__(self, runs: Iterable[Run], grid: Grid, *, excluded_years: Container[int] = ()) -> None:
        """Raises InvalidInput when no month is left, or a file's name does not say which months it holds."""
        self.grid = grid
        moments = (moment for run in runs for moment in _moments(run))
        self.moments = tuple(moment for moment in moments if moment.year not in excluded_years)
        if not self.moments:
            raise InvalidInput.of("runs", received="no month", accepted="at least one month outside the excluded years")
        self._layouts: dict[Path, _Layout] = {}
        self._regriddings: dict[bytes, Regridding] = {}

    def __len__(self) -> int:
        return len(self.moments)

    def __getitem__(self, i: int) -> tuple[NDArray[np.float32], int]:
        """Raises InvalidInput naming the file when it, or what it says of itself, cannot be used."""
        moment = self.moments[index(i)]
        with opened(moment.path, moment.path.name) as dataset:
            if moment.path not in self._layouts:
                self._layouts[moment.path] = self._layout(dataset, moment)
            layout = self._layouts[moment.path]
            columns = layout.columns(layout.read(dataset, moment))
        return layout.regrid(columns).astype(np.float32), moment.month

    def _layout(self, dataset: xr.Dataset, moment: Moment) -> _Layout:
        file = _File(dataset, moment.path)
        time, (vertical, depths), horizontal = file.time(), file.depth(), file.horizontal()
        dimensions = (time, vertical, *horizontal.dimensions)
        file.check_dimensions(dimensions)
        columns = Columns.between(np.sort(depths), self.grid.depth)
        if columns.span == slice(0, 0):
            received = f"levels at {depths.min():g}…{depths.max():g} m"
            accepted = f"some around {self.grid.depth[0]:g}…{self.grid.depth[-1]:g} m"
            raise InvalidInput.of(f"{moment.path.name}.{vertical}", received=received, accepted=accepted)
        if horizontal.key not in self._regriddings:
            self._regriddings[horizontal.key] = _regridding(horizontal.cells, file.corners(), self.grid)
        return _Layout(
            file.variable,
            dimensions,
            np.argsort(depths)[columns.span],
            horizontal.order,
            columns,
            self._regriddings[horizontal.key],
        )


def _moments(run: Run) -> list[Moment]:
    found: list[Moment] = []
    for path in run.files:
        months = _named_months(path)
        if found and months[0] <= (found[-1].year, found[-1].month):
            accepted = f"months after those of {found[-1].path.name}"
            raise InvalidInput.of(path.name, received=_span(months), accepted=accepted)
        found += [Moment(run.source, path, nth, *month) for nth, month in enumerate(months)]
    return found


def _named_months(path: Path) -> list[tuple[int, int]]:
    """Years and months that the name of a file of monthly means says it holds."""
    if period := MONTHS.search(path.name):
        start_year, start_month, end_year, end_month = map(int, period.groups())
        months = range(12 * start_year + start_month - 1, 12 * end_year + end_month)
        if months:
            return [(month // 12, month % 12 + 1) for month in months]
    raise InvalidInput.of(path.name, received="these dates", accepted="<yyyymm>-<yyyymm>.nc, as monthly means have")


@dataclass(frozen=True, eq=False)
class _Layout:
    """How the fields of one file lie in it, and how they come to the target."""

    variable: str
    dimensions: tuple[str, str, str, str]
    """Of time, depth, and the two of the horizontal."""
    levels: NDArray[np.intp]
    """Positions in the file of the levels that matter, from the surface down."""
    order: tuple[NDArray[np.intp], NDArray[np.intp]] | None
    """Positions in the file of parallels northward and meridians eastward; None when curvilinear."""
    columns: Columns
    regrid: Regridding

    def read(self, dataset: xr.Dataset, moment: Moment) -> NDArray[np.float64]:
        """[levels, Y, X] °C of one month, land NaN."""
        field = f"{moment.path.name}.{self.variable}"
        time, depth, *_ = self.dimensions
        first, last = int(self.levels.min()), int(self.levels.max())
        part = dataset[self.variable].isel({time: moment.nth, depth: slice(first, last + 1)})
        check_size(part, MAX_CELLS, field)
        values = celsius(numbers(part, field), dataset[self.variable].attrs.get("units"), field)
        low, high = PLAUSIBLE
        wrong = ~((values >= low) & (values <= high) | np.isnan(values))
        if wrong.any() or np.isnan(values).all():
            received = (
                f"{values[wrong][0]:g} °C in {moment.year}-{moment.month:02}" if wrong.any() else "no value at all"
            )
            raise InvalidInput.of(field, received=received, accepted=f"{low:g}…{high:g} °C, land as `_FillValue`")
        values = xr.Variable(part.dims, values).transpose(*self.dimensions[1:]).values[self.levels - first]
        return values if self.order is None else values[:, self.order[0][:, None], self.order[1]]


@dataclass(frozen=True, eq=False)
class _Horizontal:
    dimensions: tuple[str, str]
    cells: Grid | Curvilinear
    order: tuple[NDArray[np.intp], NDArray[np.intp]] | None
    key: bytes
    """The same for files on the same grid."""


class _File:
    """What one file says of its axes; every error is an InvalidInput that names the file."""

    def __init__(self, dataset: xr.Dataset, path: Path) -> None:
        self.dataset, self.path = dataset, path
        self.variable = path.name.split("_")[0]
        if self.variable not in dataset.variables:
            received = f"variables {', '.join(map(str, dataset.variables)) or 'none'}"
            raise InvalidInput.of(path.name, received=received, accepted=self.variable)

    def time(self) -> str:
        """The dimension of time, whose months are those of the file's name."""
        name = self._name(TIME)
        attrs, field = self.dataset[name].attrs, self._field(name)
        year, month = year_and_month(self._axis(name), attrs.get("units"), attrs.get("calendar"), field)
        held, named = list(zip(year, month, strict=True)), _named_months(self.path)
        if held != named:
            received = f"{len(held)} times" + (f", {_span(held)}" if held else "")
            accepted = f"the {len(named)} months {_span(named)} of the file's name, in order"
            raise InvalidInput.of(field, received=received, accepted=accepted)
        return str(self.dataset[name].dims[0])

    def depth(self) -> tuple[str, NDArray[np.float64]]:
        """The dimension of depth, and its levels [K] in the file's order, metres, positive down."""
        name = self._name(DEPTH)
        attrs, field = self.dataset[name].attrs, self._field(name)
        kind, units = text(attrs, "standard_name"), spelling(attrs.get("units", ""))
        if kind not in ("", "depth") or units not in METRES | CENTIMETRES:
            received = f"{kind or 'no standard_name'}, units {units or 'none'}"
            accepted = "depth in m or cm; runs on other levels are often published on depths too, as `gr`"
            raise InvalidInput.of(field, received=received, accepted=accepted)
        values = self._axis(name) * (0.01 if units in CENTIMETRES else 1.0)
        values = values if downward(attrs, name, field) else -values
        steps = np.diff(values)
        if not (values.size > 1 and (np.all(steps > 0) or np.all(steps < 0))):
            raise InvalidInput.of(field, received=f"{values.size} levels", accepted="two or more, in order of depth")
        self._check_within(field, values, 0, DEEPEST)
        return str(self.dataset[name].dims[0]), values

    def horizontal(self) -> _Horizontal:
        """Parallels and meridians, or the places of a curvilinear grid's cells."""
        lat_name, lon_name = self._name(LATITUDE), self._name(LONGITUDE)
        lat, lon = self._degrees(lat_name, -90, 90), normalised_longitude(self._degrees(lon_name, -360, 720))
        lat_dimensions, lon_dimensions = (tuple(map(str, self.dataset[n].dims)) for n in (lat_name, lon_name))
        bounded = self._bounds() is not None
        key = sha256(lat.tobytes() + lon.tobytes() + repr((lat.shape, bounded)).encode()).digest()
        if lat.ndim == 2 and lat_dimensions == lon_dimensions:
            return _Horizontal(lat_dimensions, Curvilinear(lat, lon), None, key)
        if lat.ndim == lon.ndim == 1 and lat_dimensions != lon_dimensions:
            # A file may repeat the first meridian a turn later.
            order = tuple(np.unique(axis, return_index=True)[1] for axis in (lat, lon))
            if min(map(len, order)) > 1:
                cells = Grid(np.zeros(1), lat[order[0]], lon[order[1]])
                return _Horizontal((*lat_dimensions, *lon_dimensions), cells, order, key)
        received = f"{lat_name}{self.dataset[lat_name].shape}, {lon_name}{self.dataset[lon_name].shape}"
        accepted = "two axes, or two variables on the same two dimensions; an unstructured grid must be regridded first"
        raise InvalidInput.of(self._field(lat_name), received=received, accepted=accepted)

    def corners(self) -> NDArray[np.float64] | None:
        """[Y, X, 4, 3] unit vectors to a curvilinear grid's corners, NaN where there are none; None without bounds."""
        bounds = self._bounds()
        if bounds is None:
            return None
        accepted = (*self.dataset[self._name(LATITUDE)].shape, 4)
        for name in bounds:
            if (found := self.dataset[name].shape) != accepted:
                raise InvalidInput.of(self._field(name), received=f"shape {found}", accepted=f"shape {accepted}")
        lat, lon = map(self._numbers, bounds)
        return _on_sphere(lat, lon)

    def _bounds(self) -> tuple[str, str] | None:
        """The names of the variables that hold the corners of a curvilinear grid's cells."""
        lat, lon = (self.dataset[self._name(coordinate)] for coordinate in (LATITUDE, LONGITUDE))
        names = text(lat.attrs, "bounds"), text(lon.attrs, "bounds")
        return names if lat.ndim == 2 and set(names) <= set(map(str, self.dataset.variables)) else None

    def check_dimensions(self, accepted: Collection[str]) -> None:
        """Refuse a variable on other dimensions than those of its coordinates."""
        found = [str(d) for d in self.dataset[self.variable].dims]
        if sorted(found) != sorted(accepted):
            received = f"dimensions ({', '.join(found)})"
            raise InvalidInput.of(self._field(self.variable), received=received, accepted=f"({', '.join(accepted)})")

    def _name(self, coordinate: Coordinate) -> str:
        name = coordinate.found(self.dataset, self.variable)
        if name is None:
            missing = min(coordinate.standard_names)
            accepted = f"a coordinate of {self.variable} with standard_name {missing}"
            raise InvalidInput.of(self._field(missing), received="no such variable", accepted=accepted)
        return name

    def _axis(self, name: str) -> NDArray[np.float64]:
        if self.dataset[name].ndim != 1:
            received = f"dimensions {self.dataset[name].dims}"
            raise InvalidInput.of(self._field(name), received=received, accepted="one dimension")
        return self._numbers(name)

    def _degrees(self, name: str, low: float, high: float) -> NDArray[np.float64]:
        check_degrees(self.dataset[name].attrs.get("units"), self._field(name))
        values = self._numbers(name)
        self._check_within(self._field(name), values, low, high)
        return values

    def _numbers(self, name: str) -> NDArray[np.float64]:
        check_size(self.dataset[name], MAX_CELLS, self._field(name))
        return numbers(self.dataset[name], self._field(name))

    def _check_within(self, field: str, values: NDArray[np.float64], low: float, high: float) -> None:
        wrong = ~((values >= low) & (values <= high)) & ~(np.isnan(values) & (values.ndim == 2))
        if wrong.any():
            raise InvalidInput.of(field, received=f"{values[wrong].flat[0]:g}", accepted=f"{low:g}…{high:g}")

    def _field(self, name: str) -> str:
        return f"{self.path.name}.{name}"


def _span(months: Sequence[tuple[int, int]]) -> str:
    """The first and the last of some years and months."""
    (first_year, first_month), (last_year, last_month) = months[0], months[-1]
    return f"{first_year:04}-{first_month:02}…{last_year:04}-{last_month:02}"


def _regridding(source: Grid | Curvilinear, corners: NDArray[np.float64] | None, target: Grid) -> Regridding:
    """By area where the source's cells are the smaller ones and have bounds, else linear between their centres."""
    if isinstance(source, Grid):
        axes = ((source.lat, target.lat), (source.lon, target.lon))
        smaller = all(np.median(np.diff(cells)) <= np.median(np.diff(wanted)) for cells, wanted in axes)
        return regridding(source, target, "conservative" if smaller else "bilinear")
    if corners is None:
        return regridding(source, target, "bilinear")
    middle = corners.mean(axis=-2)
    reach = np.linalg.norm(corners - middle[..., None, :], axis=-1).max(axis=-1)
    # Models write zeros where they compute nothing: a cell's corners must be around its centre.
    around = np.linalg.norm(_on_sphere(source.lat, source.lon) - middle, axis=-1) <= reach
    if 2 * around.sum() < np.isfinite(source.lat).sum():
        return regridding(source, target, "bilinear")
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=-2), axis=-1)[around]
    ratio = float(np.median(sides) / np.radians(np.median(np.diff(target.lat))))
    if ratio > 1:
        return regridding(source, target, "bilinear")
    cells = np.flatnonzero(around)
    weights = _overlaps(corners.reshape(-1, 4, 3)[cells], target, int(np.ceil(SAMPLES * ratio)))
    placed = sparse.csr_array((np.ones(cells.size), (np.arange(cells.size), cells)), shape=(cells.size, around.size))
    return Regridding(weights @ placed, around.shape, (target.lat.size, target.lon.size))


def _overlaps(corners: NDArray[np.float64], target: Grid, pieces: int) -> sparse.csr_array:
    """[targets, sources] share of each target cell that lies in each source cell of `corners` [sources, 4, 3].

    A source cell is cut into `pieces` × `pieces` of its bilinear patch; each counts with its solid angle,
    P · (∂P/∂u × ∂P/∂v) / |P|³, wholly in the target cell that holds its middle: no part of the source is lost or used
    twice, and how much of a target cell is covered comes out to some percent. Where a tripolar grid repeats cells at
    its seam both count, and a row sums to more than 1: their values are the same, or one of them is missing, and the
    mean is over what is there.
    """
    west_of_first = target.lon_bounds[0, 0]
    west, east = (target.lon_bounds - west_of_first).T
    south, north = target.lat_bounds.T
    total = sparse.csr_array((target.lat.size * target.lon.size, len(corners)))
    at_corner = np.moveaxis(corners, 1, 0)
    for row, column in product((np.arange(pieces) + 0.5) / pieces, repeat=2):
        corner_shares = np.array([(1 - row) * (1 - column), row * (1 - column), row * column, (1 - row) * column])
        at = np.tensordot(corner_shares, at_corner, axes=1)
        along_row = (1 - column) * (at_corner[1] - at_corner[0]) + column * (at_corner[2] - at_corner[3])
        along_column = (1 - row) * (at_corner[3] - at_corner[0]) + row * (at_corner[2] - at_corner[1])
        distance = np.linalg.norm(at, axis=-1)
        angle = np.abs(np.sum(at * np.cross(along_row, along_column), axis=-1)) / (distance**3 * pieces**2)
        lat = np.degrees(np.arcsin(np.clip(at[:, 2] / distance, -1, 1)))
        lon = np.mod(np.degrees(np.arctan2(at[:, 1], at[:, 0])) - west_of_first, 360.0)
        y = np.clip(np.searchsorted(south, lat, side="right") - 1, 0, None)
        x = np.searchsorted(west, lon, side="right") - 1
        held = np.flatnonzero((lat >= south[y]) & (lat < north[y]) & (lon < east[x]))
        where = (y[held] * target.lon.size + x[held], held)
        total = total + sparse.csr_array((angle[held], where), shape=total.shape)
    height, width = np.sin(np.radians(north)) - np.sin(np.radians(south)), np.radians(east - west)
    window = _polar_window(target)
    return sparse.csr_array(sparse.diags_array(1 / (window @ np.outer(height, width).ravel())) @ (window @ total))


def _polar_window(target: Grid) -> sparse.csr_array:
    """[targets, targets] ones for the cells on a parallel over which one cell's mean is taken.

    It is the cell itself; on a global grid, where meridians converge to a quarter of their distance, beyond 75°, also
    as many neighbours as keep the window at least that wide: a cell there is narrower than a model can tell.
    """
    columns = np.arange(target.lon.size)
    beside = np.floor(0.25 / np.cos(np.radians(target.lat))) if target.open_step is None else np.zeros(target.lat.size)
    bands = []
    for reach in np.minimum(beside, (target.lon.size - 1) // 2).astype(int):
        neighbours = (columns[:, None] + np.arange(-reach, reach + 1)) % target.lon.size
        rows = np.broadcast_to(columns[:, None], neighbours.shape)
        bands.append(
            sparse.coo_array((np.ones(rows.size), (rows.ravel(), neighbours.ravel())), shape=(columns.size,) * 2)
        )
    return sparse.csr_array(sparse.block_diag(bands, format="csr"))


def _on_sphere(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """[..., 3] unit vectors."""
    phi, lam = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


@dataclass(frozen=True, eq=False)
class Climatology:
    """The mean year of one model, and how far its months lie from it."""

    mean: NDArray[np.float32]
    """[12, Z, Y, X] °C; NaN on land and in calendar months that were not there."""
    std: NDArray[np.float32]
    """[Z, Y, X] °C, over all months; NaN in cells that are land in any month."""

    @classmethod
    def of(cls, fields: Iterable[tuple[NDArray[np.float32], int]], *, floor: float) -> Climatology:
        """From fields [Z, Y, X] and their months in one pass, which holds no more than the answer and three fields.

        `floor`, °C, is added in quadrature to the standard deviation. Source: Welford 1962,
        doi 10.1080/00401706.1962.10490022; a degree of freedom goes to each calendar month's mean. Raises InvalidInput
        when none is left.
        """
        counts = np.zeros(12, dtype=np.int64)
        for field, month in fields:
            if not counts.any():
                mean, squares = np.zeros((12, *field.shape), np.float32), np.zeros(field.shape)
            counts[month - 1] += 1
            departure = field - mean[month - 1]
            mean[month - 1] += departure / counts[month - 1]
            squares += departure * (field - mean[month - 1])
        freedom = int(counts.sum() - np.count_nonzero(counts))
        if freedom < 1:
            received, accepted = f"{counts.sum()} months, each of another name", "more than one year of each model"
            raise InvalidInput.of("corpus", received=received, accepted=accepted)
        mean[counts == 0] = np.nan
        return cls(mean, np.sqrt(squares / freedom + floor**2).astype(np.float32))


class Anomalies(Sequence[tuple[NDArray[np.float32], int]]):
    """The months of a corpus as departures from their own model's climatology, in units of its standard deviation.

    `[i]` is a field [Z, Y, X] without units, NaN on land, and its month 1…12; read when asked for.
    """

    def __init__(self, corpus: Corpus, climatologies: Mapping[str, Climatology]) -> None:
        """`climatologies` by the model's name, be they of this corpus or, for held-out members, of another one."""
        self.corpus, self.climatologies = corpus, climatologies

    def __len__(self) -> int:
        return len(self.corpus)

    def __getitem__(self, i: int) -> tuple[NDArray[np.float32], int]:
        field, month = self.corpus[i]
        climatology = self.climatologies[self.corpus.moments[i].source]
        return (field - climatology.mean[month - 1]) / climatology.std, month


def anomalies(
    corpus: Corpus, *, floor: float = 0.01, cancelled: CancelCheck = never, progress: Progress = silent
) -> Anomalies:
    """A corpus without its models' biases: each model's mean year removed, then scaled by its own spread, cell by cell.

    All members and experiments of a model share one climatology, so what differs between them, a trend among it, stays.
    Every month is read once, model by model: time grows with the number of months. Memory does not; it grows with the
    number of models, 13 fields of float32 for each: 16 MB on 19 levels at 2°, 136 MB on 42 levels at 1°.

    Raises InvalidInput when a model has no two months of the same name, and Cancelled when the caller cancels.
    """

    def months_of(source: str) -> Iterator[tuple[NDArray[np.float32], int]]:
        for i, moment in enumerate(corpus.moments):
            if moment.source == source:
                stop_if(cancelled)
                yield corpus[i]
                progress(next(done) / len(corpus), source)

    done = count(1)
    sources = dict.fromkeys(moment.source for moment in corpus.moments)
    return Anomalies(corpus, {source: Climatology.of(months_of(source), floor=floor) for source in sources})
