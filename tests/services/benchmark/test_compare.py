"""Two evaluations of the same questions differ item by item, and only what can be compared is compared."""

from __future__ import annotations

import json
import math
import random

import pytest
from scipy import stats

from tellurion_benchmark.compare import FILES, compare
from tellurion_core.errors import InvalidInput

REPORT = {
    "suite": "earthse",
    "variant": "official",
    "dataset_sha256": "0" * 64,
    "judge": {"model": None, "snapshot": None, "prompt_version": "tellurion-1"},
}


def design(number, cluster=None, kind="multiple_choice", **groups):
    return {"id": str(number), "kind": kind, "cluster": cluster or str(number), "groups": groups or {"sphere": "A"}}


@pytest.fixture
def write(tmp_path):
    """Writes a report's files: scores by item, and the design of the items."""

    def write(side, scores, designs, report=REPORT):
        folder = tmp_path / side
        folder.mkdir(exist_ok=True)
        items = ({"id": name, "extracted": None, "score": score, "reason": ""} for name, score in scores.items())
        for name, lines in zip(FILES, ([report], items, designs), strict=True):
            (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
        return folder

    return write


@pytest.fixture
def compared(write):
    """The differences of two lists of scores, by metric and group."""

    def compared(a, b, designs):
        sides = [write(s, {str(n): x for n, x in enumerate(scores)}, designs) for s, scores in (("a", a), ("b", b))]
        return {(d.metric, *d.group): d for d in compare(*sides)}

    return compared


def test_pairs_by_hand(compared):
    # Differences 1, 0, 0, 1, each its own cluster: mean 1/2, s = 1/√3, SE = 1/(2√3), t = √3.
    a, b = [0, 1, 1, 0], [1, 1, 1, 1]
    found = compared(a, b, [design(n) for n in range(4)])["multiple_choice_accuracy", "", ""]
    assert (found.a, found.b, found.estimate.value, found.estimate.n) == (0.5, 1.0, 0.5, 4)
    assert found.estimate.stderr == pytest.approx(1 / math.sqrt(12), rel=1e-14)
    assert found.p == pytest.approx(stats.ttest_rel(b, a).pvalue, rel=1e-12)


def test_pairs_in_clusters_by_hand(compared):
    # Differences {1, 1}, {0, 0}, {−1}: mean 1/5, r = 8/5, −2/5, −6/5; Σr² = 104/25; SE² = 3/2 · 104/25 / 25.
    designs = [design(n, cluster=c) for n, c in enumerate("ppqqr")]
    found = compared([0, 0, 1, 1, 1], [1, 1, 1, 1, 0], designs)["multiple_choice_accuracy", "", ""]
    assert found.estimate.value == pytest.approx(0.2)
    assert found.estimate.stderr == pytest.approx(math.sqrt(1.5 * 104 / 25 / 25), rel=1e-14)
    t = 0.2 / found.estimate.stderr
    assert found.p == pytest.approx(2 * stats.t.sf(t, 2), rel=1e-12)


def test_a_difference_of_pairs_is_surer_than_the_two_means(compared):
    rng = random.Random(2)
    hard = [rng.random() for _ in range(200)]
    a, b = ([float(rng.random() < h) for h in hard], None)
    b = [x if rng.random() < 0.9 else 1.0 - x for x in a]
    found = compared(a, b, [design(n) for n in range(200)])["multiple_choice_accuracy", "", ""]
    apart = math.sqrt((stats.sem(a)) ** 2 + stats.sem(b) ** 2)
    assert found.estimate.stderr < 0.6 * apart


def test_p_values_of_a_dimension_are_corrected_together(compared):
    rng = random.Random(4)
    spheres, tasks = "ABC", "xy"
    designs = [design(n, sphere=spheres[n % 3], task=tasks[n % 2]) for n in range(120)]
    a = [float(rng.random() < 0.5) for _ in designs]
    b = [max(x, float(rng.random() < 0.1 + 0.2 * (n % 3))) for n, x in enumerate(a)]
    found = compared(a, b, designs)
    alone = {}
    for place, sphere in enumerate(spheres):
        alone[sphere] = stats.ttest_rel(b[place::3], a[place::3]).pvalue
    ordered = sorted(alone, key=alone.get)
    least = 0.0
    for rank, sphere in enumerate(ordered):
        least = max(least, min(1.0, (3 - rank) * alone[sphere]))
        assert found["multiple_choice_accuracy", "sphere", sphere].p == pytest.approx(least, rel=1e-9)
    assert found["multiple_choice_accuracy", "", ""].p == pytest.approx(stats.ttest_rel(b, a).pvalue, rel=1e-9)


def test_only_items_that_both_have_scored_count(compared):
    found = compared([1, None, 0, 1], [0, 1, None, 1], [design(n) for n in range(4)])
    total = found["multiple_choice_accuracy", "", ""]
    assert (total.a, total.b, total.estimate.n) == (1.0, 0.5, 2)


def test_metrics_are_not_mixed(compared):
    designs = [design(0), design(1), design(2, kind="true_false"), design(3, kind="true_false")]
    found = compared([0, 0, 1, 1], [1, 1, 0, 0], designs)
    assert {key[0]: d.estimate.value for key, d in found.items() if not key[1]} == {
        "multiple_choice_accuracy": 1.0,
        "true_false_accuracy": -1.0,
    }


def test_swapping_the_two_turns_the_sign_alone(compared):
    designs = [design(n, cluster=str(n % 5)) for n in range(20)]
    rng = random.Random(1)
    a, b = ([rng.random() for _ in designs] for _ in "ab")
    there, back = (compared(*pair, designs)["multiple_choice_accuracy", "", ""] for pair in ((a, b), (b, a)))
    assert there.estimate.value == -back.estimate.value
    assert (there.estimate.stderr, there.p) == (back.estimate.stderr, back.p)


@pytest.fixture
def chains(write):
    """The differences of chains of thought, from precision and recall of each on both sides."""

    def chains(a, b, variant="corrected", clusters=None):
        clusters = clusters or [str(n) for n in range(len(a))]
        sides = []
        for side, scores in (("a", a), ("b", b)):
            designs = [
                design(n, clusters[n], "cot", task="t") | {"statistics": [p, 1.0, r, 1.0]}
                for n, (p, r) in enumerate(scores)
            ]
            mean = {str(n): 2 * p * r / (p + r) for n, (p, r) in enumerate(scores)}
            sides.append(write(side, mean, designs, REPORT | {"suite": "omniearth", "variant": variant}))
        return {(d.metric, *d.group): d for d in compare(*sides)}

    return chains


def f1(chains):
    p, r = (sum(chain[part] for chain in chains) / len(chains) for part in (0, 1))
    return 2 * p * r / (p + r)


def test_f1_of_chains_is_that_of_the_corpus_and_its_difference_is_jackknifed(chains):
    a = [(0.5, 1.0), (0.25, 0.5), (1.0, 0.25), (0.5, 0.5), (0.75, 1.0)]
    b = [(1.0, 0.5), (0.5, 0.5), (0.75, 1.0), (0.25, 1.0), (1.0, 1.0)]
    found = chains(a, b, clusters=list("ppqrs"))
    total = found["cot_f1", "", ""]
    assert (total.a, total.b) == pytest.approx((f1(a), f1(b)))
    assert total.estimate.value == pytest.approx(f1(b) - f1(a))
    left = []
    for cluster in "pqrs":
        rest = [n for n, other in enumerate("ppqrs") if other != cluster]
        left.append(f1([b[n] for n in rest]) - f1([a[n] for n in rest]))
    variance = 3 / 4 * sum((one - sum(left) / 4) ** 2 for one in left)
    assert total.estimate.stderr == pytest.approx(math.sqrt(variance), rel=1e-9)
    for part, metric in enumerate(("cot_precision", "cot_recall")):
        difference = found[metric, "", ""]
        assert difference.estimate.value == pytest.approx(sum(y[part] - x[part] for x, y in zip(a, b, strict=True)) / 5)
    assert found["cot_f1", "task", "t"].estimate == total.estimate


def test_a_side_is_shown_as_its_report_shows_it(chains):
    total = chains([(1 / 3, 1.0), (1.0, 1.0)], [(1.0, 1.0), (1.0, 1.0)], "official")["cot_f1", "", ""]
    assert total.a == round(2 * 0.6667 / 1.6667, 4)  # papers/benchmarks.md: the means are rounded before
    assert total.estimate.value == pytest.approx(1 - 0.8)


def test_a_mean_of_f1_is_not_called_f1(write):
    sides = [
        write(side, {"0": 0.5, "1": 1}, [design(n, kind="cot") for n in (0, 1)], REPORT | {"suite": "omniearth"})
        for side in "ab"
    ]
    with pytest.raises(InvalidInput, match="both have scored"):
        compare(*sides)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"suite": "sfe"}, "b.suite: received sfe; accepted: earthse"),
        ({"variant": "corrected"}, "b.variant: received corrected"),
        ({"dataset_sha256": "1" * 64}, "b.dataset_sha256"),
        ({"judge": REPORT["judge"] | {"model": "gpt"}}, "b.judge.model: received gpt; accepted: nothing"),
        ({"judge": REPORT["judge"] | {"snapshot": "s"}}, "b.judge.snapshot: received s"),
        ({"judge": REPORT["judge"] | {"prompt_version": "sha256:0"}}, "b.judge.prompt_version"),
    ],
)
def test_two_benchmarks_are_not_compared(write, change, named):
    designs = [design(0), design(1)]
    a = write("a", {"0": 1, "1": 0}, designs)
    b = write("b", {"0": 1, "1": 1}, designs, REPORT | change)
    with pytest.raises(InvalidInput, match=named):
        compare(a, b)


