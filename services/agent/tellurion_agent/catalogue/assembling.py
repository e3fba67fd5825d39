"""Data sets out of the records of files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from tellurion_agent.catalogue.dataset import DataSet, File
from tellurion_agent.catalogue.naming import undated
from tellurion_agent.catalogue.record import Record
from tellurion_agent.catalogue.walking import Found

Series = dict[tuple[Any, ...], tuple[Record, list[File]]]
"""By what all files of a series share, its frequency and version first; with one record of them."""


def assembled(rows: Iterable[tuple[Found, Record]]) -> list[DataSet]:
    """Data sets in the order of their names; of several versions of one the newest."""
    series: Series = {}
    for found, record in rows:
        file = File(found.path, found.size, found.modified, record.first, record.last, record.steps)
        series.setdefault(_shared(found, record), (record, []))[1].append(file)
    datasets = [_dataset(record, files) for record, files in _newest(_joined(series)).values()]
    return sorted(_told_apart(datasets), key=lambda data: (data.variable, *data.identity, data.name))


def _shared(found: Found, record: Record) -> tuple[Any, ...]:
    names = record.naming
    # Files of CMIP say themselves what belongs together; of others it is those of one folder, or of folders of years.
    folder = "" if names.project else "/".join(map(undated, PurePath(found.path).parent.parts))
    what = (record.variable, record.name, record.units, record.statistic, record.dimensions, record.calendar)
    where = (record.levels, record.box.shape, record.refused)
    whose = (names.project, names.source, names.experiment, names.member, names.grid_label)
    return record.frequency, names.version, *what, *where, *whose, folder


def _joined(series: Series) -> Series:
    """Files of one step, whose frequency nothing says, go to the same series; without one their dates say it."""
    joined = {shared: of for shared, of in series.items() if shared[0]}
    siblings = defaultdict(list)
    for shared in joined:
        siblings[shared[1:]].append(shared)
    for shared, (record, files) in series.items():
        if shared[0]:
            continue
        if len(same := siblings[shared[1:]]) == 1:
            joined[same[0]][1].extend(files)
        else:
            firsts = sorted(file.first for file in files)
            steps = {later - earlier for earlier, later in pairwise(firsts)}
            frequency = {1: "mon", 12: "yr"}.get(min(steps, default=0), "")
            joined[frequency, *shared[1:]] = replace(record, frequency=frequency), files
    return joined


def _newest(series: Series) -> Series:
    newest: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for shared in series:
        rest = (shared[0], *shared[2:])
        newest[rest] = max(newest.get(rest, shared), shared, key=lambda each: each[1])
    return {shared: series[shared] for shared in newest.values()}


def _dataset(record: Record, files: list[File]) -> DataSet:
    names = record.naming
    return DataSet(
        variable=record.variable,
        name=record.name,
        units=record.units,
        long_name=record.long_name,
        statistic=record.statistic,
        dimensions=record.dimensions,
        calendar=record.calendar,
        frequency=record.frequency,
        levels=record.levels,
        box=record.box,
        project=names.project,
        source=names.source,
        experiment=names.experiment,
        member=names.member,
        grid_label=names.grid_label,
        version=names.version,
        kind=names.kind,
        title=names.title,
        institution=names.institution,
        files=tuple(sorted(files, key=lambda file: (file.first, file.location))),
        refused=record.refused,
        assumed=record.assumed,
    )


def _told_apart(datasets: list[DataSet]) -> list[DataSet]:
    """Products of one name in several folders are named for the folder too."""

    def folder(data: DataSet) -> str:
        return next(filter(undated, reversed(data.files[0].path.parent.parts)), "")

    def name(data: DataSet) -> tuple[str, ...]:
        return data.variable, data.name, data.statistic, *data.dimensions, *data.identity

    counts = Counter(map(name, datasets))
    return [
        replace(data, source=f"{folder(data)}/{data.source}") if counts[name(data)] > 1 and not data.project else data
        for data in datasets
    ]
