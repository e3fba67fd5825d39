"""The benchmarks that there are."""

from __future__ import annotations

from tellurion_agent.capabilities.capability import Call, Capability, Returned
from tellurion_agent.recipes.recipe import Value


def _call(call: Call) -> Returned:
    suites = call.client.benchmark.suites(timeout=call.seconds)
    return Returned(
        tuple(Value(suite.name, suite.description, "") for suite in suites),
        tuple(f"{suite.name} has the scorers {', '.join(each.name for each in suite.variants)}" for suite in suites),
    )


CAPABILITY = Capability(
    name="benchmark.suites",
    title="The benchmarks that there are",
    phrases=("which benchmarks are there?", "List the benchmarks"),
    asks=(r"\b(?:which|what|list)\b.{0,20}\bbenchmarks?\b",),
    inputs=(),
    options=(),
    method="The benchmarks that the benchmark service has, with their scorers.",
    call=_call,
)
