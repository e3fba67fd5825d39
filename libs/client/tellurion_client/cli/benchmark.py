"""`tellurion benchmark …`: models evaluated on benchmarks of the Earth sciences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, connected

if TYPE_CHECKING:
    from tellurion_client.benchmark_request import Budget, Endpoint

NAME = "benchmark/operations/3f2a9c1e5b7d4f60a8e1c2d3b4a59687"

app = typer.Typer(
    name="benchmark",
    no_args_is_help=True,
    help="Evaluate models on SFE, OmniEarth-Bench, MSEarth and EarthSE.",
    epilog="Example: tellurion benchmark run --suite msearth --data msearth/ --endpoint http://localhost:8000/v1 "
    "--model qwen2.5-vl --judge none -o msearth-qwen",
)

SuiteOption = Annotated[str, typer.Option(metavar="S", help="sfe, omniearth, msearth or earthse.")]
VariantOption = Annotated[
    str, typer.Option(metavar="V", help="official, corrected or, for sfe and msearth, vlmevalkit.")
]
DataOption = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder with questions.json, .jsonl or .parquet and the images beside.")
]
OutputOption = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        metavar="DIR",
        help="Folder for report.json, report.html, run.json, items.jsonl and more; or a name of the first, FILE.json.",
    ),
]
JudgeOption = Annotated[
    str | None,
    typer.Option(metavar="none", help="none: what needs a judge has no score. So it is where no judge is named."),
]
JudgeEndpointOption = Annotated[
    str | None, typer.Option(metavar="URL", help="Base address of the server of the model that judges.")
]
JudgeModelOption = Annotated[str | None, typer.Option(metavar="NAME", help="Model that judges.")]
JudgeKeyOption = Annotated[
    str, typer.Option("--judge-api-key-env", metavar="VAR", help="Variable of the service with the judge's key.")
]
PromptsOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The release's own judge prompts, <name>.txt, in place of ours."),
]
LimitOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="Only the first N items.")]
ConcurrencyOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, max=256, help="Most questions that an endpoint is asked at once.")
]
TimeoutOption = Annotated[
    float | None, typer.Option(metavar="S", min=0.001, max=3600, help="Seconds that one request may take.")
]
MaxRequestsOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Most requests, of model and judge together.")
]
MaxTokensOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="Most tokens, sent and received.")]
MaxCostOption = Annotated[
    float | None, typer.Option(metavar="X", help="Most that it may cost, in the currency of the prices.")
]
JudgeInputPriceOption = Annotated[float, typer.Option(metavar="X", min=0, help="The same, of the judge.")]
JudgeOutputPriceOption = Annotated[float, typer.Option(metavar="X", min=0, help="The same, of the judge.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace a report that is there.")]


@app.command(
    epilog="Example: tellurion benchmark run --suite sfe --data sfe/ --endpoint http://localhost:8000/v1 "
    "--model internvl3 --judge-endpoint http://localhost:8001/v1 --judge-model qwen2.5 -o sfe-internvl3"
)
def run(
    suite: SuiteOption,
    data: DataOption,
    endpoint: Annotated[
        str, typer.Option(metavar="URL", help="Base address of an OpenAI-compatible server, up to /chat/completions.")
    ],
    model: Annotated[str, typer.Option(metavar="NAME", help="Model that is asked.")],
    output: OutputOption,
    variant: VariantOption = "official",
    judge: JudgeOption = None,
    judge_endpoint: JudgeEndpointOption = None,
    judge_model: JudgeModelOption = None,
    prompts: PromptsOption = None,
    limit: LimitOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the evaluation that DIR is of, where one was begun.")
    ] = False,
    overwrite: OverwriteOption = False,
    api_key_env: Annotated[
        str, typer.Option("--api-key-env", metavar="VAR", help="Variable of the service with the endpoint's key.")
    ] = "",
    judge_api_key_env: JudgeKeyOption = "",
    concurrency: ConcurrencyOption = None,
    timeout: TimeoutOption = None,
    max_requests: MaxRequestsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
    input_price: Annotated[float, typer.Option(metavar="X", min=0, help="Price of a million tokens sent.")] = 0.0,
    output_price: Annotated[float, typer.Option(metavar="X", min=0, help="Price of a million tokens received.")] = 0.0,
    judge_input_price: JudgeInputPriceOption = 0.0,
    judge_output_price: JudgeOutputPriceOption = 0.0,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a model the questions of a benchmark, and score its answers.

    Ctrl-C ends the waiting, not the evaluation. The same command with --resume goes on with the evaluation of DIR, also
    with other options, and asks for nothing that was answered: so does what was interrupted, cancelled or died, or
    ended with items that got no answer (under a budget: once that is another).
    """
    from tellurion_client.benchmark_request import Endpoint
    from tellurion_client.cli.evaluation import Output, carry_out

    asked = Endpoint(endpoint, model, api_key_env, concurrency or 0, timeout or 0.0, input_price, output_price)
    judging = _judge(
        judge,
        judge_endpoint,
        judge_model,
        judge_api_key_env,
        concurrency,
        timeout,
        judge_input_price,
        judge_output_price,
    )
    budget = _budget(max_requests, max_tokens, max_cost)
    place = Output.of(output, resumes=resume, overwrites=overwrite)
    with connected(state) as client:
        carry_out(
            client,
            place,
            lambda earlier, progress: client.benchmark.evaluate(
                suite,
                data,
                asked,
                variant=variant,
                judge=judging,
                prompts=prompts,
                limit=limit or 0,
                budget=budget,
                resume=earlier,
                progress=progress,
            ),
            state=state,
            again="with --resume",
            bounded=budget is not None,
            as_json=as_json,
        )


