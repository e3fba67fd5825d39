"""The report as one page of HTML that needs nothing beside it: tables with intervals, and the items one by one.

Whatever a model or a data set says is shown as text: the template escapes it, and the page's content security policy
runs no script and loads nothing but what stands in the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tellurion_benchmark.assess import completed
from tellurion_benchmark.dataset import DataSet
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.report import Report
from tellurion_benchmark.results import Line, Results, named
from tellurion_benchmark.scoring import Item, Message, NoAnswer, Variant
from tellurion_benchmark.thumbnails import Thumbnails

ITEMS_SHOWN = 500
ROWS_SHOWN = 1000
"""Of one dimension."""
TEXT_SHOWN = 4000
"""Characters of each text of an item."""
IMAGES_SHOWN = 2
"""Of one item."""
REASONS_SHOWN = 100
REFERENCES = ("answer", "response", "Ground Truth")
"""Fields in which the benchmarks publish the right answer."""
BAR_WIDTH = 160
"""Pixels."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A value and its interval on an axis, pixels from its left end."""

    width: int
    value: float
    low: float | None
    high: float | None


def write_page(path: Path, report: Report, model: str, results: Results, data: DataSet, variant: Variant) -> None:
    """Writes the page of a report; how large it is does not grow with the number of items."""
    style, script = _source("page.css"), _source("page.js")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
        _source("page.html.j2")
    )
    thumbnails = Thumbnails()
    stream = template.stream(
        report=report,
        model=model,
        scorer=f"{report['variant']} scorer, {Prompts.said(report['judge']['prompt_version'])}",
        coverage=f"{report['coverage']:.2%}",
        figures=list(_rows({"": report["metrics"]})),
        dimensions=[_dimension(name, groups) for name, groups in report["groups"].items()],
        reasons=results.reasons().most_common(REASONS_SHOWN),
        items=results.counts()[0],
        kinds=sorted(results.kinds()),
        samples=[_sample(line, data.item(line.ordinal), variant, thumbnails) for line in results.sample(ITEMS_SHOWN)],
        style=Markup(style),  # noqa: S704 -- ours
        script=Markup(script),  # noqa: S704 -- ours
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    with path.open("w", encoding="utf-8") as file:
        file.writelines(stream)


def _dimension(name: str, groups: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    rows = list(_rows(groups))
    return {"name": name, "rows": rows[:ROWS_SHOWN], "left_out": max(len(rows) - ROWS_SHOWN, 0)}


def _rows(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The figures of groups as rows of a table; those of one metric have one axis."""
    figures: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for group, metrics in groups.items():
        for metric, figure in metrics.items():
            figures.setdefault(metric, []).append((group, figure))
    for metric, rows in figures.items():
        scale = _scale(figure for _, figure in rows)
        for group, figure in rows:
            row: dict[str, Any] = {"group": group, "metric": metric, "unavailable": figure.get("unavailable")}
            if not row["unavailable"]:
                row |= _shown(figure, scale)
            yield row


def _shown(figure: Mapping[str, Any], scale: tuple[float, float]) -> Mapping[str, Any]:
    value, interval = figure["value"], figure["ci95"]
    low, high = interval or (None, None)
    bar = None
    if value is not None:
        bar = Bar(BAR_WIDTH, _at(value, scale), *(None if end is None else _at(end, scale) for end in (low, high)))
    return {
        "value": _number(value),
        "stderr": _number(figure["stderr"]),
        "interval": "" if low is None else f"{_number(low)} to {_number(high)}",
        "bar": bar,
        "n": figure["n"],
        "unscored": figure["unscored"],
    }


def _scale(figures: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Ends of an axis that has 0, 1, and all values and intervals."""
    points = [0.0, 1.0]
    for figure in figures:
        points += [figure["value"]] if figure.get("value") is not None else []
        points += figure.get("ci95") or []
    return min(points), max(points)


def _at(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    return round((value - low) / (high - low) * BAR_WIDTH, 1)


def _sample(line: Line, item: Item, variant: Variant, thumbnails: Thumbnails) -> Mapping[str, Any]:
    shown = [thumbnails.of(path) for path in item.images[:IMAGES_SHOWN]]
    images = [image for image in shown if image is not None]
    missing = len(item.images) - len(images)
    reference = next((item.record[name] for name in REFERENCES if name in item.record), None)
    texts = {
        "Right answer": reference,
        "Answer": line.answer,
        "Extracted": line.extracted,
        "Unscored": line.lacking,
        "Judge": line.words,
    }
    return {
        "id": line.id,
        "kind": line.kind,
        "groups": item.groups.values(),
        "outcome": "unscored" if line.score is None else "above zero" if line.score > 0 else "zero",
        "score": "unscored" if line.score is None else _number(line.score),
        "images": images,
        "images_left_out": _left_out(item, missing),
        "prompt": [{"role": m.role, "text": _cut(m.text)} for m in _prompt(variant, item)],
        "texts": [(name, _cut(str(text))) for name, text in texts.items() if text],
    }


def _left_out(item: Item, missing: int) -> str:
    """Which images are not shown, and why."""
    if item.fault is not None:
        return f"{item.fault}: {named(item)}"
    return f"{missing} more images are not shown" if missing else ""


class _Overheard:
    """A model that gives no answer, and remembers what it was asked."""

    def __init__(self) -> None:
        self.messages: Sequence[Message] = ()

    async def __call__(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, sample: int = 0
    ) -> str:
        self.messages = messages
        raise NoAnswer("it is only overheard")


def _prompt(variant: Variant, item: Item) -> Sequence[Message]:
    """What a model is first asked about an item; nothing where it is not asked."""
    model = _Overheard()
    try:
        completed(variant.answer(item, model))
    except NoAnswer:
        pass
    except Exception:  # noqa: BLE001 -- what a question cannot be made of was reported as its item's failure
        return ()
    return model.messages


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}… ({len(text)} characters)"


def _source(name: str) -> str:
    return files("tellurion_benchmark").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """By which the content security policy knows what stands between a tag and its end."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
