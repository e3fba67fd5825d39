"""A report has what the contract says, from every item once, and is the same bytes for the same answers."""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from contextlib import closing
from fractions import Fraction

import pytest

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.report import GROUPS_ANSWERED, report, summary, write_lines
from tellurion_benchmark.results import Assessed, Results
from tellurion_benchmark.scoring import Gathered, Item, Scored, Unscored
from tellurion_benchmark.suites import suite

FIGURE = {"value", "stderr", "ci95", "n", "unscored"}


@pytest.fixture
def iron(write_dataset, data_files, tmp_path):
    """Forty questions of EarthSE in groups of unlike sizes, with answers some of which are missing or wrong."""
    records = [record for record in data_files.many("earthse", 40) if record["format"] != "free_form"]
    rng = random.Random(5)
    for record in records:
        record["sphere"] = rng.choice(["Atmosphere", "Hydrosphere", "Lithosphere"])
        record["task"] = rng.choice(["knowledge_qa", "fact_checking"])
        record["tier"] = rng.choice(["iron", "silver"])
    folder = write_dataset(tmp_path / "iron", "earthse", records=records)
    right = {str(r["idx"]): r["answer"] if rng.random() < 0.6 else "no" for r in records if rng.random() < 0.9}
    return folder, right, records


@pytest.fixture
def scored(evaluating, iron):
    folder, answers, _ = iron
    return evaluating.run(evaluating.request("earthse", folder, predictions=answers))


@pytest.fixture
def results(tmp_path):
    """Results of OmniEarth-Bench, officially scored, to be filled."""
    with closing(Results(tmp_path / "r.sqlite", variant())) as results:
        yield results


def variant():
    return suite("omniearth").variant("official", Prompts.of("omniearth", None))


def reported(results):
    return report(results, variant(), dataset_sha256="0" * 64, judge="j", snapshot=None)


def item(number, kind="single", cluster=None, **groups):
    return Item(f"q{number}", kind, {}, (), groups or {"task": "t"}, cluster or f"c{number}")


def test_the_contract(scored):
    report = scored.report
    assert list(report) == [
        "suite",
        "variant",
        "dataset_sha256",
        "judge",
        "coverage",
        "metrics",
        "groups",
        "items",
    ]
    assert (report["suite"], report["variant"], report["items"]) == ("earthse", "official", "items.jsonl")
    assert report["judge"] == {"model": None, "snapshot": None, "prompt_version": "tellurion-1"}
    assert len(bytes.fromhex(report["dataset_sha256"])) == 32
    assert list(report["groups"]) == ["task", "sphere", "discipline", "tier"]
    figures = [report["metrics"], *(group for groups in report["groups"].values() for group in groups.values())]
    for figure in (figure for metrics in figures for figure in metrics.values()):
        assert set(figure) == FIGURE
        if figure["n"] > 1:  # an item to a cluster
            low, high = figure["ci95"]
            assert low <= figure["value"] <= high
        else:
            assert (figure["stderr"], figure["ci95"]) == (None, None)


def test_half_a_character_out_of_a_reply_is_replaced(tmp_path):
    scored = Scored(json.loads('"\\ud800 x"'), 1.0, {"accuracy": 1.0}, reason=json.loads('"y \\udfff"'))
    with closing(Results(tmp_path / "r.sqlite", variant())) as results:
        results.add(0, Assessed(item(0), True, "x", scored))
        results.finish()
        (line,) = results.lines()
    assert (line.extracted, line.words) == ("\ufffd x", "y \ufffd")


def test_the_design_has_what_a_chain_adds_to_f1_and_no_other_item_has(results, tmp_path):
    chain = Scored("x", 2 / 3, {"cot_precision": 0.5, "cot_recall": 1.0}, {"cot_f1": (0.5, 1.0, 1.0, 1.0)})
    caption = Scored("x", 1.0, {"caption_cider": 1.0}, {"caption_bleu1": (1.0,) * 10})
    results.add(0, Assessed(item(0, "cot"), True, "x", chain))
    results.add(1, Assessed(item(1, "caption"), True, "x", caption))
    results.finish()
    write_lines(results, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "design.jsonl").read_text().splitlines()]
    assert [line.get("statistics") for line in lines] == [[0.5, 1.0, 1.0, 1.0], None]


def test_items_that_the_variant_has_no_metric_for_are_not_covered(tmp_path):
    vlmevalkit = suite("msearth").variant("vlmevalkit", Prompts.of("msearth", None, variant="vlmevalkit"))
    with closing(Results(tmp_path / "r.sqlite", vlmevalkit)) as results:
        for number, (kind, answered) in enumerate([("mcq", True), ("mcq", False), ("open", False), ("caption", True)]):
            worth = Scored(None, Unscored("so"))
            results.add(number, Assessed(item(number, kind), answered, "B" if answered else None, worth))
        results.finish()
        assert results.coverage() == 1 / 2


