"""What was made of each item, in a SQLite file of its own: however many items there are, memory stays as it is."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from tellurion_benchmark.scoring import Gathered, Item, Json, Scored, Unscored, Variant
from tellurion_benchmark.statistics import LARGEST
from tellurion_benchmark.suites import suite
from tellurion_core.encodable import encodable

log = structlog.get_logger()

TABLES = """
    CREATE TABLE items (
        ordinal INTEGER PRIMARY KEY, id TEXT, kind TEXT, cluster TEXT, stratum INTEGER, answer TEXT,
        extracted TEXT, score REAL, unscored TEXT, words TEXT, faulty TEXT
    );
    CREATE TABLE measured (
        metric INTEGER, ordinal INTEGER, value REAL, PRIMARY KEY (metric, ordinal)
    ) WITHOUT ROWID;
    CREATE TABLE pooled (
        metric INTEGER, ordinal INTEGER, statistics TEXT, PRIMARY KEY (metric, ordinal)
    ) WITHOUT ROWID;
    CREATE TABLE gathered (ordinal INTEGER PRIMARY KEY, payload TEXT);
"""
"""`answer` is null where there is no prediction, `unscored` where there is a score, `value` where there is none."""
PAGE = 512
"""Items that are written at once."""
ANSWER_KEPT = 4000
"""Characters of an answer that the report's page can show."""
NAME_SHOWN = 200
"""Characters of an image's name."""
FAILED = Unscored("the answer could not be scored")
UNBOUNDED = Unscored("the score is out of all bounds")


class Assessed(NamedTuple):
    """One item, what was predicted for it, and what that is worth."""

    item: Item
    answered: bool
    """Whether there is a prediction."""
    prediction: Json
    """None where there is none."""
    worth: Scored | Gathered


class Line(NamedTuple):
    """What a report says of one item."""

    ordinal: int
    """Its place in the data set."""
    id: str
    kind: str
    cluster: str
    stratum: int
    """Which of `Results.groups` are its own."""
    answer: str | None
    """The beginning of what was predicted; None where nothing was."""
    extracted: str | None
    score: float | None
    """None where it is unscored."""
    unscored: str | None
    """Why it is; None where it is not."""
    words: str
    """What the scorer remarks, the judge's words above all."""
    faulty: str
    """Name of the image that it is unscored for; empty where it is for none."""
    statistics: str | None
    """JSON of what it adds to its headline metric, where that is one of the whole corpus."""

    @property
    def lacking(self) -> str | None:
        """Why it is unscored, and for which image where one is at fault; None where it is not."""
        return f"{self.unscored}: {self.faulty}" if self.faulty else self.unscored


