"""`tellurion assimilation …`: analyses of the atmosphere, and twin experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, connected

if TYPE_CHECKING:
    from tellurion_client.assimilation_options import AnalysisOptions, TwinOptions

app = typer.Typer(
    name="assimilation",
    no_args_is_help=True,
    help="Bring observations into forecasts, and compare the methods that do.",
    epilog="Example: tellurion assimilation twin --system lorenz96 --method etkf --members 24 --inflation 1.013",
)

SeedOption = Annotated[int, typer.Option(metavar="S", help="Seed; the same seed and input give the same answer.")]
InflationOption = Annotated[
    float | None, typer.Option(metavar="F", help="Factor of the anomalies after each analysis; 1 where none is given.")
]
RotateOption = Annotated[bool, typer.Option("--rotate", help="Rotate the anomalies at random after each analysis.")]


@app.command(
    epilog="Example: tellurion assimilation twin --system lorenz96 --method letkf --members 10 --inflation 1.04 "
    "--localization 6 --rotate --cycles 10000 --seed 3000 --json"
)
def twin(
    system: Annotated[str, typer.Option(help="lorenz63, lorenz96, kuramoto_sivashinsky or atmosphere.")],
    method: Annotated[
        str,
        typer.Option(
            help="letkf, enkf_n, etkf, denkf, enkf or 3dvar; on the atmosphere also align-dps, align-repaint, "
            "align-p-dps, dps, repaint or obsfree, on the others extended_kf, oi or climatology."
        ),
    ],
    members: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Size of the ensemble, at least 2; on the atmosphere what other methods draw too, 8 if not given.",
        ),
    ] = None,
    inflation: InflationOption = None,
    localization: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Radius of letkf's localization, in variables of the system; on the atmosphere in km, its own if not "
            "given.",
        ),
    ] = None,
    rotate: RotateOption = False,
    amplitude: Annotated[
        float | None,
        typer.Option(
            metavar="A",
            help="Of 3dvar: B is A times the covariance of the climate, on the atmosphere that of 48-hour forecasts' "
            "errors; 1 if not given.",
        ),
    ] = None,
    cycles: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Number of analyses, the burn-in included; 10000, on the atmosphere 200, if not given."
        ),
    ] = None,
    seed: SeedOption = 0,
    observed: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Part of the variables that is observed, evenly spread; all if not given. Of the atmosphere's cells, "
            "others each time; 0.01 if not given.",
        ),
    ] = None,
    interval: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Steps of the system between analyses, on the atmosphere hours; the system's own if not given.",
        ),
    ] = None,
    variance: Annotated[
        float | None,
        typer.Option(metavar="V", help="Variance of the observations' errors; the system's own if not given."),
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cycle a method against a hidden truth of the same system, and score it.

    The first 20 units of time are not scored, of kuramoto_sivashinsky 200, of the atmosphere 20 days. RMSE and spread
    are means over time of their spatial values, on the atmosphere by area and in standard deviations of each channel. A
    filter that diverges is no error: the cycle is told, and figures that are not finite are null. Ctrl-C cancels it.
    """
    from tellurion_client.assimilation_options import check_twin, usual_cycles
    from tellurion_client.assimilation_results import OPTIONAL
    from tellurion_client.cli import display

    options: TwinOptions = {
        "members": members,
        "inflation": inflation,
        "localization": localization,
        "rotate": rotate,
        "amplitude": amplitude,
        "cycles": usual_cycles(system) if cycles is None else cycles,
        "seed": seed,
        "observed": observed,
        "interval": interval,
        "variance": variance,
    }
    check_twin(system, method, options)
    with connected(state) as client, display.progress(f"{method} on {system}") as progress:
        report = client.assimilation.twin(system, method, progress=progress, **options)
    names = ("rmse_analysis", "rmse_forecast", "spread", "crps", "seconds")
    figures = {name: getattr(report, name) for name in names}
    figures |= {name: value for name in OPTIONAL if name not in names and (value := getattr(report, name)) is not None}
    if report.diverged is not None:
        display.note(f"{method} diverged at cycle {report.diverged}")
        figures["diverged"] = report.diverged
    if as_json:
        display.json_line(figures | ({"rank_histogram": ranks} if (ranks := report.rank_histogram) else {}))
    else:
        shown = (f"{name} {'–' if value is None else f'{value:.4g}'}" for name, value in figures.items())
        display.line(f"{method} on {system}, {options['cycles']} cycles, seed {seed}: {', '.join(shown)}")


