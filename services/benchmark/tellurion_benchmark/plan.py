"""What an evaluation is to do, checked: before it is submitted, and again before anything is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_benchmark.asking.budget import Limits
from tellurion_benchmark.inputs import FORMATS
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scoring import Variant
from tellurion_benchmark.suites import Suite, suite
from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.endpoint import Endpoint, check
from tellurion_core.endpoints.keys import KeyList
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.errors import InvalidInput

DEFAULT_VARIANT = "official"


@dataclass(frozen=True, slots=True)
class Plan:
    """A request for an evaluation that can be made."""

    suite: Suite
    """The benchmark."""
    variant: str
    """Name of one of its scorers."""
    prompts: Prompts
    """What a judge is asked."""
    model: Endpoint | None
    """Which model is asked; None where predictions are given."""
    judge: Endpoint | None
    """Which model judges; None where none does."""
    allowed: AllowList
    """What may be asked."""
    limits: Limits
    """What may be used up."""

    @classmethod
    def of(cls, request: benchmark_pb2.CreateEvaluationRequest, settings: EndpointSettings) -> Self:
        """Checks everything that can be checked without a file.

        Raises:
            InvalidInput: naming the field that cannot be used.
            PermissionDenied: the installation does not allow an endpoint, or the key for it.
        """
        found = suite(request.suite)
        variant = variant_of(found, request.variant)
        if request.data.format not in FORMATS:
            accepted = ", ".join(map(benchmark_pb2.Format.Name, FORMATS))
            raise InvalidInput.of("data.format", received=request.data.format, accepted=accepted)
        if request.WhichOneof("answers") is None or not (request.predictions or request.HasField("model")):
            raise InvalidInput.of("answers", received="nothing", accepted="a model, or predictions")
        allowed, keys = AllowList(settings.endpoints), KeyList(settings.endpoint_keys)
        endpoints = {
            role: _endpoint(getattr(request, role)) if request.HasField(role) else None for role in ("model", "judge")
        }
        _check_printable("label", request.label)
        for role, endpoint in endpoints.items():
            if endpoint is not None:
                _check_printable(f"{role}.model", endpoint.model)
                check(endpoint, allowed, keys, place=role)
        budget = request.budget
        if budget.cost and not any(e and (e.input_price or e.output_price) for e in endpoints.values()):
            raise InvalidInput.of("budget.cost", received=budget.cost, accepted="none, where nothing has a price")
        return cls(
            suite=found,
            variant=variant,
            prompts=Prompts.of(found.name, dict(request.prompts), variant=variant),
            allowed=allowed,
            limits=Limits(budget.requests, budget.tokens, Decimal(str(budget.cost))),
            **endpoints,
        )

    def load(self) -> Variant:
        """The scorer; its libraries take seconds."""
        return self.suite.variant(self.variant, self.prompts)


def variant_of(found: Suite, name: str) -> str:
    """The name of a variant; that of the official one where none is given.

    Raises:
        InvalidInput: the benchmark has no such variant.
    """
    variant = name or DEFAULT_VARIANT
    if variant not in found.variants:
        raise InvalidInput.of("variant", received=variant, accepted=", ".join(found.variants))
    return variant


def _check_printable(field: str, name: str) -> None:
    """Refuses a name that would do more to a terminal or a page than stand in it."""
    if not name.isprintable():
        raise InvalidInput.of(field, received=name, accepted="printable text in one line")


def _endpoint(wire: benchmark_pb2.Endpoint) -> Endpoint:
    chosen = {name: value for name in ("concurrency", "timeout") if (value := getattr(wire, name))}
    return Endpoint(
        wire.url,
        wire.model,
        wire.api_key_env,
        input_price=wire.input_price,
        output_price=wire.output_price,
        **chosen,
    )