def test_all_that_differs_is_named(write):
    b = write("b", {"0": 1}, [design(0)], REPORT | {"variant": "corrected", "dataset_sha256": "1" * 64})
    with pytest.raises(InvalidInput) as error:
        compare(write("a", {"0": 1}, [design(0)]), b)
    assert [violation.field for violation in error.value.violations] == ["b.variant", "b.dataset_sha256"]


BAD = {
    "no report": ("report.json", "[]", "a.report.json: suite"),
    "a report that is no JSON": ("report.json", "{", "a.report.json"),
    "a judge that is a number": ("report.json", json.dumps(REPORT | {"judge": 3}), "a.report.json: judge.model"),
    "a suite that is a list": ("report.json", json.dumps(REPORT | {"suite": []}), "a.report.json: suite"),
    "a line that is no JSON": ("items.jsonl", '{"id": "0", "score": 1}\nx', "a.items.jsonl line 2"),
    "a score that is true": ("items.jsonl", '{"id": "0", "score": true}', r"a.items.jsonl line 1\.score"),
    "a score that is infinite": ("items.jsonl", '{"id": "0", "score": 1e999}', "a.items.jsonl line 1"),
    "an id twice": ("items.jsonl", '{"id": "0", "score": 1}\n' * 2, r"a.items.jsonl line 2\.id"),
    "an item without a design": ("design.jsonl", json.dumps(design(7)), "a.design.jsonl: received not all items"),
    "a kind that there is not": ("design.jsonl", json.dumps(design(0, kind="essay")), "a.design.jsonl line 1"),
    "statistics that do not add up": (
        "design.jsonl",
        json.dumps(design(0) | {"statistics": [1, 1]}),
        "a.design.jsonl line 1",
    ),
    "a dimension that there is not": ("design.jsonl", json.dumps(design(0, colour="red")), "a.design.jsonl line 1"),
}