def test_a_line_for_each_item_in_the_order_of_the_data_set(scored, iron):
    _, answers, records = iron
    lines = [json.loads(line) for line in scored.files["items.jsonl"].splitlines()]
    assert [line["id"] for line in lines] == [str(record["idx"]) for record in records]
    for line, record in zip(lines, records, strict=True):
        answer = answers.get(str(record["idx"]))
        expected = None if answer is None else float(answer == record["answer"])
        reason = "no prediction" if answer is None else ""
        assert line == {"id": str(record["idx"]), "extracted": answer, "score": expected, "reason": reason}


def test_values_are_means_over_items(scored, iron):
    _, answers, records = iron
    given = [r for r in records if str(r["idx"]) in answers]
    right = sum(answers[str(r["idx"])] == r["answer"] for r in given)
    figure = scored.report["metrics"]["accuracy"]
    assert figure["value"] == right / len(given)
    assert (figure["n"], figure["unscored"]) == (len(given), len(records) - len(given))
    # One item to a cluster: s/√n.
    p = right / len(given)
    assert figure["stderr"] == pytest.approx(math.sqrt(p * (1 - p) / (len(given) - 1)), rel=1e-12)


def test_a_missing_prediction_is_unscored_and_not_zero(scored, iron):
    _, answers, records = iron
    assert scored.report["coverage"] == len(answers) / len(records)
    missing = [item for item in scored.items.values() if item["id"] not in answers]
    assert missing
    assert all(item["score"] is None for item in missing)
    assert scored.run["unscored"] == {"no prediction": len(missing)}


def test_groups_add_up_to_the_whole(scored):
    report = scored.report
    for dimension, groups in report["groups"].items():
        for metric, whole in report["metrics"].items():
            parts = [group[metric] for group in groups.values() if metric in group]
            assert sum(part["n"] for part in parts) == whole["n"], (dimension, metric)
            assert sum(part["unscored"] for part in parts) == whole["unscored"]
            right = sum(Fraction(part["value"]).limit_denominator(1000) * part["n"] for part in parts)
            assert right == Fraction(whole["value"]).limit_denominator(1000) * whole["n"]


def test_times_are_in_run_json_alone(evaluating, iron):
    folder, answers, _ = iron
    request = evaluating.request("earthse", folder, predictions=answers)
    first, again = evaluating.run(request, 1), evaluating.run(request, 2)
    assert first.same_bytes == again.same_bytes
    assert first.files["run.json"] != again.files["run.json"]


def test_the_order_of_items_changes_nothing_but_their_order(evaluating, iron, write_dataset, tmp_path, scored):
    _, answers, records = iron
    shuffled = random.Random(1).sample(records, len(records))
    folder = write_dataset(tmp_path / "shuffled", "earthse", records=shuffled)
    permuted = evaluating.run(evaluating.request("earthse", folder, predictions=answers), 9)
    one, other = scored.report, permuted.report
    assert one.pop("dataset_sha256") != other.pop("dataset_sha256")
    assert one == other
    assert permuted.items == scored.items
    assert list(permuted.items) == [str(record["idx"]) for record in shuffled]


def test_a_limit_leaves_out_the_last_items(evaluating, iron):
    folder, answers, records = iron
    limited = evaluating.run(evaluating.request("earthse", folder, predictions=answers, limit=7))
    assert list(limited.items) == [str(record["idx"]) for record in records[:7]]
    assert limited.result.report.items == 7
    assert limited.report["coverage"] == sum(str(r["idx"]) in answers for r in records[:7]) / 7


def test_what_cannot_be_computed_here_is_said_and_not_replaced(evaluating, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "m", "msearth")
    metrics = evaluating.run(evaluating.request("msearth", folder, predictions={"ON000002": "Holocene"})).report[
        "metrics"
    ]
    assert set(metrics["open_bertscore"]) == {"unavailable"}
    assert metrics["open_bertscore"]["unavailable"]
    assert metrics["open_accuracy"] == {"value": None, "stderr": None, "ci95": None, "n": 0, "unscored": 1}


def test_only_metrics_that_an_item_enters_are_reported(scored):
    assert list(scored.report["metrics"]) == [
        "accuracy",
        "multiple_choice_accuracy",
        "true_false_accuracy",
        "fill_in_the_blank_accuracy",
    ]


def test_items_of_one_image_have_no_standard_error(results):
    for number in range(3):
        results.add(
            number, Assessed(item(number, cluster="one"), True, "A", Scored("A", 1.0, {"accuracy": number / 2}))
        )
    results.finish()
    figure = reported(results)["metrics"]["accuracy"]
    assert figure == {"value": 0.5, "stderr": None, "ci95": None, "n": 3, "unscored": 0}


