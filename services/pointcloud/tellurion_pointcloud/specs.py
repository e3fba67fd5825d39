"""Weights files of networks, and what they may claim: the fields of their spec, in sizes that memory holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

import torch

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights

N = TypeVar("N", bound=torch.nn.Module)


def check_sizes(spec: Any, largest: Mapping[str, int]) -> None:
    """Raises InvalidInput unless each of these attributes is a whole number from 1 to the largest it may be."""
    for name, most in largest.items():
        value = getattr(spec, name)
        if type(value) is not int or not 1 <= value <= most:  # True is an int too
            raise InvalidInput.of(f"spec.{name}", received=value, accepted=f"a whole number, 1…{most}")


def check_blocks(spec: Any) -> None:
    """Raises InvalidInput unless `heads` divides `width` and `drop_path` is a probability below 1."""
    if spec.width % spec.heads:
        raise InvalidInput.of("spec.heads", received=spec.heads, accepted=f"a divisor of {spec.width}")
    if type(spec.drop_path) not in (int, float) or not 0 <= spec.drop_path < 1:
        raise InvalidInput.of("spec.drop_path", received=spec.drop_path, accepted="0 ≤ drop_path < 1")


def stored_fields(kind: type, stored: Any) -> dict[str, Any]:
    """What a weights file says of a spec of this dataclass; what has a default may be left out.

    Raises InvalidInput for anything else than its fields.
    """
    known = {each.name for each in fields(kind)}
    needed = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}
    if not isinstance(stored, Mapping) or not needed <= set(stored) <= known:
        received = ", ".join(sorted(stored)) if isinstance(stored, Mapping) else stored
        raise InvalidInput.of("spec", received=received, accepted=", ".join(sorted(known)))
    return dict(stored)


def check_model(stored: dict[str, Any], name: str) -> None:
    """Takes the name of the model out of what is stored. Raises InvalidInput for another one's."""
    if (model := stored.pop("model", None)) != name:
        raise InvalidInput.of("weights.spec.model", received=model, accepted=name)


def saved(path: Path, network: torch.nn.Module, model: str, spec: Mapping[str, Any], card: Mapping[str, Any]) -> None:
    """Writes a weights file of a network built from `spec`, whole or not at all."""
    weights.save(path, network, {"model": model, **spec}, card, half=True)


def loaded(path: Path, model: str, build: Callable[[dict[str, Any]], N]) -> N:
    """The network that `build` makes of the spec in a weights file of this model, with its weights, ready to be asked.

    Raises InvalidInput or DataCorrupted for any other file.
    """
    tensors, stored = weights.load(path)
    check_model(stored, model)
    with torch.device("meta"):
        network = build(stored)
    weights.fill(network, tensors)
    return network.eval()
