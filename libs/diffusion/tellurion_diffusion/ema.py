"""The exponential moving average of a network's parameters: what is kept of a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput


class EMA:
    """average ← d · average + (1 − d) · parameters, with d = min(decay, (1 + n)/(10 + n)) at update n = 0, 1, ….

    The warm-up forgets the initial parameters as fast as the training moves away from them.
    """

    def __init__(self, module: nn.Module, decay: float = 0.9999) -> None:
        if not 0 <= decay < 1:
            raise InvalidInput.of("decay", received=decay, accepted="a number in [0, 1)")
        self.decay = decay
        self.updates = 0
        self.average: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in module.named_parameters()
        }
        """By parameter name, where the module's parameters were and in their precision."""

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Takes the module's parameters in."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, parameter in module.named_parameters():
            self.average[name].lerp_(parameter.to(self.average[name]), 1 - decay)
        self.updates += 1

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        """Sets the module's parameters to the average."""
        for name, parameter in module.named_parameters():
            parameter.copy_(self.average[name])

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes back."""
        return {"decay": self.decay, "updates": self.updates, "average": self.average}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state; its parameters must be this module's."""
        self.decay, self.updates = float(state["decay"]), int(state["updates"])
        for name, average in self.average.items():
            average.copy_(state["average"][name])