@app.command(
    epilog="Example: tellurion benchmark score --suite omniearth --variant official --data omniearth/ "
    "--predictions answers.jsonl --judge none -o report.json"
)
def score(
    suite: SuiteOption,
    data: DataOption,
    predictions: Annotated[
        Path,
        typer.Option(metavar="P.jsonl", help='A line {"id": …, "prediction": …} for each item that has an answer.'),
    ],
    output: OutputOption,
    variant: VariantOption = "official",
    label: Annotated[str, typer.Option(metavar="NAME", help="Whose answers they are, for reports and boards.")] = "",
    judge: JudgeOption = None,
    judge_endpoint: JudgeEndpointOption = None,
    judge_model: JudgeModelOption = None,
    prompts: PromptsOption = None,
    limit: LimitOption = None,
    overwrite: OverwriteOption = False,
    judge_api_key_env: JudgeKeyOption = "",
    concurrency: ConcurrencyOption = None,
    timeout: TimeoutOption = None,
    max_requests: MaxRequestsOption = None,
    max_tokens: MaxTokensOption = None,
    max_cost: MaxCostOption = None,
    judge_input_price: JudgeInputPriceOption = 0.0,
    judge_output_price: JudgeOutputPriceOption = 0.0,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score answers that were given elsewhere.

    The id is `id` (SFE), `Question_id` (OmniEarth-Bench), `question_id` (MSEarth) or `idx` (EarthSE). A line of
    Earth-Gold is {"id": …, "samples": [{"assistant_0": …, "assistant_1": …}, …], "rank": k}. An item without a line
    has no score. The same command is the same evaluation: interrupted, it goes on when it is given again.
    """
    from tellurion_client.cli.evaluation import Output, carry_out

    judging = _judge(
        judge,
        judge_endpoint,
        judge_model,
        judge_api_key_env,
        concurrency,
        timeout,
        judge_input_price,
        judge_output_price,
    )
    budget = _budget(max_requests, max_tokens, max_cost)
    place = Output.of(output, overwrites=overwrite, predicts=False)
    with connected(state) as client:
        carry_out(
            client,
            place,
            lambda _, progress: client.benchmark.score(
                suite,
                data,
                predictions,
                variant=variant,
                label=label,
                judge=judging,
                prompts=prompts,
                limit=limit or 0,
                budget=budget,
                progress=progress,
            ),
            state=state,
            again="again",
            as_json=as_json,
        )


@app.command(epilog="Example: tellurion benchmark compare msearth-qwen msearth-internvl3")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Folder of a report, its report.json, or an operation's name.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other.")],
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two evaluations of the same questions, item by item: B less A."""
    from dataclasses import asdict

    from tellurion_client.cli import display

    with connected(state) as client:
        differences = client.benchmark.compare(a, b)
    if as_json:
        display.json_line([asdict(difference) for difference in differences])
    else:
        display.differences(differences)


@app.command(epilog="Example: tellurion benchmark suites --json")
def suites(state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the benchmarks, their variants, and the metrics that cannot be computed here."""
    from dataclasses import asdict

    from tellurion_client.cli import display

    with connected(state) as client:
        known = client.benchmark.suites()
    if as_json:
        display.json_line([asdict(suite) for suite in known])
    else:
        display.suites(known)


@app.command(epilog="Example: tellurion benchmark leaderboard --suite msearth --variant corrected")
def leaderboard(
    suite: SuiteOption,
    variant: VariantOption = "official",
    dataset: Annotated[str, typer.Option(metavar="SHA256", help="Data set, as its reports name it; else all.")] = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rank the evaluations that can be compared, beside what others have published."""
    from dataclasses import asdict

    from tellurion_client.cli import display

    with connected(state) as client:
        boards = client.benchmark.leaderboard(suite, variant=variant, dataset_sha256=dataset)
    if as_json:
        display.json_line([asdict(board) for board in boards])
    elif boards:
        display.boards(f"{suite}, {variant}", boards)
    else:
        display.line(f"there is no evaluation by {suite}, {variant}")


@app.command(epilog=f"Example: tellurion benchmark report {NAME} -o msearth-qwen")
def report(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the evaluation's operation.")],
    output: OutputOption,
    overwrite: OverwriteOption = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch the report of an evaluation that has succeeded."""
    from tellurion_client.cli.evaluation import Output, fetch

    place = Output.of(output, overwrites=overwrite)
    with connected(state) as client:
        fetch(client.benchmark.evaluation(name), place, as_json=as_json)


def _judge(
    judge: str | None,
    url: str | None,
    model: str | None,
    api_key_env: str,
    concurrency: int | None,
    timeout: float | None,
    input_price: float,
    output_price: float,
) -> Endpoint | None:
    """The judge that the options name; None where they name none.

    Raises:
        InvalidInput: they contradict each other.
    """
    from tellurion_client.benchmark_request import Endpoint
    from tellurion_core.errors import InvalidInput

    if judge not in (None, "none"):
        raise InvalidInput.of("judge", received=judge, accepted="none, or --judge-endpoint and --judge-model")
    if url is not None and model is not None and judge is None:
        return Endpoint(url, model, api_key_env, concurrency or 0, timeout or 0.0, input_price, output_price)
    # An address is not repeated, since a password may stand in it; nor what should name a key, and may be one.
    received_key = api_key_env and "a name"
    options = {"judge-endpoint": url and "an address", "judge-model": model, "judge-api-key-env": received_key}
    for option, received in (options | {"judge-input-price": input_price, "judge-output-price": output_price}).items():
        if received:
            accepted = "none, with --judge none" if judge else "--judge-endpoint and --judge-model together"
            raise InvalidInput.of(option, received=received, accepted=accepted)
    return None


def _budget(requests: int | None, tokens: int | None, cost: float | None) -> Budget | None:
    """What may be used up; None where nothing bounds it.

    Raises:
        InvalidInput: a cost that allows nothing.
    """
    from tellurion_client.benchmark_request import Budget
    from tellurion_core.errors import InvalidInput

    if requests is tokens is cost is None:
        return None
    if cost is not None and not cost > 0:
        raise InvalidInput.of("max-cost", received=cost, accepted="more than 0")
    return Budget(requests or 0, tokens or 0, cost or 0.0)
