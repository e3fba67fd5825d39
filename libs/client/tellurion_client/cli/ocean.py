"""`tellurion ocean …`: reconstruction of ocean temperature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, connected

if TYPE_CHECKING:
    from tellurion_client.cli.reconstruct import Analysis
    from tellurion_client.cli.submitted import Submitted

app = typer.Typer(
    name="ocean",
    no_args_is_help=True,
    help="Reconstruct ocean temperature from sparse observations.",
    epilog="Example: tellurion ocean reconstruct observations.nc -o analysis.nc",
)

SeedOption = Annotated[int, typer.Option(metavar="S", help="Seed; the same seed and input give the same answer.")]
StepsOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Steps of posterior or reconmost, 1 to 1000; 0 for the method's own number. Network evaluations are "
        "limited to 8000: posterior makes two for each step of each of its members, at least 8, and reconmost one.",
    ),
]
WeightsOption = Annotated[
    str, typer.Option(metavar="NAME", help="Weights of `tellurion models add`, by name or SHA-256; else those shipped.")
]
MembersOutOption = Annotated[
    Path | None, typer.Option(metavar="FILE.nc", help="File of their own for the members; else in ANALYSIS.nc.")
]
NAME = "ocean/operations/3f2a9c1e5b7d4f60a8e1c2d3b4a59687"


@app.command(
    epilog="Example: tellurion ocean reconstruct argo_*.nc -o analysis.nc --method posterior --members 8 "
    "--members-out members.nc --seed 1"
)
def reconstruct(
    observations: Annotated[list[Path], typer.Argument(metavar="OBS.nc...", help="CF files of points or profiles.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="ANALYSIS.nc", help="File to write; --detach needs none."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="posterior, hybrid, gp, eof_oi, oi, dineof, reconmost or climatology.")
    ] = "gp",
    members: Annotated[int, typer.Option(help="Size of the ensemble, 1 to 64.")] = 8,
    members_out: MembersOutOption = None,
    seed: SeedOption = 0,
    steps: StepsOption = 0,
    weights: WeightsOption = "",
    month: Annotated[
        int | None, typer.Option(metavar="M", help="Use observations of this calendar month; from their time.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Submit it to a running platform and return; `fetch` gets the analysis.")
    ] = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reconstruct each month of temperature that the observations are of.

    Observations of several months in one file need --month. Several files give one analysis per month: where there
    are several months, February is written to ANALYSIS-02.nc beside ANALYSIS.nc, and its members to FILE-02.nc. All
    outputs are written, or none.

    On a running platform what may take more than ten seconds is an operation: Ctrl-C ends the waiting, not the work.
    """
    from tellurion_client.cli import display, submitted
    from tellurion_client.cli.outputs import Output
    from tellurion_client.cli.reconstruct import Request
    from tellurion_core.errors import InvalidInput

    if output is None and not (detach and members_out is None):
        raise InvalidInput.of("output", received="nothing", accepted="a file to write")
    request = Request.checked(
        observations,
        None if output is None else Output(output, members_out),
        month=month,
        method=method,
        members=members,
        seed=seed,
        steps=steps,
        weights=weights,
    )
    done: list[Analysis] | list[Submitted]
    with connected(state) as client:
        if detach and not client.lasting:
            accepted = "it on a running platform (`tellurion up`): without one the work ends with this command"
            raise InvalidInput.of("detach", received="it, and nothing runs", accepted=accepted)
        if detach:
            done = submitted.detach(request, client.ocean, state)
        elif client.ocean.takes_long(method, members, steps):
            done = submitted.carry_out(request, client.ocean, state)
        else:
            done = request.carry_out(client.ocean)
    if as_json:
        documents = [each.document() for each in done]
        display.json_line(documents if len(documents) > 1 else documents[0])
    else:
        for each in done:
            display.line(each.sentence())


@app.command(epilog=f"Example: tellurion ocean fetch {NAME} -o analysis.nc")
def fetch(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the operation: ocean/operations/<id>.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="ANALYSIS.nc", help="File to write.")],
    members_out: MembersOutOption = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds to wait at most; the work goes on after them.")
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the analysis of a reconstruction that was submitted, once it is done.

    Ctrl-C ends the waiting, not the work.
    """
    from tellurion_client.cli import display, submitted
    from tellurion_client.cli.outputs import Output
    from tellurion_client.options import check_timeout

    place = Output(output, members_out)
    place.check()
    check_timeout(timeout)
    with connected(state) as client:
        operation = client.ocean.operation(name)
        done = submitted.fetch(operation, place, timeout=timeout, state=state, lasting=client.lasting)
    if as_json:
        display.json_line(done.document())
    else:
        display.line(done.sentence())


@app.command(epilog="Example: tellurion ocean evaluate --month 2 --observed 0.075 --seed 1 --json")
def evaluate(
    month: Annotated[int, typer.Option(metavar="M", help="2 or 8, the months that no method was fitted to.")],
    observed: Annotated[
        float | None, typer.Option(metavar="R", help="Part of each level's wet cells that is observed.")
    ] = None,
    profiles: Annotated[
        int | None, typer.Option(metavar="N", help="Instead: number of full columns that are observed.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Method to score, may be repeated; by default all but reconmost, which takes minutes."),
    ] = None,
    members: Annotated[int, typer.Option(help="Members that spread and CRPS come from, 2 to 64.")] = 8,
    seed: SeedOption = 0,
    steps: StepsOption = 0,
    weights: WeightsOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score methods against a month of the World Ocean Atlas, from observations drawn from it.

    7.5 % of the wet cells of each level are observed, or the part that --observed says; with --profiles, whole columns
    instead.
    """
    from dataclasses import asdict

    from tellurion_client.cli import display
    from tellurion_client.options import (
        METHODS,
        check_evaluation_month,
        check_learned,
        check_members,
        check_methods,
        check_sampling,
        check_seed,
    )

    methods = tuple(method or ())
    part = 0.075 if observed is None else observed
    check_sampling(part, None)
    check_evaluation_month(month)
    if profiles is not None:
        check_sampling(None, profiles)
    check_methods(methods)
    check_members(members, least=2)
    check_seed(seed)
    check_learned(methods or METHODS, steps=steps, weights=weights)
    with connected(state) as client, display.progress("evaluating") as progress:
        scores = client.ocean.evaluate(
            month=month,
            observed=part if profiles is None else None,
            profiles=profiles,
            methods=methods,
            members=members,
            seed=seed,
            steps=steps,
            weights=weights,
            progress=progress,
        )
    if as_json:
        keys = ("masked", "all_cells", "spread_skill", "crps")
        documents: dict[str, Any] = {name: asdict(of_method) for name, of_method in scores.items()}
        display.json_line({name: {key: document[key] for key in keys} for name, document in documents.items()})
    else:
        sampled = f"{part:.2%} of each level's wet cells" if profiles is None else f"{profiles} profiles"
        display.scores(f"Month {month}, {sampled} observed, seed {seed}", scores)


@app.command(epilog="Example: tellurion ocean methods --json")
def methods(state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the methods of reconstruction."""
    from dataclasses import asdict

    from tellurion_client.cli import display

    with connected(state) as client:
        known = client.ocean.methods()
    if as_json:
        display.json_line([asdict(method) for method in known])
    else:
        display.methods(known)
