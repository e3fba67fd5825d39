"""Two evaluations of the same questions, compared item by item.

Only what both have scored counts, and each headline metric for itself. The mean difference of pairs has the standard
error and the interval of `statistics.Mean`, with the same clusters: what is hard about a question is hard for both, so
the difference is surer than either mean. A headline of the whole corpus (F1 of chains of thought) is that of the report
on either side, and its difference is jackknifed: a cluster is left out of both at once. P-values of groups are
corrected by Holm's method within their dimension.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.records import RECORD_BYTES, Refusals, lines, value_in
from tellurion_benchmark.report import ALL, DESIGN, DIMENSIONS, ITEMS, REPORT, Group
from tellurion_benchmark.scoring import Json, Variant
from tellurion_benchmark.statistics import Estimate, Mean, Pooled, holm, p_value
from tellurion_benchmark.suites import Suite, suite
from tellurion_core.errors import InvalidInput

FILES = (REPORT, ITEMS, DESIGN)
"""Of each evaluation, what a comparison reads."""
SAME = ("suite", "variant", "dataset_sha256", "judge.model", "judge.snapshot", "judge.prompt_version")
"""What two reports must have in common: two scorers, or two judges, of one benchmark are two benchmarks."""
TABLES = """
    CREATE TABLE a (id TEXT PRIMARY KEY, score REAL) WITHOUT ROWID;
    CREATE TABLE b (id TEXT PRIMARY KEY, score REAL) WITHOUT ROWID;
    CREATE TABLE design_a (id TEXT PRIMARY KEY, kind TEXT, cluster TEXT, groups TEXT, statistics TEXT) WITHOUT ROWID;
    CREATE TABLE design_b (id TEXT PRIMARY KEY, kind TEXT, cluster TEXT, groups TEXT, statistics TEXT) WITHOUT ROWID;
"""
PAIRS = """
    SELECT design_a.kind, design_a.cluster, design_a.groups, a.score, b.score,
        '[' || design_a.statistics || ',' || design_b.statistics || ']'
    FROM a JOIN b USING (id) LEFT JOIN design_a USING (id) LEFT JOIN design_b USING (id)
    WHERE a.score IS NOT NULL AND b.score IS NOT NULL ORDER BY design_a.cluster
"""
PARTS: Mapping[str, tuple[str, ...]] = {"cot_f1": ("cot_precision", "cot_recall")}
"""Of a headline of the whole corpus, the means that it is made of; its statistics are a sum and a count of each."""

Pair: TypeAlias = tuple[Any, Any]
"""Scores, or statistics, of the first and the second."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How two evaluations differ in a metric, over the items of a group that both have scored."""

    metric: str
    group: Group
    a: float
    """Of the first."""
    b: float
    """Of the second."""
    estimate: Estimate
    """The difference, second less first."""
    p: float | None
    """Two-sided; of a group, corrected."""


@dataclass(slots=True)
class _Pairs:
    """Scores in pairs, cluster by cluster."""

    a: Mean = field(default_factory=Mean)
    b: Mean = field(default_factory=Mean)
    difference: Mean = field(default_factory=Mean)

    def add(self, pairs: Sequence[Pair]) -> None:
        self.a.add([a for a, _ in pairs])
        self.b.add([b for _, b in pairs])
        self.difference.add([b - a for a, b in pairs])


class _Corpora:
    """Statistics in pairs, cluster by cluster; a and b are as they are shown, the difference is not rounded."""

    def __init__(
        self, length: int, value: Callable[[Sequence[float]], float], shown: Callable[[Sequence[float]], float] | None
    ) -> None:
        self.a, self.b = Pooled(value, shown), Pooled(value, shown)
        self.difference = Pooled(lambda sums: value(sums[length:]) - value(sums[:length]))

    def add(self, pairs: Sequence[Pair]) -> None:
        self.a.add([a for a, _ in pairs])
        self.b.add([b for _, b in pairs])
        self.difference.add([(*a, *b) for a, b in pairs])


def compare(a: Path, b: Path) -> Sequence[Difference]:
    """The differences of two reports, each a folder of `FILES`: by metric over all items, then by group.

    Raises:
        InvalidInput: a file is not what it should be, the reports have something else in common than `SAME`, or no item
            that both have scored.
    """
    found, variant = _comparable(_report(a / REPORT, "a"), _report(b / REPORT, "b"))
    with closing(sqlite3.connect("", isolation_level=None)) as database:  # on disk beyond a few MiB
        database.executescript(TABLES + "BEGIN;")
        for side, folder in (("a", a), ("b", b)):
            _fill(database, side, 2, _scores(folder / ITEMS, f"{side}.{ITEMS}"))
            _fill(database, f"design_{side}", 5, _designs(folder / DESIGN, f"{side}.{DESIGN}", found))
        differences = _differences(database.execute(PAIRS), found, variant)
    if not differences:
        raise InvalidInput.of("b", received="no item that both have scored", accepted="at least one")
    return differences


def _differences(
    rows: Iterator[tuple[str | None, Any, Any, float, float, str | None]], found: Suite, variant: str
) -> Sequence[Difference]:
    sums: dict[tuple[str, Group], _Pairs | _Corpora] = {}
    for _, cluster in groupby(rows, key=itemgetter(1)):
        pairs: dict[tuple[str, Group], list[Pair]] = {}
        for kind, _, groups, a, b, statistics in cluster:
            if kind is None:
                raise InvalidInput.of(f"a.{DESIGN}", received="not all items", accepted=f"a line for each of {ITEMS}")
            of_item = _pairs(found.kinds[kind][:1], (a, b), statistics)
            for group in (ALL, *json.loads(groups).items()):
                for metric, pair in of_item:
                    pairs.setdefault((metric, group), []).append(pair)
        for (metric, group), ones in pairs.items():
            if (metric, group) not in sums:
                sums[metric, group] = _corpora(found.name, variant, metric) if metric in PARTS else _Pairs()
            sums[metric, group].add(ones)
    return [
        difference
        for metric in found.metrics
        for dimension in ("", *DIMENSIONS)
        for difference in _family(metric, {g: p for (m, g), p in sums.items() if m == metric and g[0] == dimension})
    ]


