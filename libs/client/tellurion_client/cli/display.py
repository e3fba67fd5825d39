"""What a person, or a program that asked for JSON, gets to see."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from tellurion_client.assimilation_results import AssimilationMethod, AssimilationSystem, ComparisonReport
    from tellurion_client.benchmark_results import Board, Difference, Metric, Report, Suite
    from tellurion_client.ocean import Progress
    from tellurion_client.operations import OperationStatus
    from tellurion_client.scores import Method, MethodScores
    from tellurion_core.model_discovery import ModelSource
    from tellurion_core.weights import Entry

OWN_PROMPTS = "tellurion-1"
"""Version of the benchmark service's own prompts."""


def line(text: str) -> None:
    """One line on stdout."""
    print(text, flush=True)


def json_line(document: Any) -> None:
    """One JSON document on stdout; a number that is not finite, which JSON has not, is null."""
    print(json.dumps(_finite(document), allow_nan=False), flush=True)


def _finite(document: Any) -> Any:
    if isinstance(document, Mapping):
        return {key: _finite(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_finite(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document


def note(text: str) -> None:
    """One line on stderr, for whoever watches."""
    print("tellurion:", text, file=sys.stderr, flush=True)


def services(state: Path, pid: int, running: Mapping[str, Mapping[str, Any]]) -> None:
    """A table of running services."""
    table = _table(f"Platform on {state} (process {pid})", ["service", "status", "address"], ["pid", "restarts"])
    for name, service in running.items():
        columns = ("status", "address", "pid", "restarts")
        table.add_row(name, *(str(service[column]) for column in columns))
    _print(table)


def methods(known: Iterable[Method]) -> None:
    """A table of methods."""
    table = _table("Methods, best first", ["method", "ensemble", "learned", "computes"], ["usually\ns"])
    for method in known:
        answers = ("yes" if answer else "no" for answer in (method.ensemble, method.learned))
        table.add_row(method.name, *answers, method.description, f"{method.typical_seconds:g}")
    _print(table)


def assimilation(known: Iterable[AssimilationMethod], systems: Iterable[AssimilationSystem]) -> None:
    """A table of methods of assimilation, and one of the systems that they are cycled on."""
    table = _table("Methods", ["method", "analyses", "cycles", "ensemble", "learned", "computes"], [])
    for method in known:
        marks = (method.analyses, bool(method.systems), method.ensemble, method.learned)
        table.add_row(method.name, *("yes" if mark else "no" for mark in marks), method.description)
    _print(table)
    table = _table("Systems of twin experiments", ["system", "is"], ["variables", "step"])
    for system in systems:
        table.add_row(system.name, system.description, str(system.size), f"{system.step:g}")
    _print(table)


def comparison(title: str, of: ComparisonReport) -> None:
    """A table of figures by method, and below each how it differs from the reference."""
    figures = list(next(iter(of.methods.values())).figures)
    table = _table(title, ["method"], [*(name.replace("_", "\n") for name in figures), "time\ns"])
    table.caption = f"Below each figure: the method less {of.reference} on the same cases, with its 95 % interval."
    table.caption_justify = "left"
    for name, method in of.methods.items():
        cells = [f"{method.figures[figure].value:.4f}" for figure in figures]
        table.add_row(name, *cells, f"{method.seconds:.2f}")
        if method.differences:
            less = (method.differences[figure] for figure in figures)
            table.add_row("", *(f"{each.value:+.4f}\n({each.low:+.4f} … {each.high:+.4f})" for each in less), "")
    _print(table)


def models(registered: Iterable[Entry]) -> None:
    """A table of registered weights."""
    table = _table("Registered weights", ["service", "name", "added", "SHA-256"], ["MB"])
    for entry in registered:
        added = entry.added.strftime("%Y-%m-%d")
        table.add_row(entry.service, entry.name, added, entry.sha256, f"{entry.size / 1e6:.1f}")
    _print(table)


def served_models(sources: Iterable[ModelSource]) -> None:
    """A table of models, with the tensors that they take and answer."""
    table = _table("Models", ["model", "distribution", "takes", "answers"], [])
    for source in sources:
        tensors = (", ".join(f"{name} {spec}" for name, spec in of.items()) for of in (source.inputs, source.outputs))
        table.add_row(source.name, source.distribution, *tensors)
    _print(table)


def operations(known: Iterable[OperationStatus]) -> None:
    """A table of long work."""
    table = _table("Operations, newest first", ["name", "kind", "state", "submitted", "now"], ["done"])
    for status in known:
        submitted = status.created.strftime("%Y-%m-%d %H:%M")
        now = status.error.message if status.error is not None else status.message
        table.add_row(status.name, status.kind, status.state, submitted, now, f"{status.fraction:.0%}")
    _print(table)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table of words."""
    filled = _table(title, columns, [])
    for row in rows:
        filled.add_row(*row)
    _print(filled)


def scores(title: str, by_method: Mapping[str, MethodScores]) -> None:
    """A table of scores by method."""
    from rich.text import Text

    numbers = [
        "unob-\nserved",
        "ob-\nserved",
        "\ntotal",
        "by\narea",
        "by\nlevel",
        "spread/\nskill",
        "CRPS\n°C",
        "time\ns",
    ]
    table = _table(title, ["method"], numbers)
    table.caption = (
        "Mean squared errors in °C²; total: weighted by the parts observed and not; by area: unobserved cells weighted "
        "by area; by level: unobserved cells, each level's errors over its variance (no unit). Spread/skill 1 is "
        "calibrated. Bold: least error at unobserved cells."
    )
    table.caption_justify = "left"
    best = min((s.masked.reconstruction for s in by_method.values()), default=None)
    for method, s in by_method.items():
        errors = [s.masked.reconstruction, s.masked.guidance, s.masked.total]
        errors += [s.area_weighted, s.level_normalised]
        calibration = (
            "–" if value is None else f"{value:.{digits}f}" for value, digits in ((s.spread_skill, 2), (s.crps, 3))
        )
        style = "bold" if s.masked.reconstruction == best else ""
        cells = [method, *(f"{e:.4f}" for e in errors), *calibration, f"{s.seconds:.1f}"]
        table.add_row(*(Text(cell, style) for cell in cells))
    _print(table)


def suites(known: Iterable[Suite]) -> None:
    """A table of benchmarks, a row for each variant."""
    table = _table("Benchmarks", ["suite", "variant", "what it does", "not to be had here"], [])
    for suite in known:
        table.add_row(suite.name, "", suite.description, "")
        for variant in suite.variants:
            absent = "; ".join(f"{name}: {reason}" for name, reason in variant.unavailable.items())
            table.add_row("", variant.name, variant.description, absent)
    _print(table)


def report(of: Report) -> None:
    """A table of an evaluation's figures over all items."""
    who = of.model or "predictions"
    table = _table(
        f"{of.suite}, {of.variant} scorer, {_prompts(of.prompt_version)}: {who}",
        ["metric"],
        ["value", "± s.e.", "95 % interval", "n", "unscored"],
    )
    absent = []
    for name, metric in of.metrics.items():
        if metric.unavailable:
            absent.append(f"{name}: {metric.unavailable}")
        else:
            table.add_row(name, *_figure(metric), str(metric.n), str(metric.unscored))
    _print(table)
    judged = _judged(of.judge, of.judge_snapshot)
    line(f"{of.coverage:.2%} of {of.items} items have a prediction; {judged}; data set {of.dataset_sha256[:12]}")
    for reason in absent:
        line(f"not to be had here: {reason}")


def differences(between: Iterable[Difference]) -> None:
    """A table of how two evaluations differ."""
    numbers = ["a", "b", "b − a", "± s.e.", "95 % interval", "p", "n"]
    table = _table("b less a, over the items that both have scored", ["metric", "", "group"], numbers)
    for of in between:
        p = "–" if of.p is None else f"{of.p:.3g}"
        figures = (f"{of.a:.4f}", f"{of.b:.4f}", f"{of.difference:+.4f}", _number(of.stderr), _interval(of.ci95), p)
        table.add_row(of.metric, of.dimension or "all", of.name, *figures, str(of.n))
    _print(table)
    line("p is two-sided; those of groups are corrected for their number")


def boards(title: str, comparable: Iterable[Board]) -> None:
    """A table for each board: what stands on two of them cannot be compared."""
    for board in comparable:
        if board.dataset_sha256:
            judged = f"{_prompts(board.prompt_version)}, {_judged(board.judge, board.judge_snapshot)}"
            about = f"{judged}; {board.items} items, data set {board.dataset_sha256[:12]}"
        else:
            about = "as others have published"
        numbers = ["value", "± s.e.", "95 % interval", "n", "coverage"]
        table = _table(f"{title} scorer, {board.metric}: {about}", ["place", "model"], numbers)
        table.add_column("from", overflow="fold")
        for of in board.standings:
            place = str(of.best_rank or "–") if of.best_rank == of.worst_rank else f"{of.best_rank}–{of.worst_rank}"
            own = (place, of.model, *_figure(of.figure), str(of.figure.n), f"{of.coverage:.2%}", of.operation)
            published = ("–", of.model, *_figure(of.figure), "–", "–", of.published_by)
            table.add_row(*(published if of.published_by else own))
        _print(table)


@contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """A bar on stderr where that is a terminal; None otherwise."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)

        def show(fraction: float, message: str) -> None:
            bar.update(task, completed=fraction, description=f"{what}: {message}" if message else what)

        yield show


def _judged(judge: str, snapshot: str) -> str:
    """By whom, in words."""
    return f"judged by {judge}{f' ({snapshot})' if snapshot else ''}" if judge else "no judge"


def _prompts(version: str) -> str:
    """Whose prompts, in words: the service's own are no benchmark's official ones."""
    own, _, given = version.partition("+")
    if own != OWN_PROMPTS:
        return f"given prompts ({version})"
    return f"prompts that are partly ours ({version})" if given else f"our prompts ({version})"


def _figure(of: Metric) -> tuple[str, str, str]:
    """Value, standard error and interval."""
    return _number(of.value), _number(of.stderr), _interval(of.ci95)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _interval(ends: tuple[float, float] | None) -> str:
    return "–" if ends is None else f"{ends[0]:.4f} to {ends[1]:.4f}"


def _table(title: str, words: Iterable[str], numbers: Iterable[str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    # Into a file or a pipe a table is as wide as it is: nothing is cut to the width of a terminal that is not there.
    Console(width=None if sys.stdout.isatty() else 160).print(table)
