"""Between the wire and the domain: what a method takes of a request, and what is told of what it made."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from tellurion.assimilation.v1 import assimilation_pb2
from tellurion_assimilation.catalogue import (
    CYCLED,
    MEMBERS,
    OFFERS,
    RADIUS,
    STEPS,
    check_options,
    cycled_system,
    described_system,
    offer,
)
from tellurion_assimilation.cycling import Twin
from tellurion_assimilation.models import OBSERVATIONS, OPTIONS, STATES
from tellurion_assimilation.scoring import FieldScores, StateScores
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.twin import SETTINGS, Setting
from tellurion_core.errors import InvalidInput
from tellurion_core.tensors import Array

if TYPE_CHECKING:
    from tellurion_assimilation.paired import Compared

Operator = assimilation_pb2.Operator
OPERATOR_NUMBERS: Mapping[int, int] = {
    Operator.OPERATOR_UNSPECIFIED: 1,
    Operator.OPERATOR_POINT: 0,
    Operator.OPERATOR_INTERPOLATION: 1,
    Operator.OPERATOR_LAYER_MEAN: 2,
}
"""By the operator on the wire, which of `tellurion_geo.sigma_operators.OPERATORS`."""
ANALYSIS_OPTIONS = ("inflation", "localization", "rotate", "steps", "weights")
CYCLE_OPTIONS = ("members", "inflation", "localization", "rotate", "amplitude")
PARAMETERS = CYCLE_OPTIONS[1:]


def methods() -> assimilation_pb2.ListMethodsResponse:
    """What there is."""
    listed = [
        assimilation_pb2.Method(
            name=of.name,
            description=of.description,
            ensemble=of.ensemble,
            learned=of.learned,
            options=sorted(of.options),
            analyses=of.analyses,
            systems=of.systems,
        )
        for of in OFFERS.values()
    ]
    systems = []
    for name in CYCLED:
        found = cycled_system(name)
        description = described_system(name)
        systems.append(assimilation_pb2.System(name=name, description=description, size=found.size, step=found.dt))
    return assimilation_pb2.ListMethodsResponse(methods=listed, systems=systems)


def resolve(spec: assimilation_pb2.AnalyseSpec) -> None:
    """Checks what can be checked of a specification alone, and sets what it left to the method. Raises InvalidInput."""
    method = offer(spec.method, analyses=True)
    if spec.operator not in OPERATOR_NUMBERS:
        accepted = ", ".join(Operator.Name(number) for number in OPERATOR_NUMBERS if number)
        raise InvalidInput.of("operator", received=spec.operator, accepted=accepted)
    check_options(method, spec, ANALYSIS_OPTIONS)
    if spec.members == 1:
        raise InvalidInput.of("members", received=1, accepted="at least 2, since their spread is the error of the mean")
    spec.operator = spec.operator or Operator.OPERATOR_INTERPOLATION
    for option, default in (("steps", STEPS), ("localization", RADIUS), ("inflation", 1.0)):
        if option in method.options and not getattr(spec, option):
            setattr(spec, option, default)


def model_inputs(spec: assimilation_pb2.AnalyseSpec, sent: Mapping[str, Array]) -> dict[str, Array]:
    """What the model of `spec.method` takes: what was sent, and the options; sets `spec.members`.

    Raises InvalidInput for members that are not those of the ensemble.
    """
    if OFFERS[spec.method].ensemble and "ensemble" in sent:
        count = len(sent["ensemble"])
        if spec.members not in (0, count):
            accepted = f"{count}, the members of the ensemble, or 0"
            raise InvalidInput.of("members", received=spec.members, accepted=accepted)
        spec.members = count
    spec.members = spec.members or MEMBERS
    asked = {name: getattr(spec, name) for name in OPTIONS}
    asked["operator"] = OPERATOR_NUMBERS[spec.operator]
    asked["weights"] = list(bytes.fromhex(spec.weights) or bytes(32))
    return {**sent, **{name: np.array(asked[name], kind.dtype) for name, kind in OPTIONS.items()}}


def analyse_report(
    spec: assimilation_pb2.AnalyseSpec, sent: Mapping[str, Array], outputs: Mapping[str, Array], seconds: float
) -> assimilation_pb2.AnalyseReport:
    """What was done, from the model's outputs and the time that it took."""
    report = assimilation_pb2.AnalyseReport(
        spec=spec,
        observations=len(sent["value"]),
        seconds=seconds,
        version=version("tellurion-assimilation"),
        observations_sha256=_digest(sent, OBSERVATIONS),
        background_sha256=_digest(sent, STATES),
        weights_sha256=outputs["weights"].tobytes().hex() if OFFERS[spec.method].learned else "",
    )
    if report.observations:
        report.innovation, report.residual = float(outputs["innovation"]), float(outputs["residual"])
    return report


