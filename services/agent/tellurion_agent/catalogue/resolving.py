"""Which data sets a recipe gets: chosen with reasons, with the others that would have done, or what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.catalogue.missing import nothing_fits
from tellurion_agent.catalogue.wanted import MODELLED, OBSERVED, Wanted, dated, natural, what
from tellurion_agent.recipes.recipe import Input

MOST_ALTERNATIVES, MOST_NEAREST = 10, 3


@dataclass(frozen=True)
class Resolved:
    """What is read."""

    by_role: Mapping[str, DataSet]
    """Under the role; under ``role:label`` where the input takes many."""
    reasons: tuple[str, ...]
    """Why these, in sentences for the reader of the report; what was left out."""
    alternatives: Mapping[str, tuple[DataSet, ...]] = field(default_factory=dict)
    """By role, what fits as well, of another source or experiment that was not asked for: the choice is arbitrary."""


@dataclass(frozen=True)
class Missing:
    """There are no data for it."""

    reasons: tuple[str, ...]
    """What is missing, and what there is instead."""


def resolve(inputs: Sequence[Input], slots: Mapping[str, Any], catalogue: Catalogue) -> Resolved | Missing:
    """Data sets for the roles of a recipe, of one model throughout where models are read.

    Where the slot for sources names several, an input that takes many takes those, and each must be there.
    """
    wanted = {needed.role: Wanted.by(needed, slots) for needed in inputs}
    named = next((slots[name] for name in ("sources", "source") if isinstance(slots.get(name), tuple)), ())
    each_wanted = {
        needed.role: [replace(wanted[needed.role], source=source) for source in named]
        if needed.many and named
        else [wanted[needed.role]]
        for needed in inputs
    }
    fitting = {
        needed.role: sorted(
            (data for data in catalogue.datasets if any(want.fits(data) for want in each_wanted[needed.role])),
            key=wanted[needed.role].order,
        )
        for needed in inputs
    }
    for needed in inputs:
        if needed.many and not wanted[needed.role].experiment and (named or wanted[needed.role].periods):
            fitting[needed.role] = _as_it_was(fitting[needed.role])
    required = [needed for needed in inputs if not needed.optional]
    if lacking := [
        nothing_fits(want, catalogue)
        for each in required
        for want in each_wanted[each.role]
        if not any(want.fits(data) for data in fitting[each.role])
    ]:
        return Missing(tuple(lacking))
    one = {needed.role: fitting[needed.role] for needed in inputs if not needed.many and fitting[needed.role]}
    many = [needed for needed in inputs if needed.many]
    chosen, reasons = _consistent(one, wanted, {each.role for each in required})
    if chosen is None:
        return Missing(tuple(reasons))
    alternatives = _alternatives(chosen, one, wanted)
    by_role: dict[str, DataSet] = dict(chosen)
    reasons += [_reason(wanted[role], data, alternatives.get(role, ())) for role, data in chosen.items()]
    reasons += [
        f"{role.replace('_', ' ')}: no data set fits, and it is not needed"
        for role in wanted
        if not fitting[role] and role not in {each.role for each in required}
    ]
    if many:
        labelled, left_out = _many({each.role: fitting[each.role] for each in many}, {e.role for e in required}, wanted)
        if not labelled:
            return Missing(tuple(left_out))
        by_role |= labelled
        reasons += [f"{role}: {data.label}" for role, data in labelled.items()] + left_out
    return Resolved(by_role, tuple(reasons), alternatives)


def _as_it_was(found: Sequence[DataSet]) -> list[DataSet]:
    """Without a source's experiments where it has what happened: years of the past were asked for, no experiment."""
    real = {data.source for data in found if data.experiment in ("", "historical")}
    return [data for data in found if data.experiment in ("", "historical") or data.source not in real]


def _consistent(
    one: Mapping[str, list[DataSet]], wanted: Mapping[str, Wanted], required: set[str]
) -> tuple[dict[str, DataSet] | None, list[str]]:
    """The best data set for each role: all of one source and member where there is one that has them all."""
    own = {role for role in one if _own_source(wanted[role], wanted)}
    said = {data.source for role in own for data in one[role]}
    one = {  # a source that was named for another role goes before the rest
        role: found if role in own else [data for data in found if data.source in said] or found
        for role, found in one.items()
    }
    free = {role: _Runs(found) for role, found in one.items() if role not in own}
    best = {role: found[0] for role, found in one.items()}
    if not free:
        return best, []
    complete = []
    open_ = {role for role in free if not wanted[role].experiment}
    every = dict.fromkeys(
        (source, member, experiment if role in open_ else "")
        for role, runs in free.items()
        for source, member, experiment in runs.of_run
    )
    for source, member, experiment in every:
        if open_ and not experiment and any(run[2] for role in open_ for run in free[role].of_run if run[0] == source):
            continue  # the run of another role says which
        having = {
            role: data
            for role, runs in free.items()
            if (data := runs.best(source, member, experiment if role in open_ else "")) is not None
        }
        if all(role in having for role in free if role in required):
            ranks = [sum(map(float, column)) for column in zip(*_ranks(having, wanted), strict=True)]
            length = sum(file.steps for data in having.values() for file in data.files)
            order = (len(free) - len(having), ranks, natural(member), -length, natural(source))
            complete.append((order, having))
    if complete:
        return best | min(complete, key=lambda each: each[0])[1], []
    simulated = [role for role in free if role in required and wanted[role].experiment]
    if len(simulated) > 1 or any(best[role].kind == "model" for role in free if role in required):
        return None, [_no_source_has_all(free, required, wanted)]
    return best, ["no source has all that is read: the sources differ"]