def _pairs(headline: Sequence[str], scores: Pair, statistics: str | None) -> Sequence[tuple[str, Pair]]:
    """The metrics in which an item's two answers are compared."""
    if not set(headline) & PARTS.keys():
        return [(metric, scores) for metric in headline]
    if statistics is None:  # an older evaluation, or a mean of the parts, which is none of the corpus
        return []
    (metric,), (a, b) = headline, json.loads(statistics)
    parts = [(part, (a[2 * place], b[2 * place])) for place, part in enumerate(PARTS[metric])]
    return [(metric, (a, b)), *parts]


@cache
def _of_the_corpus(name: str, variant: str) -> Variant:
    """The scorer, which knows what its metrics of a whole corpus are."""
    return suite(name).variant(variant, Prompts.of(name, None))


def _corpora(name: str, variant: str, metric: str) -> _Corpora:
    scorer = _of_the_corpus(name, variant)
    return _Corpora(2 * len(PARTS[metric]), scorer.pooled[metric], scorer.shown.get(metric))


def _family(metric: str, sums: Mapping[Group, _Pairs | _Corpora]) -> Iterator[Difference]:
    """The differences of one metric in the groups of one dimension, whose p-values are corrected together."""
    groups = sorted(sums)
    estimates = [sums[group].difference.estimate() for group in groups]
    for group, estimate, p in zip(groups, estimates, holm([p_value(each) for each in estimates]), strict=True):
        a, b = (getattr(sums[group], side).estimate().value for side in ("a", "b"))
        yield Difference(metric, group, a, b, estimate, p)


def _comparable(a: Mapping[str, Json], b: Mapping[str, Json]) -> tuple[Suite, str]:
    """The suite and the variant of two reports that can be compared."""
    refusals = Refusals()
    for name in SAME:
        with refusals:
            if a[name] != b[name]:
                accepted = f"{a[name] or 'nothing'}, as in the other report"
                raise InvalidInput.of(f"b.{name}", received=b[name] or "nothing", accepted=accepted)
    refusals.end()
    return suite(a["suite"]).under(a["variant"]), a["variant"]


def _report(path: Path, side: str) -> Mapping[str, Json]:
    """What must be the same, by dotted name."""
    place = f"{side}.{REPORT}"
    with path.open("rb") as file:
        value = value_in(file.read(RECORD_BYTES), place)
    found = {}
    for name in SAME:
        inside = value
        for key in name.split("."):
            if not isinstance(inside, dict) or key not in inside:
                raise InvalidInput.of(f"{place}: {name}", received="nothing", accepted="the report of an evaluation")
            inside = inside[key]
        if not isinstance(inside, str) and not (inside is None and name.startswith("judge.")):
            raise InvalidInput.of(f"{place}: {name}", received=inside, accepted="text")
        found[name] = inside
    return found


def _scores(path: Path, place: str) -> Iterator[tuple[str, tuple[str, float | None]]]:
    """Place, and id and score, of each line of `items.jsonl`."""
    for number, line in lines(path, place):
        here = f"{place} line {number}"
        match value_in(line, here):
            case {"id": str(name), "score": None}:
                yield here, (name, None)
            case {"id": str(name), "score": bool() as score}:
                raise InvalidInput.of(f"{here}.score", received=score, accepted="a number, or null")
            case {"id": str(name), "score": int() | float() as score} if math.isfinite(score):
                yield here, (name, float(score))
            case other:
                raise InvalidInput.of(here, received=other, accepted='{"id": …, "score": a number or null}')


def _designs(path: Path, place: str, found: Suite) -> Iterator[tuple[str, tuple[str, str, str, str, str | None]]]:
    """Place, and id, kind, cluster, groups and statistics, of each line of `design.jsonl`."""
    for number, line in lines(path, place):
        here = f"{place} line {number}"
        match value_in(line, here):
            case {"id": str(name), "kind": str(kind), "cluster": str(cluster), "groups": {**groups}, **rest} if (
                kind in found.kinds
                and all(k in DIMENSIONS and isinstance(v, str) for k, v in groups.items())
                and _adds_up(rest.get("statistics"), found.kinds[kind][:1])
            ):
                statistics = json.dumps(rest["statistics"]) if "statistics" in rest else None
                yield here, (name, kind, cluster, json.dumps(groups), statistics)
            case other:
                accepted = '{"id": …, "kind": …, "cluster": …, "groups": {…}}, as the evaluation wrote it'
                raise InvalidInput.of(here, received=other, accepted=accepted)


def _adds_up(statistics: Json, headline: Sequence[str]) -> bool:
    """Whether these are a share and a one for each part of the headline; or none, which every item may have."""
    if statistics is None:
        return True
    parts = [part for metric in headline for part in PARTS.get(metric, ())]
    if not isinstance(statistics, list) or len(statistics) != 2 * len(parts) or not parts:
        return False
    return all(type(number) in (int, float) and 0 <= number <= 1 for number in statistics)


def _fill(database: sqlite3.Connection, table: str, columns: int, rows: Iterator[tuple[str, tuple[Any, ...]]]) -> None:
    insert = f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 -- names of ours
    for place, row in rows:
        try:
            database.execute(insert, row)
        except sqlite3.IntegrityError:
            raise InvalidInput.of(f"{place}.id", received=row[0], accepted="one line for each item") from None