def _digest(sent: Mapping[str, Array], names: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name in sorted(set(names) & set(sent)):
        digest.update(np.ascontiguousarray(sent[name]).data)
    return digest.hexdigest()


def resolved(spec: assimilation_pb2.CycleSpec) -> assimilation_pb2.CycleSpec:
    """The same with what it left to system and method. Raises InvalidInput."""
    method = offer(spec.method, system=spec.system)
    setting = twin_setting(spec)
    known = assimilation_pb2.CycleSpec()
    known.CopyFrom(spec)
    known.interval, known.observed = setting.interval, setting.observed
    if spec.system != Atmosphere.name:
        known.variance = setting.variance
    elif not method.ensemble:
        known.members = spec.members or MEMBERS
    elif "localization" in method.options:
        known.localization = spec.localization or RADIUS
    return known


def twin_options(spec: assimilation_pb2.CycleSpec) -> dict[str, Any]:
    """The parameters of the method that a specification sets."""
    return {name: value for name in PARAMETERS if (value := getattr(spec, name))}


def twin_setting(spec: assimilation_pb2.CycleSpec) -> Setting:
    """What a twin experiment observes: what the specification says, else the system's own. Raises InvalidInput."""
    usual = SETTINGS[spec.system]
    return Setting(
        interval=spec.interval or usual.interval,
        observed=spec.observed or usual.observed,
        variance=spec.variance or usual.variance,
        burn_in=usual.burn_in,
    )


def cycle_report(spec: assimilation_pb2.CycleSpec, twin: Twin) -> assimilation_pb2.CycleReport:
    """What came of a twin experiment, whose specification left nothing open."""
    report = assimilation_pb2.CycleReport(
        spec=spec,
        rmse_analysis=twin.rmse_analysis,
        rmse_forecast=twin.rmse_forecast,
        spread=twin.spread,
        crps=twin.crps,
        seconds=twin.seconds,
        diverged=twin.diverged,
        version=version("tellurion-assimilation"),
    )
    if twin.ranks is not None:
        report.rank_histogram.extend(map(int, twin.ranks))
    if math.isfinite(twin.spread_skill):
        report.spread_skill = twin.spread_skill
    if (balance := twin.balance) is not None:
        report.geostrophic_departure = balance.departure
        report.geostrophic_departure_truth = balance.departure_of_truth
        report.physics = balance.physics
    return report


def compare_report(
    spec: assimilation_pb2.CompareSpec, methods: Mapping[str, Compared], each: Mapping[str, float], seconds: float
) -> assimilation_pb2.CompareReport:
    """What came of a comparison: figures by method, seconds of each one's analysis and of all."""
    report = assimilation_pb2.CompareReport(spec=spec, seconds=seconds, version=version("tellurion-assimilation"))
    for name, compared in methods.items():
        if not compared.differences:
            report.reference = name
        method = report.methods.add(method=name, seconds=each[name])
        for figure, found in compared.figures.items():
            told = method.figures[figure]
            told.value, told.low, told.high = found.value, found.low, found.high
            if (less := compared.differences.get(figure)) is not None:
                told.difference.value, told.difference.low, told.difference.high = less.value, less.low, less.high
    return report


def score_response(scores: StateScores) -> assimilation_pb2.ScoreResponse:
    """Scores on the wire."""
    response = assimilation_pb2.ScoreResponse(
        channels=[_scores(name, of) for name, of in scores.channels.items()], total=_scores("", scores.total)
    )
    if (balance := scores.balance) is not None:
        response.geostrophic_departure = balance.departure
        response.geostrophic_departure_truth = balance.departure_of_truth
        response.physics = balance.physics
    return response


def _scores(channel: str, of: FieldScores) -> assimilation_pb2.ChannelScores:
    finite = {
        name: value
        for name, value in (("crps", of.crps), ("spread", of.spread), ("spread_skill", of.spread_skill))
        if value is not None and math.isfinite(value)
    }
    ranks = [] if of.ranks is None else map(int, of.ranks)
    return assimilation_pb2.ChannelScores(channel=channel, rmse=of.rmse, rank_histogram=ranks, **finite)