class Results:
    """The items of one evaluation in the order of the data set, and the values that they have in each metric."""

    def __init__(self, path: Path, variant: Variant) -> None:
        path.unlink(missing_ok=True)
        self._variant = variant
        self._corpus = {
            kind: [metric for metric in metrics if metric in variant.pooled and metric not in variant.unavailable]
            for kind, metrics in suite(variant.suite).kinds.items()
        }
        self._database = sqlite3.connect(path, isolation_level=None)
        # Whatever becomes of this file, it is made again from the answers.
        self._database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + TABLES + "BEGIN;")
        self._metrics: dict[str, int] = {}
        self._strata: dict[tuple[tuple[str, str], ...], int] = {}
        self._groups: list[Mapping[str, str]] = []
        self._pages: dict[str, list[tuple[Json, ...]]] = {name: [] for name in _INSERTS}

    def add(self, ordinal: int, assessed: Assessed) -> None:
        """Keeps what was made of the item in this place of the data set."""
        item = assessed.item
        scored = None
        if isinstance(assessed.worth, Gathered):
            self._pages["gathered"].append((ordinal, json.dumps(assessed.worth.payload)))
        else:
            scored = assessed.worth
            self._measure(ordinal, item.kind, scored)
        answer = _shown(assessed.prediction) if assessed.answered else None
        said = _said(scored)
        _, _, unscored, _ = said
        faulty = named(item) if unscored is not None and unscored == item.fault else ""
        row = (ordinal, item.id, item.kind, item.cluster, self._stratum(item.groups), answer, *said, faulty)
        self._pages["items"].append(row)
        if len(self._pages["items"]) == PAGE:
            self._write()

    def finish(self) -> None:
        """Scores the answers that were gathered, in the order of their ids, which is that of no file."""
        self._write()
        rows = self._database.execute(
            "SELECT ordinal, kind, payload FROM gathered JOIN items USING (ordinal) ORDER BY id"
        ).fetchall()
        try:
            scores = self._variant.finish([json.loads(payload) for _, _, payload in rows])
        except Exception:
            log.warning("the gathered answers could not be scored", answers=len(rows), exc_info=True)
            scores = [self._failed(kind) for _, kind, _ in rows]
        for (ordinal, kind, _), scored in zip(rows, scores, strict=True):
            self._database.execute(
                "UPDATE items SET extracted = ?, score = ?, unscored = ?, words = ? WHERE ordinal = ?",
                (*_said(scored), ordinal),
            )
            self._measure(ordinal, kind, scored)
        self._write()

    @property
    def metrics(self) -> frozenset[str]:
        """Metrics that some item is in, with a score or without."""
        return frozenset(self._metrics)

    @property
    def groups(self) -> Sequence[Mapping[str, str]]:
        """The groups of the items of each stratum: items of one stratum have all groups in common."""
        return self._groups

    def values(self, metric: str) -> Iterator[tuple[str, int, float | None]]:
        """Cluster, stratum and value of each item that is in a metric, by cluster; no value where it is unscored."""
        return self._database.execute(
            "SELECT cluster, stratum, value FROM measured JOIN items USING (ordinal) WHERE metric = ? ORDER BY cluster",
            (self._metrics.get(metric),),
        )

    def statistics(self, metric: str) -> Iterator[tuple[str, int, tuple[float, ...] | None]]:
        """As `values`, of a metric of the whole corpus: what adds up over items."""
        rows = self._database.execute(
            "SELECT cluster, stratum, statistics FROM pooled JOIN items USING (ordinal) WHERE metric = ?1"
            " UNION ALL SELECT cluster, stratum, NULL FROM measured JOIN items USING (ordinal)"
            " WHERE metric = ?1 AND value IS NULL AND ordinal NOT IN (SELECT ordinal FROM pooled WHERE metric = ?1)"
            " ORDER BY cluster",
            (self._metrics.get(metric),),
        )
        return ((cluster, stratum, text and tuple(json.loads(text))) for cluster, stratum, text in rows)

    def lines(self) -> Iterator[Line]:
        """All items, in the order of the data set."""
        return self._lines("ORDER BY ordinal")

    def sample(self, limit: int) -> Iterator[Line]:
        """Some items in the order of the data set, as evenly as may be of each kind, with and without a score, at zero
        and above; of those the first.
        """
        return self._lines(
            "WHERE ordinal IN (SELECT ordinal FROM (SELECT ordinal, ROW_NUMBER() OVER"
            " (PARTITION BY kind, score IS NULL, score > 0 ORDER BY ordinal) AS place FROM items)"
            " ORDER BY place, ordinal LIMIT ?) ORDER BY ordinal",
            limit,
        )

    def kinds(self) -> frozenset[str]:
        """Kinds of question that there are."""
        return frozenset(kind for (kind,) in self._database.execute("SELECT DISTINCT kind FROM items"))

    def coverage(self) -> float:
        """Part of the items that have a prediction, of those that the variant has any metric for; 1 of none."""
        under = suite(self._variant.suite).under(self._variant.name)
        kinds = [kind for kind, metrics in under.kinds.items() if metrics]
        counted = f"SELECT COUNT(*), COUNT(answer) FROM items WHERE kind IN ({', '.join('?' * len(kinds))})"  # noqa: S608
        items, answered = self._database.execute(counted, kinds).fetchone()
        return answered / items if items else 1.0

    def counts(self) -> tuple[int, int, int]:
        """Items; those with a prediction; those with a score."""
        rows = self._database.execute("SELECT COUNT(*), COUNT(answer), COUNT(score) FROM items")
        items, answered, scored = rows.fetchone()
        return items, answered, scored

    def reasons(self) -> Counter[str]:
        """Why items are unscored, and how many each."""
        rows = self._database.execute("SELECT unscored, COUNT(*) FROM items WHERE unscored IS NOT NULL GROUP BY 1")
        return Counter(dict(rows))

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def _lines(self, which: str, *arguments: Json) -> Iterator[Line]:
        kinds = suite(self._variant.suite).kinds.values()
        headlines = {kind[0] for kind in kinds} & self._variant.pooled.keys() & self._metrics.keys()
        numbers = ", ".join(str(self._metrics[metric]) for metric in headlines)
        statistics = f"(SELECT statistics FROM pooled WHERE metric IN ({numbers}) AND ordinal = items.ordinal)"  # noqa: S608 -- numbers of ours
        return map(Line._make, self._database.execute(f"SELECT *, {statistics} FROM items {which}", arguments))  # noqa: S608

    def _measure(self, ordinal: int, kind: str, scored: Scored) -> None:
        measured, pooled = self._pages["measured"], self._pages["pooled"]
        for metric, value in scored.metrics.items():
            measured.append((self._metric(metric), ordinal, _number(value)))
        for metric in self._corpus[kind]:
            if metric not in scored.pooled:
                measured.append((self._metric(metric), ordinal, None))
        for metric, statistics in scored.pooled.items():
            # Zeros alone add nothing to a corpus: the item is not in it.
            if any(statistics) and all(abs(statistic) <= LARGEST for statistic in statistics):
                pooled.append((self._metric(metric), ordinal, json.dumps(statistics)))
            else:
                measured.append((self._metric(metric), ordinal, None))

    def _failed(self, kind: str) -> Scored:
        entered = (m for m in suite(self._variant.suite).kinds[kind] if m not in self._variant.unavailable)
        return Scored(None, FAILED, dict.fromkeys(entered, FAILED))

    def _metric(self, name: str) -> int:
        return self._metrics.setdefault(name, len(self._metrics))

    def _stratum(self, groups: Mapping[str, str]) -> int:
        key = tuple(groups.items())
        stratum = self._strata.get(key)
        if stratum is None:
            stratum = self._strata[key] = len(self._groups)
            self._groups.append(dict(key))
        return stratum

    def _write(self) -> None:
        for name, page in self._pages.items():
            self._database.executemany(_INSERTS[name], page)
            page.clear()