def test_a_figure_of_the_corpus_is_made_of_sums_and_not_of_scores(results):
    # MME-CoT's check values: P = (2/3, 1, 0) and R = (.5, .75, 1) give .5556, .75 and F1 .6383.
    for number, (p, r) in enumerate(((2 / 3, 0.5), (1.0, 0.75), (0.0, 1.0))):
        scored = Scored("x", 0.5, {"cot_precision": p, "cot_recall": r}, {"cot_f1": (p, 1.0, r, 1.0)})
        results.add(number, Assessed(item(number, "cot"), True, "x", scored))
    unread = Unscored("prose")
    nothing = Scored("x", unread, {"cot_precision": unread, "cot_recall": unread}, {"cot_f1": (0.0, 0.0, 0.0, 0.0)})
    results.add(3, Assessed(item(3, "cot"), True, "x", nothing))
    results.add(4, Assessed(item(4, "cot"), False, None, Scored(None, Unscored("no prediction"))))
    results.finish()
    metrics = reported(results)["metrics"]
    assert round(metrics["cot_precision"]["value"], 4) == 0.5556
    assert metrics["cot_recall"]["value"] == 0.75
    assert round(metrics["cot_f1"]["value"], 4) == 0.6383
    assert (metrics["cot_f1"]["n"], metrics["cot_f1"]["unscored"]) == (3, 2)
    assert (metrics["cot_precision"]["n"], metrics["cot_precision"]["unscored"]) == (3, 1)


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, 1e300])
def test_a_score_out_of_all_bounds_is_none(results, score):
    results.add(0, Assessed(item(0), True, "A", Scored("A", score, {"accuracy": score})))
    results.add(1, Assessed(item(1), True, "A", Scored("A", 1.0, {"accuracy": 1.0})))
    results.finish()
    assert [line.unscored for line in results.lines()] == ["the score is out of all bounds", None]
    figure = reported(results)["metrics"]["accuracy"]
    assert (figure["value"], figure["n"], figure["unscored"]) == (1.0, 1, 1)


def test_answers_that_are_scored_together_come_in_the_order_of_their_ids(tmp_path):
    class Placing(type(variant())):
        def finish(self, gathered):
            return [Scored(text, place, {"caption_cider": float(place)}) for place, text in enumerate(gathered)]

    with closing(Results(tmp_path / "r.sqlite", Placing(Prompts.of("omniearth", None)))) as results:
        for ordinal, number in enumerate((2, 0, 1)):
            results.add(ordinal, Assessed(item(number, "caption"), True, "x", Gathered(f"text {number}")))
        results.finish()
        found = [(line.id, line.extracted, line.score, line.unscored) for line in results.lines()]
        figure = reported(results)["metrics"]["caption_cider"]
    assert found == [("q2", "text 2", 2.0, None), ("q0", "text 0", 0.0, None), ("q1", "text 1", 1.0, None)]
    assert (figure["value"], figure["n"]) == (1.0, 3)


def test_answers_that_are_scored_together_fail_together_and_leave_the_others(tmp_path):
    class Failing(type(variant())):
        def finish(self, gathered):
            raise MemoryError

    scorer = Failing(Prompts.of("omniearth", None))
    with closing(Results(tmp_path / "r.sqlite", scorer)) as results:
        results.add(0, Assessed(item(0, "caption"), True, "x", Gathered({"candidate": "x", "reference": "y"})))
        results.add(1, Assessed(item(1), True, "A", Scored("A", 1.0, {"accuracy": 1.0})))
        results.finish()
        assert [line.unscored for line in results.lines()] == ["the answer could not be scored", None]
        metrics = reported(results)["metrics"]
    assert metrics["accuracy"]["value"] == 1
    assert {metrics[name]["unscored"] for name in ("caption_cider", "caption_bleu4", "caption_meteor")} == {1}


def test_more_groups_than_an_operation_can_answer_are_in_the_file_alone(results):
    for number in range(GROUPS_ANSWERED + 1):
        results.add(number, Assessed(item(number, task=f"t{number}"), True, "A", Scored("A", 1.0, {"accuracy": 1.0})))
    results.finish()
    found = reported(results)
    assert len(found["groups"]["task"]) == GROUPS_ANSWERED + 1
    wire = summary(found, model="m", items=GROUPS_ANSWERED + 1, given_up=0)
    assert len(wire.groups) == 0
    assert wire.metrics[0].value == 1.0


def test_an_operation_answers_the_figures_of_the_file(scored):
    wire, report = scored.result.report, scored.report
    assert (wire.suite, wire.variant, wire.dataset_sha256) == ("earthse", "official", report["dataset_sha256"])
    assert wire.coverage == report["coverage"]
    told = {metric.name: [metric.value, metric.stderr, [metric.low, metric.high]] for metric in wire.metrics}
    assert told == {name: [f["value"], f["stderr"], f["ci95"]] for name, f in report["metrics"].items()}
    groups = defaultdict(dict)
    for group in wire.groups:
        groups[group.dimension][group.name] = {metric.name: metric.n for metric in group.metrics}
    assert groups == {
        dimension: {name: {m: f["n"] for m, f in metrics.items()} for name, metrics in named.items()}
        for dimension, named in report["groups"].items()
    }


def test_design_says_what_a_comparison_needs_of_each_item(scored, iron):
    lines = [json.loads(line) for line in scored.files["design.jsonl"].splitlines()]
    first = iron[2][0]
    groups = {
        "sphere": first["sphere"],
        "tier": first["tier"],
        "task": first["task"],
        "discipline": first["sub_discipline"],
    }
    assert lines[0] == {
        "id": str(first["idx"]),
        "kind": first["format"],
        "cluster": str(first["idx"]),
        "groups": groups,
    }
    assert [line["id"] for line in lines] == list(scored.items)