@pytest.mark.parametrize(("name", "content", "named"), BAD.values(), ids=BAD)
def test_files_that_are_none_of_an_evaluation_are_refused(write, name, content, named):
    a, b = (write(side, {"0": 1, "1": 0}, [design(0), design(1)]) for side in "ab")
    (a / name).write_text(content)
    with pytest.raises(InvalidInput, match=named):
        compare(a, b)


def test_nothing_in_common_is_no_comparison(write):
    a = write("a", {"0": 1, "1": None}, [design(0), design(1)])
    b = write("b", {"0": None, "1": 1}, [design(0), design(1)])
    with pytest.raises(InvalidInput, match="both have scored"):
        compare(a, b)


def test_evaluations_are_compared_by_what_they_wrote(evaluating, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "earthse", count=16)
    sides = []
    for number, answer in enumerate(("A", "False")):
        predictions = {str(n): answer for n in range(16) if n % 4 < 3}  # similarity would load a model
        files = evaluating.run(evaluating.request("earthse", folder, predictions=predictions), number).files
        side = tmp_path / f"side{number}"
        side.mkdir()
        for name in FILES:
            (side / name).write_bytes(files[name])
        sides.append(side)
    found = {(d.metric, *d.group): d for d in compare(*sides)}
    assert found["multiple_choice_accuracy", "", ""].estimate.value == -1
    assert found["true_false_accuracy", "", ""].estimate.value == 1
    assert found["true_false_accuracy", "task", "fact_checking"].estimate.n == 4
