"""The catalogue: what data there are in folders, found by variable, product, experiment, member and period."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tellurion_agent.catalogue.assembling import assembled
from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.derived import with_speeds
from tellurion_agent.catalogue.index import Damaged, Index
from tellurion_agent.catalogue.readers import read_headers
from tellurion_agent.catalogue.record import Record, from_json
from tellurion_agent.catalogue.variables import named
from tellurion_agent.catalogue.walking import Found, walk
from tellurion_agent.slots import Period
from tellurion_core import landlock
from tellurion_core.errors import Unavailable

FILES_OF_A_PROCESS = 50
"""A process more is started for so many files to read: a process takes a second to start."""
KEPT_AT_ONCE = 200
"""Files after which the index is written."""

Progress = Callable[[int, int], None]
"""Told how many files of how many have been read."""


def _silent(done: int, of: int) -> None:
    """Nobody asked."""


@dataclass(frozen=True)
class Catalogue:
    """Data sets, and what is wrong with the files that are none."""

    datasets: tuple[DataSet, ...]
    """By variable, product, experiment, member."""
    problems: Mapping[str, str]
    """Why a file cannot be read, by its path."""

    @classmethod
    def open(
        cls,
        folders: Sequence[Path],
        index: Path,
        *,
        hostile: bool = False,
        processes: int | None = None,
        progress: Progress = _silent,
    ) -> Catalogue:
        """Looks through folders for NetCDF files and Zarr stores, and reads the headers of those that are new.

        Broken files are named among the problems, and HDF5 files that have their values in others. Landlock keeps what
        is read to these folders, and to what links in them lead to. Where the system has none, a file that makes a
        library do its will reads what this process may read; `hostile` folders, of files that somebody sent, are
        refused there.

        Raises InvalidInput when a folder is none, or the index cannot be written; an index that is damaged is made
        anew. Raises Unavailable where files cannot be read safely, or not at all.
        """
        if hostile and landlock.abi() < landlock.MIN_ABI:
            raise Unavailable("files that are sent are read behind Landlock only, which is there from Linux 6.2 on")
        for last in (False, True):
            kept = Index.opened(index)
            try:
                found = {each.path: each for each in walk(folders)}
                _bring_up_to_date(kept, found, folders, processes or os.cpu_count() or 1, progress)
                return cls._read(kept, found)
            except Damaged:
                if last:
                    raise
                Index.discard(index)
        raise AssertionError

    @classmethod
    def _read(cls, index: Index, found: Mapping[str, Found]) -> Catalogue:
        problems = {}

        def records() -> Iterator[tuple[Found, Record]]:
            for file, written, problem in index.rows():
                if file.path not in found:
                    continue  # of other folders
                if problem:
                    problems[file.path] = problem
                    continue
                try:
                    read = from_json(written)
                except (ValueError, TypeError, KeyError) as error:
                    raise Damaged from error
                yield from ((file, record) for record in read)

        return cls(tuple(with_speeds(assembled(records()))), problems)

    def find(
        self,
        variable: str | None = None,
        *,
        source: str | None = None,
        experiment: str | None = None,
        member: str | None = None,
        period: Period | None = None,
    ) -> list[DataSet]:
        """The usable data sets that fit: any name of a variable; of a product a part of its name or title; some of
        the period.
        """
        return [
            data
            for data in self.datasets
            if not data.refused
            and (variable is None or is_variable(data, variable))
            and (source is None or is_source(data, source))
            and (experiment is None or _letters(experiment) == _letters(data.experiment))
            and (member is None or member.casefold() == data.member.casefold())
            and (period is None or data.covered(period) > 0)
        ]


def is_variable(data: DataSet, name: str) -> bool:
    """Whether a data set is of the variable of this name: a standard name, else its name in the files."""
    if name in (data.variable, data.name):
        return True
    known = named(name)
    return known is not None and known.standard_name == data.variable


def is_source(data: DataSet, name: str) -> bool:
    """Whether a data set is of this product or model, whose name may be a part of the title."""
    letters = _letters(name)
    return bool(letters) and (letters == _letters(data.source) or _within(letters, data.source, data.title))


def _within(letters: str, *names: str) -> bool:
    return len(letters) > 2 and any(letters in _letters(name) for name in names)


def _letters(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _bring_up_to_date(
    index: Index, found: Mapping[str, Found], folders: Sequence[Path], processes: int, progress: Progress
) -> None:
    known = index.known()
    new = [path for path, file in found.items() if known.get(path) != (file.size, file.modified)]
    index.drop(path for path in known.keys() - found.keys() if not Path(path).exists())
    if not new:
        return
    answers = read_headers(new, _places(folders, new), processes=min(processes, 1 + len(new) // FILES_OF_A_PROCESS))
    done = 0
    for batch in _batches(((found[a.path], a.records, a.problem) for a in answers), KEPT_AT_ONCE):
        index.put(batch)
        progress(done := done + len(batch), len(new))


def _places(folders: Sequence[Path], files: Iterable[str]) -> list[str]:
    """The folders, and of the files those that lie elsewhere, where links lead."""
    real = [os.path.realpath(folder) for folder in folders]
    within = tuple(f"{folder.rstrip('/')}/" for folder in real)
    return [*real, *(place for place in map(os.path.realpath, files) if not place.startswith(within))]


def _batches(rows: Iterable[tuple[Found, str, str]], size: int) -> Iterator[list[tuple[Found, str, str]]]:
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch
