"""Twin experiments and comparisons as long work."""

from __future__ import annotations

from dataclasses import dataclass

from tellurion.assimilation.v1 import assimilation_pb2
from tellurion_assimilation.atmosphere_twin import check_setting
from tellurion_assimilation.catalogue import COMPARABLE, WINDS, check_options, cycled_system, offer
from tellurion_assimilation.methods import parameters
from tellurion_assimilation.methods.ensemble import check_inflation, check_members
from tellurion_assimilation.models import SHIPPED
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.systems.atmosphere.columns import check_observed
from tellurion_assimilation.systems.winds import check_months
from tellurion_assimilation.wire import CYCLE_OPTIONS, resolved, twin_options, twin_setting
from tellurion_core.call import Identity
from tellurion_core.errors import InvalidInput
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.submission import submit

SERVICE = "assimilation"
CYCLE, COMPARISON = "assimilation.cycle", "assimilation.comparison"
"""The kinds of these jobs; `cycle_job` and `comparison_job` do them."""


@dataclass(frozen=True)
class Submissions:
    """Takes experiments as long work."""

    jobs: JobStore

    def cycle(self, identity: Identity, request: assimilation_pb2.CycleRequest) -> str:
        """The name of the operation of this request: a new one, or that which the same request made before.

        Raises:
            InvalidInput: a specification that no experiment can have.
            Conflict: the request id came before, with another specification.
            Unavailable: the database of jobs cannot be reached.
        """
        check_cycle(request.spec)
        return submit(self.jobs, identity, CYCLE, request, request.spec)

    def compare(self, identity: Identity, request: assimilation_pb2.CompareRequest) -> str:
        """The same for a comparison. Raises likewise."""
        check_comparison(request.spec)
        return submit(self.jobs, identity, COMPARISON, request, request.spec)


def check_cycle(spec: assimilation_pb2.CycleSpec) -> None:
    """Refuses, before anything is computed, a twin experiment that cannot be. Raises InvalidInput."""
    chosen = cycled_system(spec.system)
    method = offer(spec.method, system=spec.system)
    check_options(method, spec, CYCLE_OPTIONS)
    spec = resolved(spec)
    given, setting = twin_options(spec), twin_setting(spec)
    for name, parameter in {} if method.learned else parameters(spec.method).items():
        if parameter.default is parameter.empty and name not in given:
            raise InvalidInput.of(name, received="none", accepted=f"a value, for method {spec.method}")
    if "inflation" in given:
        check_inflation(given["inflation"])
    on_atmosphere = isinstance(chosen, Atmosphere)
    if method.ensemble or on_atmosphere:
        check_members(spec.members, chosen.size, round(setting.observed * chosen.size))
    elif spec.members:
        raise InvalidInput.of("members", received=spec.members, accepted="none for a method without an ensemble")
    if on_atmosphere:
        check_setting(setting, chosen)
        if spec.variance:
            accepted = f"none on {spec.system}, where errors are those of radiosondes"
            raise InvalidInput.of("variance", received=spec.variance, accepted=accepted)
    setting.scored_from(chosen.dt, spec.cycles)


def check_comparison(spec: assimilation_pb2.CompareSpec) -> None:
    """Refuses a comparison of unknown methods, of one twice, on an unknown system, or of which nothing is observed.

    Raises InvalidInput.
    """
    if spec.system not in COMPARABLE:
        raise InvalidInput.of("system", received=spec.system, accepted=", ".join(COMPARABLE))
    if spec.system == WINDS:
        check_months(spec.cases)
    else:
        check_observed(spec.observed, SHIPPED)
    for name in spec.methods:
        if spec.system != WINDS:
            offer(name, analyses=True)
        elif name not in COMPARABLE[WINDS]:
            raise InvalidInput.of("method", received=name or "nothing", accepted=", ".join(COMPARABLE[WINDS]))
        if list(spec.methods).count(name) > 1:
            raise InvalidInput.of("methods", received=f"{name} twice", accepted="each method once")
