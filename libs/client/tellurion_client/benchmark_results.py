"""What the benchmark service answers: the benchmarks, reports, comparisons and leaderboards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tellurion.benchmark.v1 import benchmark_pb2


@dataclass(frozen=True)
class Variant:
    """A benchmark under one of its scorers; two scorers of one benchmark are two benchmarks."""

    name: str
    """`official`, `corrected` or `vlmevalkit`."""
    description: str
    """What it does, in a sentence."""
    unavailable: Mapping[str, str]
    """Metrics that the installation cannot compute, each with the reason."""

    @classmethod
    def of(cls, wire: benchmark_pb2.Variant) -> Variant:
        """From the wire."""
        return cls(wire.name, wire.description, dict(sorted(wire.unavailable.items())))


@dataclass(frozen=True)
class MetricDescription:
    """What a metric is."""

    name: str
    """Its name."""
    description: str
    """What it is, and in which range."""
    kinds: tuple[str, ...]
    """Kinds of question that enter it."""

    @classmethod
    def of(cls, wire: benchmark_pb2.MetricDescription) -> MetricDescription:
        """From the wire."""
        return cls(wire.name, wire.description, tuple(wire.kinds))


@dataclass(frozen=True)
class Suite:
    """A benchmark."""

    name: str
    """`sfe`, `omniearth`, `msearth` or `earthse`."""
    description: str
    """What it is, in a sentence."""
    variants: tuple[Variant, ...]
    """Its scorers."""
    metrics: tuple[MetricDescription, ...]
    """What it measures."""

    @classmethod
    def of(cls, wire: benchmark_pb2.Suite) -> Suite:
        """From the wire."""
        variants, metrics = map(Variant.of, wire.variants), map(MetricDescription.of, wire.metrics)
        return cls(wire.name, wire.description, tuple(variants), tuple(metrics))


@dataclass(frozen=True)
class Metric:
    """One figure of a report."""

    value: float | None
    """Its value; None where it has none, which is not zero."""
    stderr: float | None
    """Standard error, clustered by source document or image."""
    ci95: tuple[float, float] | None
    """95 % interval."""
    n: int
    """Items that it was computed from."""
    unscored: int
    """Items that it would have been computed from, had they a score."""
    unavailable: str
    """Why the installation cannot compute it; empty where it can."""

    @classmethod
    def of(cls, wire: benchmark_pb2.Metric) -> Metric:
        """From the wire."""
        return cls(
            value=wire.value if wire.HasField("value") else None,
            stderr=wire.stderr if wire.HasField("stderr") else None,
            ci95=(wire.low, wire.high) if wire.HasField("low") and wire.HasField("high") else None,
            n=wire.n,
            unscored=wire.unscored,
            unavailable=wire.unavailable,
        )


@dataclass(frozen=True)
class Report:
    """A report, without its items."""

    suite: str
    """Benchmark."""
    variant: str
    """Scorer."""
    dataset_sha256: str
    """SHA-256 of the questions and the images that they name."""
    model: str
    """Model that was asked, or the label of the predictions that were given."""
    judge: str
    """Model that judged; empty where none did."""
    judge_snapshot: str
    """As which version the judge's endpoint answered, where it says so."""
    prompt_version: str
    """Which prompts were used: `tellurion-1` for the service's own, `sha256:…` for given ones, or both."""
    items: int
    """Items that were evaluated."""
    coverage: float
    """Part of the items that have a prediction, of those that the scorer has any metric for."""
    given_up: int
    """Questions to the model or the judge that got no answer, and that another evaluation would ask again."""
    metrics: Mapping[str, Metric]
    """Over all items, by name."""
    groups: Mapping[str, Mapping[str, Mapping[str, Metric]]]
    """Over the items of each group: by `task`, `sphere`, `discipline` or `tier`, then by group, then by metric.

    None where there are more than a thousand groups, which report.json has.
    """

    @classmethod
    def of(cls, wire: benchmark_pb2.Report) -> Report:
        """From the wire."""
        groups: dict[str, dict[str, dict[str, Metric]]] = {}
        for group in wire.groups:
            groups.setdefault(group.dimension, {})[group.name] = _metrics(group.metrics)
        return cls(
            suite=wire.suite,
            variant=wire.variant,
            dataset_sha256=wire.dataset_sha256,
            model=wire.model,
            judge=wire.judge,
            judge_snapshot=wire.judge_snapshot,
            prompt_version=wire.prompt_version,
            items=wire.items,
            coverage=wire.coverage,
            given_up=wire.given_up,
            metrics=_metrics(wire.metrics),
            groups=groups,
        )

    @property
    def whole(self) -> bool:
        """Whether no question was given up on: to evaluate it again would ask nothing."""
        return not self.given_up