@app.command(
    epilog="Example: tellurion assimilation analyse --background B.nc --observations O.nc --method align-dps "
    "--members 8 --seed 1 -o A.nc"
)
def analyse(
    background: Annotated[Path, typer.Option(metavar="B.nc", help="CF file of a state on σ levels: a forecast.")],
    observations: Annotated[Path, typer.Option(metavar="O.nc", help="CF file of points.")],
    method: Annotated[
        str,
        typer.Option(
            help="align-dps, align-repaint, align-p-dps, dps, repaint, obsfree, letkf, enkf_n, etkf, denkf, enkf "
            "or 3dvar."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="A.nc", help="File to write.")],
    ensemble: Annotated[
        Path | None,
        typer.Option(metavar="E.nc", help="CF file of an ensemble, for ensemble methods; else drawn around B.nc."),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(metavar="N", help="Members of the analysis, at least 2; those of E.nc, else 8, if not given."),
    ] = None,
    seed: SeedOption = 0,
    inflation: InflationOption = None,
    localization: Annotated[
        float | None, typer.Option(metavar="KM", help="Radius of letkf's localization; its own if not given.")
    ] = None,
    rotate: RotateOption = False,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Steps of a learned method, 1 to 500; its own number if not given.")
    ] = None,
    weights: Annotated[
        str,
        typer.Option(metavar="NAME", help="Weights of `tellurion models add`, by name or SHA-256; else those shipped."),
    ] = "",
    operator: Annotated[
        str,
        typer.Option(
            help="point, interpolation or layer_mean; if not given, layer_mean where O.nc has bounds of σ, else "
            "interpolation."
        ),
    ] = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Analyse one state of the atmosphere: write its mean, standard error and members.

    B.nc has eastward_wind, northward_wind and air_temperature (sigma, lat, lon) and surface_air_pressure (lat, lon), by
    standard name. O.nc has the same quantities at points, NaN where not observed, each with a standard error, latitude,
    longitude and atmosphere_sigma_coordinate. Observations older than B.nc are refused. Without any, A.nc is the
    background, or the unguided sample of a learned method.
    """
    from tellurion_client.assimilation_options import check_analysis
    from tellurion_client.cli import display
    from tellurion_client.cli.outputs import Output
    from tellurion_core.errors import InvalidInput

    options: AnalysisOptions = {
        "members": members,
        "seed": seed,
        "inflation": inflation,
        "localization": localization,
        "rotate": rotate,
        "steps": steps,
        "weights": weights,
        "operator": operator,
    }
    check_analysis(method, options)
    Output(output, None).check([observations])
    for given in filter(None, (background, ensemble)):
        if output.exists() and given.exists() and output.samefile(given):
            raise InvalidInput.of("output", received=f"{output}, which is read", accepted="another file")
    with connected(state) as client, display.progress(method) as progress:
        analysis = client.assimilation.analyse(
            background, observations, method=method, ensemble=ensemble, progress=progress, **options
        )
    analysis.write(output)
    report = analysis.report
    fit = {name: getattr(report, name) if report.HasField(name) else None for name in ("innovation", "residual")}
    if as_json:
        about = {"output": str(output), "method": method, "members": len(analysis.members)}
        about |= {"observations": report.observations, **fit, "seconds": report.seconds}
        if report.weights_sha256:
            about |= {"steps": report.spec.steps, "weights_sha256": report.weights_sha256}
        display.json_line(about)
    else:
        told = (
            ""
            if fit["residual"] is None
            else (f", misfit in units of their errors {fit['innovation']:.2f} before and {fit['residual']:.2f} after")
        )
        display.line(
            f"{output}: {method} in {report.seconds:.1f} s from {report.observations} observations, "
            f"{len(analysis.members)} members{told}"
        )


@app.command(
    epilog="Example: tellurion assimilation compare --system atmosphere --observed 0.01 --cases 100 --seed 1 --json"
)
def compare(
    system: Annotated[str, typer.Option(help="atmosphere or winds.")] = "atmosphere",
    observed: Annotated[
        float, typer.Option(metavar="R", help="Part of the cells that is observed, at most 0.1.")
    ] = 0.01,
    cases: Annotated[
        int | None,
        typer.Option(metavar="N", help="Held-out cases: 100 of atmosphere, six days apart, or all 32 months of winds."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="Method to compare, may be repeated; if not given, on atmosphere the learned ones, letkf and "
            "3dvar, on winds dps, 3dvar, oi, damped_persistence, persistence and climatology."
        ),
    ] = None,
    seed: SeedOption = 0,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare methods on the same truths, backgrounds and observations, with paired 95 % intervals.

    Figures on atmosphere are errors of the analysis and of the 48-hour forecast from it in standard deviations of each
    channel, CRPS, spread over skill, and how near the balance of the winds is to the truth's. On winds, real months
    that nothing was fitted to, errors are in m/s, and there is no forecast. It takes minutes; Ctrl-C cancels it.
    """
    from dataclasses import asdict

    from tellurion_client.assimilation_options import check_comparison
    from tellurion_client.cli import display

    methods = tuple(method or ())
    cases = check_comparison(system, methods, observed=observed, cases=cases, seed=seed)
    with connected(state) as client, display.progress("comparing") as progress:
        report = client.assimilation.compare(
            system, observed=observed, cases=cases, seed=seed, methods=methods, progress=progress
        )
    if as_json:
        compared = {name: asdict(each) for name, each in report.methods.items()}
        display.json_line({"methods": compared, "reference": report.reference, "seconds": report.seconds})
    else:
        display.comparison(f"{cases} cases of {system}, {observed:.2%} of the cells observed, seed {seed}", report)


@app.command(epilog="Example: tellurion assimilation methods --json")
def methods(state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the methods, and the systems of twin experiments."""
    from dataclasses import asdict

    from tellurion_client.cli import display

    with connected(state) as client:
        known, systems = client.assimilation.methods(), client.assimilation.systems()
    if as_json:
        display.json_line({"methods": list(map(asdict, known)), "systems": list(map(asdict, systems))})
    else:
        display.assimilation(known, systems)
