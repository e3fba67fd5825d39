"""The state of the atmosphere from a background and observations."""

from __future__ import annotations

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, FileInput, Option, Returned, named
from tellurion_agent.recipes.recipe import Value
from tellurion_client.assimilation_options import ANALYSES

_STATES = named(".nc", ".nc4", ".cdf")


def _call(call: Call) -> Returned:
    analysis = call.client.assimilation.analyse(
        call.file("background"),
        call.file("observations"),
        ensemble=call.file("ensemble") if "ensemble" in call.files else None,
        timeout=call.seconds,
        **call.options,
    )
    analysis.write(call.output / "data.nc")
    report = analysis.report
    fits = [
        Value(f"root mean square of (observation − {state}) / error", getattr(report, name), "1")
        for name, state in (("residual", "analysis"), ("innovation", "background"))
        if report.HasField(name)  # type: ignore[arg-type]
    ]
    by = {"method": report.spec.method, "version": report.version, "weights_sha256": report.weights_sha256}
    return Returned((*fits, Value("observations used", float(report.observations), "1")), by=by)


CAPABILITY = Capability(
    name="assimilation.analyse",
    title="Analysis of the atmosphere from a background and observations",
    phrases=(
        "assimilate the observations obs.nc into the background forecast.nc",
        "Assimilate soundings.nc into background.nc by 3dvar",
    ),
    asks=(r"\bassimilate\b",),
    inputs=(
        FileInput(
            "background",
            "a CF NetCDF file of the atmosphere's state, the background",
            _STATES,
            cues=("background", "forecast", "first guess", "bg", "into"),
        ),
        FileInput(
            "observations",
            "a CF NetCDF file of observations of the atmosphere",
            _STATES,
            cues=("observations", "observed", "soundings", "obs"),
        ),
        FileInput(
            "ensemble",
            "a CF NetCDF file of forecasts",
            _STATES,
            cues=("ensemble", "members"),
            optional=True,
        ),
    ),
    options=(
        Option("method", "By which method?", options.one_of(ANALYSES), default="letkf"),
        Option("members", "How many members?", options.whole("members")),
        options.SEED,
    ),
    method="One analysis with its standard error and members; an ensemble method without an ensemble draws its members "
    "around the background.",
    call=_call,
)
