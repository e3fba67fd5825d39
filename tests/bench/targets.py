"""A target, whether it is met, and tables in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One line of the table of targets."""

    what: str
    measured: str
    wanted: str
    met: bool
    stretch: bool = False
    """A goal beyond the targets: it is shown, and counts as nobody's failure."""


def at_most(what: str, measured: float, limit: float, digits: int = 2, *, stretch: bool = False) -> Target:
    """Met where `measured` is not above the limit."""
    return Target(what, f"{measured:.{digits}f}", f"≤ {limit:.4g}", measured <= limit, stretch)


def at_least(what: str, measured: float, limit: float, digits: int = 2) -> Target:
    """Met where `measured` is not below the limit."""
    return Target(what, f"{measured:.{digits}f}", f"≥ {limit:.4g}", measured >= limit)


def within(what: str, measured: Sequence[float], low: float, high: float) -> Target:
    """Met where the least and the most of what was measured are between the limits."""
    least, most = min(measured), max(measured)
    return Target(what, f"{least:.2f} to {most:.2f}", f"{low:g} to {high:g}", low <= least and most <= high)


def missed(targets: Iterable[Target]) -> list[Target]:
    """Those that are not met, stretches apart."""
    return [target for target in targets if not (target.met or target.stretch)]


def exit_code(targets: Iterable[Target]) -> int:
    """1 when a target is missed; which, on stderr."""
    failures = missed(targets)
    for target in failures:
        print(f"MISSED {target.what}: {target.measured}, wanted {target.wanted}", file=sys.stderr)
    return 1 if failures else 0


def target_table(targets: Iterable[Target]) -> str:
    """All of them."""
    rows = (
        [target.what + (" (stretch)" if target.stretch else ""), target.measured, target.wanted, _answer(target)]
        for target in targets
    )
    return markdown(["what", "measured", "target", "met"], rows)


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _answer(target: Target) -> str:
    return "yes" if target.met else "no"
