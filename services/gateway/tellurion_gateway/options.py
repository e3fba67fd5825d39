"""Options of a reconstruction and of an evaluation, under the rules that the protos give them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tellurion.ocean.v1 import ocean_pb2
from tellurion_client.options import DEFAULT_METHOD, MAX_SEED
from tellurion_core.errors import InvalidInput
from tellurion_core.fields import rules

RECONSTRUCT = ocean_pb2.ReconstructSpec.DESCRIPTOR
EVALUATE = ocean_pb2.EvaluateRequest.DESCRIPTOR
DEFAULT_MEMBERS = 8
"""Members of an ensemble, as the SDK and the command have it."""
LIMITS = {"min": "ge", "max": "le", "min_length": "min_length", "max_length": "max_length"}
"""Rules of a proto's field, and what pydantic calls them."""


def ruled(message: Descriptor, name: str, **more: Any) -> Any:
    """A pydantic field that accepts what the proto's field accepts; `more` as for `pydantic.Field`, and stronger."""
    field = message.fields_by_name[name]
    own = rules(field)
    limits: dict[str, Any] = {LIMITS[rule.name]: limit for rule, limit in own.ListFields() if rule.name in LIMITS}
    if field.type == FieldDescriptor.TYPE_UINT64:
        limits = {"ge": 0, "le": MAX_SEED, **limits}
    elif field.type == FieldDescriptor.TYPE_INT32:
        limits = {key: int(limit) for key, limit in limits.items()}
    if own.pattern and not field.is_repeated:
        limits["pattern"] = f"^(?:{own.pattern}){'' if own.required else '?'}$"  # an empty string is none
    return Field(**limits | more)


MethodName = Annotated[str, ruled(RECONSTRUCT, "method")]
Month = Annotated[int, ruled(RECONSTRUCT, "month", examples=[2])]
Members = Annotated[int, ruled(RECONSTRUCT, "members", ge=1, examples=[8])]
Seed = Annotated[int, ruled(RECONSTRUCT, "seed", examples=[7])]
Steps = Annotated[int, ruled(RECONSTRUCT, "steps", examples=[20])]
Weights = Annotated[str, ruled(RECONSTRUCT, "weights", examples=["north"])]
STEPS = "Steps of a learned method's sampler; the method's own number where 0. No other method takes any."
WEIGHTS = (
    "Weights of a learned method, by the name or SHA-256 under which they are registered with the service; those "
    "shipped where empty. No other method takes any."
)


class ReconstructOptions(BaseModel):
    """What to compute."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: MethodName = Field(default=DEFAULT_METHOD, description="Name of the method, from `/v1/ocean/methods`.")
    month: Month | None = Field(
        default=None,
        description="Calendar month, 1 for January. Needed where the observations are of several months, or of none; "
        "those of other months are then left out.",
    )
    members: Members = Field(default=DEFAULT_MEMBERS, description="Ensemble members in the analysis file.")
    seed: Seed = Field(default=0, description="Seed of the members: the same seed and input give the same answer.")
    steps: Steps = Field(default=0, description=STEPS)
    weights: Weights = Field(default="", description=WEIGHTS)

    def message(self, month: int) -> ocean_pb2.ReconstructSpec:
        """The specification for the ocean service."""
        names = {field.name for field in RECONSTRUCT.fields}
        return ocean_pb2.ReconstructSpec(**self.model_dump(include=names) | {"month": month})


class EvaluateOptions(BaseModel):
    """What to score: one of `observed` and `profiles` is required."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"month": 2, "profiles": 500, "methods": ["climatology", "eof_oi"]}]},
    )

    month: Annotated[int, ruled(EVALUATE, "month")] = Field(description="Month of the withheld truth: 2 or 8.")
    observed: Annotated[float, ruled(EVALUATE, "observed", allow_inf_nan=False)] | None = Field(
        default=None, description="Part of the wet cells of each level that is observed."
    )
    profiles: Annotated[int, ruled(EVALUATE, "profiles")] | None = Field(
        default=None, description="Number of full columns that are observed."
    )
    seed: Annotated[int, ruled(EVALUATE, "seed")] = Field(
        default=0, description="Seed of the choice of what is observed, and of the members."
    )
    methods: list[MethodName] = ruled(
        EVALUATE,
        "methods",
        default=[],
        description="Names of the methods; where the list is empty, all but reconmost, which takes minutes.",
    )
    members: Annotated[int, ruled(EVALUATE, "members")] = Field(
        default=DEFAULT_MEMBERS, description="Ensemble members that spread and CRPS are computed from."
    )
    steps: Annotated[int, ruled(EVALUATE, "steps")] = Field(default=0, description=STEPS)
    weights: Annotated[str, ruled(EVALUATE, "weights")] = Field(default="", description=WEIGHTS)

    @model_validator(mode="after")
    def _one_sampling(self) -> Self:
        if (self.observed is None) == (self.profiles is None):
            received = "neither" if self.observed is None else "both"
            raise InvalidInput.of("observed, profiles", received=received, accepted="one of the two")
        return self

    def message(self) -> ocean_pb2.EvaluateRequest:
        """The request to the ocean service."""
        return ocean_pb2.EvaluateRequest(**self.model_dump(exclude_none=True))
