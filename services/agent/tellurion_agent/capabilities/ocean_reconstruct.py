"""Temperature of the ocean from sparse observations."""

from __future__ import annotations

import numpy as np

from tellurion_agent.capabilities import options
from tellurion_agent.capabilities.capability import Call, Capability, FileInput, Option, Returned, named
from tellurion_agent.recipes.recipe import Value
from tellurion_client.options import DEFAULT_METHOD, METHODS
from tellurion_geo.weights import area_weights


def _call(call: Call) -> Returned:
    operation = call.client.ocean.submit(
        call.file("observations"), **call.options, request_id=call.request_id, timeout=call.seconds
    )
    call.wait(operation.operation)
    analysis = operation.result(timeout=call.seconds)
    analysis.write(call.output / "data.nc")
    report, depth = analysis.report, analysis.grid.depth[0]
    wet = np.isfinite(analysis.mean[0])
    weights = area_weights(analysis.grid)[wet]
    mean, error = (float(np.average(field[0][wet], weights=weights)) for field in (analysis.mean, analysis.std))
    rejected = dict(sorted(report.observations.rejected_by_reason.items()))
    return Returned(
        (
            Value(f"area-weighted mean of the temperature at {depth:g} m, month {report.month}", mean, "degC"),
            Value(f"area-weighted mean of the standard error at {depth:g} m", error, "K"),
            Value("observations used", float(report.observations.used), "1"),
        ),
        tuple(f"{number} observations were not used: {reason}" for reason, number in rejected.items()),
        {"method": report.method, "version": report.version, "weights_sha256": report.weights_sha256},
    )


CAPABILITY = Capability(
    name="ocean.reconstruct",
    title="Reconstruction of ocean temperature from observations",
    phrases=(
        "reconstruct the global ocean temperature for February from obs.nc",
        "Reconstruct sea temperature in March from the profiles in argo.nc by optimal interpolation with 16 members",
    ),
    asks=(r"\breconstruct\b", r"\b(?:ocean|sea|temperatures?|month)\b"),
    inputs=(FileInput("observations", "a CF NetCDF file of observed ocean temperature", named(".nc", ".nc4", ".cdf")),),
    options=(
        Option("month", "Which month?", options.month),
        Option("method", "By which method?", options.one_of(METHODS), default=DEFAULT_METHOD),
        Option("members", "How many members?", options.whole("members", "samples"), default=8),
        options.SEED,
    ),
    method="One calendar month of temperature on the ocean service's grid, with its standard error, from the "
    "observations of that month.",
    call=_call,
)