def named(item: Item) -> str:
    """The name of an item's image that cannot be shown, as a report shows it."""
    return item.faulty if len(item.faulty) <= NAME_SHOWN else f"{item.faulty[: NAME_SHOWN - 1]}…"


def _number(value: float | Unscored) -> float | None:
    return float(value) if not isinstance(value, Unscored) and abs(value) <= LARGEST else None


def _said(scored: Scored | None) -> tuple[str | None, float | None, str | None, str]:
    """Extracted, score, why there is none, words; all empty of what is not scored yet."""
    if scored is None:
        return None, None, None, ""
    score = _number(scored.score)
    unscored = None
    if score is None:
        unscored = (scored.score if isinstance(scored.score, Unscored) else UNBOUNDED).reason
    # Escapes of JSON that a scorer read can be halves of characters, which SQLite refuses.
    extracted = None if scored.extracted is None else encodable(scored.extracted)
    return extracted, score, unscored, encodable(scored.reason)


def _shown(prediction: Json) -> str:
    text = prediction if isinstance(prediction, str) else json.dumps(prediction, ensure_ascii=False)
    return text if len(text) <= ANSWER_KEPT else text[: ANSWER_KEPT - 1] + "…"


_INSERTS = {
    "items": "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "measured": "INSERT OR REPLACE INTO measured VALUES (?, ?, ?)",
    "pooled": "INSERT INTO pooled VALUES (?, ?, ?)",
    "gathered": "INSERT INTO gathered VALUES (?, ?)",
}