class _Runs:
    """What fits one role, the best of each run of each source."""

    def __init__(self, found: Sequence[DataSet]) -> None:
        self.of_run: dict[tuple[str, str, str], DataSet] = {}
        self.of_source: dict[tuple[str, str], DataSet] = {}
        for data in found:
            for experiment in {data.experiment, ""}:
                self.of_run.setdefault((data.source, data.member, experiment), data)
                self.of_source.setdefault((data.source, experiment), data)

    @property
    def sources(self) -> set[str]:
        """That have any run."""
        return {source for source, _ in self.of_source}

    def best(self, source: str, member: str, experiment: str) -> DataSet | None:
        """Of this member where there is one: a control run may have one member alone. Of any experiment where empty."""
        found = self.of_run.get((source, member, experiment)) or self.of_source.get((source, experiment))
        other = self.of_source.get((source, ""))
        # Where land is does not depend on the experiment.
        return other if found is None and other is not None and "time" not in other.dimensions else found


def _ranks(having: Mapping[str, DataSet], wanted: Mapping[str, Wanted]) -> Iterator[tuple[Any, ...]]:
    return (wanted[role].rank(data) for role, data in having.items())


def _own_source(want: Wanted, wanted: Mapping[str, Wanted]) -> bool:
    """Whether a source was asked for that role alone."""
    return bool(want.source) and any(want.source != other.source for other in wanted.values())


def _no_source_has_all(free: Mapping[str, _Runs], required: set[str], wanted: Mapping[str, Wanted]) -> str:
    roles = [role for role in free if role in required]
    counts = Counter(source for role in roles for source in free[role].sources)
    nearest = sorted((source for source, count in counts.items() if count == max(counts.values())), key=natural)
    lacks = [
        f"{source} lacks " + " and ".join(what(wanted[role]) for role in roles if source not in free[role].sources)
        for source in nearest[:MOST_NEAREST]
    ]
    return f"no model has all that is needed: {'; '.join(lacks)}"


def _many(
    fitting: Mapping[str, list[DataSet]], required: set[str], wanted: Mapping[str, Wanted]
) -> tuple[dict[str, DataSet], list[str]]:
    """Of each run of each source the best data set, under a label that is the same in every role."""
    best: dict[str, dict[tuple[str, str, str], DataSet]] = {}
    for role, found in fitting.items():
        best[role] = {}
        for data in found:
            run = "" if wanted[role].experiment else data.experiment
            best[role].setdefault((data.source, run, data.member), data)
    roles = [role for role in best if role in required] or list(best)
    runs = sorted({run for role in roles for run in best[role]}, key=lambda run: tuple(map(natural, run)))
    whole = [run for run in runs if all(run in best[role] for role in roles)]
    left_out = [
        f"{' '.join(filter(None, run))} is left out: it lacks "
        + " and ".join(what(wanted[role]) for role in roles if run not in best[role])
        for run in runs
        if run not in whole
    ]
    labels = _labels(whole)
    labelled = {f"{role}:{labels[run]}": best[role][run] for role in best for run in whole if run in best[role]}
    return labelled, left_out


def _labels(runs: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
    """The source; with the experiment or the member only where they tell runs apart."""
    labels = {}
    for run in runs:
        same = [other for other in runs if other[0] == run[0]]
        parts = [run[0], *(run[n] for n in (1, 2) if len({other[n] for other in same}) > 1)]
        labels[run] = " ".join(filter(None, parts))
    return labels


def _alternatives(
    chosen: Mapping[str, DataSet], one: Mapping[str, list[DataSet]], wanted: Mapping[str, Wanted]
) -> dict[str, tuple[DataSet, ...]]:
    found = {}
    for role, data in chosen.items():
        want, others = wanted[role], {(data.source, data.experiment): data}
        named = want.source and want.source.casefold() not in OBSERVED | MODELLED
        for other in one[role]:
            if want.rank(other) == want.rank(data) and not (named and want.experiment):
                others.setdefault((other.source, other.experiment), other)
        if len(others) > 1:
            found[role] = tuple(others.values())[1 : MOST_ALTERNATIVES + 1]
    return found


def _reason(want: Wanted, data: DataSet, alternatives: Sequence[DataSet]) -> str:
    share = want.coverage(data)
    covers = f", which covers {share:.0%} of the period" if want.periods and dated(data) else ""
    others = ", ".join(" ".join(filter(None, (other.source, other.experiment))) for other in alternatives)
    instead = f"; {others} would do as well" if others else ""
    assumed = f" ({data.assumed})" if data.assumed else ""
    return f"{want.role.replace('_', ' ')}: {data.label}{assumed}{covers}{instead}"
