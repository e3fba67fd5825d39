"""Scores of answers to a benchmark's questions."""

from __future__ import annotations

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, FileInput, Option, Returned, holding
from tellurion_agent.recipes.recipe import Value
from tellurion_client.options import SUITES

_VARIANTS = tuple(dict.fromkeys(name for names in SUITES.values() for name in names))


def _call(call: Call) -> Returned:
    evaluation = call.client.benchmark.score(
        data=call.file("data"),
        predictions=call.file("predictions"),
        request_id=call.request_id,
        timeout=call.seconds,
        **call.options,
    )
    call.wait(evaluation.operation)
    report = evaluation.report(timeout=call.seconds)
    # The run has a report of its own, of that name.
    for path in evaluation.download(call.output, report="scores.json", timeout=call.seconds):
        if path.name == "report.html":
            path.rename(path.with_name("scores.html"))
    scored = {name: metric for name, metric in report.metrics.items() if metric.value is not None}
    values = [
        Value(f"{name}, {metric.n} items", metric.value, "1", *(metric.ci95 or (None, None)))
        for name, metric in scored.items()
        if metric.value is not None
    ]
    unscored = tuple(f"{name} has no value" for name in report.metrics if name not in scored)
    return Returned(
        (*values, Value("items", float(report.items), "1"), Value("part with a prediction", report.coverage, "1")),
        unscored,
        {"method": f"{report.suite}, {report.variant}", "prompts": report.prompt_version},
    )


CAPABILITY = Capability(
    name="benchmark.score",
    title="Scores of answers to a benchmark",
    phrases=(
        "score the predictions in answers.jsonl on the benchmark earthse",
        "Evaluate the predictions p.jsonl on the sfe benchmark in questions, corrected",
    ),
    asks=(
        r"\b(?:score|evaluate|grade)\b",
        r"\b(?:predictions?|answers)\b",
        rf"\bbenchmark\b|\b(?:{'|'.join(SUITES)})\b",
    ),
    inputs=(
        FileInput(
            "data",
            "a folder with a benchmark's questions (questions.json, .jsonl or .parquet)",
            holding("questions.json", "questions.jsonl", "questions.parquet"),
            folder=True,
        ),
        FileInput(
            "predictions",
            "a file of answers, JSON lines of id and prediction",
            lambda path: path.suffix.lower() == ".jsonl" and path.stem != "questions",
            cues=("predictions", "answers"),
        ),
    ),
    options=(
        Option("suite", f"Which benchmark: {', '.join(SUITES)}?", options.one_of(tuple(SUITES)), required=True),
        Option("variant", "Which scorer?", options.one_of(_VARIANTS)),
    ),
    method="The answers are scored as the benchmark's scorer has it; what needs a judge has no score.",
    call=_call,
)
