"""What is listed of a benchmark is what its scorers compute."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scoring import Item
from tellurion_benchmark.suites import SUITES, suite
from tellurion_core.errors import InvalidInput

EVERY = [(name, variant) for name, found in SUITES.items() for variant in found.variants]
ONLY_CHOICE = ("msearth", "vlmevalkit")
"""Has no score for the benchmark's other kinds."""


@pytest.mark.parametrize(("name", "variant"), EVERY)
def test_a_variant_is_loaded_by_its_name(name, variant):
    loaded = suite(name).variant(variant, Prompts.of(name, None))
    assert (loaded.suite, loaded.name, loaded.prompt_version) == (name, variant, "tellurion-1")
    assert set(loaded.unavailable) <= set(suite(name).metrics)


@pytest.mark.parametrize("name", sorted(SUITES))
def test_every_metric_is_described_and_belongs_to_a_kind(name):
    found = suite(name)
    assert {metric for metrics in found.kinds.values() for metric in metrics} == set(found.metrics)


@pytest.mark.parametrize(("name", "variant"), [pair for pair in EVERY if pair != ONLY_CHOICE])
async def test_an_item_is_in_the_mean_of_its_kinds_metrics(name, variant):
    loaded = suite(name).variant(variant, Prompts.of(name, None))
    assert set(loaded.pooled) <= set(suite(name).metrics) - set(loaded.unavailable)
    for kind, metrics in suite(name).under(variant).kinds.items():
        scored = await loaded.score(Item("1", kind, {}, (), {}, "1"), None, None)
        assert set(scored.metrics) == set(metrics) - set(loaded.unavailable) - set(loaded.pooled)
        if metrics[0] in scored.metrics:
            assert scored.metrics[metrics[0]] == scored.score


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(InvalidInput, match="msearth"):
        suite("imagenet")
    with pytest.raises(InvalidInput, match="official"):
        suite("msearth").variant("mine", Prompts.of("msearth", None))
    with pytest.raises(InvalidInput, match="official"):
        suite("msearth").under("mine")


@pytest.mark.parametrize(("name", "variant"), EVERY)
def test_a_variant_has_the_benchmarks_kinds_and_metrics(name, variant):
    found = suite(name).under(variant)
    assert set(found.kinds) == set(suite(name).kinds)
    assert {metric for metrics in found.kinds.values() for metric in metrics} <= set(found.metrics)


def test_listing_loads_no_library_of_metrics():
    libraries = {"nltk", "pycocoevalcap", "sacrebleu", "torch"}
    program = f"import sys, tellurion_benchmark.suites; print({libraries} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"