@dataclass(frozen=True)
class Difference:
    """How two evaluations differ in a headline metric, over the items that both have scored."""

    metric: str
    """Which metric."""
    dimension: str
    """`task`, `sphere`, `discipline` or `tier`; empty for all items."""
    name: str
    """Which group; empty for all items."""
    a: float
    """Figure of the first."""
    b: float
    """Figure of the second."""
    difference: float
    """Difference, second less first."""
    stderr: float | None
    """Its standard error, clustered; None where there is one cluster."""
    ci95: tuple[float, float] | None
    """Its 95 % interval."""
    p: float | None
    """Two-sided p-value of Student's t; those of groups are corrected by Holm's method within their dimension."""
    n: int
    """Items that both have scored."""

    @classmethod
    def of(cls, wire: benchmark_pb2.Difference) -> Difference:
        """From the wire."""
        return cls(
            metric=wire.metric,
            dimension=wire.dimension,
            name=wire.name,
            a=wire.a,
            b=wire.b,
            difference=wire.difference,
            stderr=wire.stderr if wire.HasField("stderr") else None,
            ci95=(wire.low, wire.high) if wire.HasField("low") and wire.HasField("high") else None,
            p=wire.p if wire.HasField("p") else None,
            n=wire.n,
        )


@dataclass(frozen=True)
class Standing:
    """One place of a leaderboard."""

    model: str
    """Model, or the label of predictions that were given."""
    figure: Metric
    """Its figure."""
    coverage: float
    """Part of the items that have a prediction, of those that the scorer has any metric for."""
    best_rank: int
    """Best place that its interval allows, 1 for the first.

    0 for a published figure, which has no interval, and where predictions are lacking.
    """
    worst_rank: int
    """Worst place that its interval allows; 0 as the best."""
    operation: str
    """Name of the evaluation's operation; empty for a published figure."""
    published_by: str
    """Who published it; empty for the tenant's own."""

    @classmethod
    def of(cls, wire: benchmark_pb2.Standing) -> Standing:
        """From the wire."""
        return cls(
            model=wire.model,
            figure=Metric.of(wire.metric),
            coverage=wire.coverage,
            best_rank=wire.best_rank,
            worst_rank=wire.worst_rank,
            operation=wire.operation,
            published_by=wire.published_by,
        )


@dataclass(frozen=True)
class Board:
    """Evaluations of the same items by one metric, one judge and one version of the prompts; or published figures."""

    metric: str
    """Headline metric by which it ranks; for published figures what their publication calls it, with the unit."""
    dataset_sha256: str
    """SHA-256 of the data set; empty for published figures."""
    items: int
    """Items that were evaluated."""
    judge: str
    """Model that judged; empty where none did."""
    judge_snapshot: str
    """As which version the judge's endpoint answered, where it says so."""
    prompt_version: str
    """Which prompts were used: `tellurion-1` for the service's own, `sha256:…` for given ones, or both."""
    standings: tuple[Standing, ...]
    """Best first, those that lack predictions last; of a model's evaluations the latest."""

    @classmethod
    def of(cls, wire: benchmark_pb2.Board) -> Board:
        """From the wire."""
        return cls(
            metric=wire.metric,
            dataset_sha256=wire.dataset_sha256,
            items=wire.items,
            judge=wire.judge,
            judge_snapshot=wire.judge_snapshot,
            prompt_version=wire.prompt_version,
            standings=tuple(map(Standing.of, wire.standings)),
        )


def _metrics(wires: Iterable[benchmark_pb2.Metric]) -> dict[str, Metric]:
    return {wire.name: Metric.of(wire) for wire in wires}
