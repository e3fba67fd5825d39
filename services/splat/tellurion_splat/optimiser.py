"""Adam over the parameters of splats, whose rows come and go: a Gaussian keeps its moments as long as it lives."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from tellurion_splat.splats import Splats

SH_RATE = 2.5e-3
RATES: Mapping[str, float] = MappingProxyType(
    {
        "quats": 1e-3,
        "log_scales": 5e-3,
        "logit_opacities": 0.05,
        "reflected_logit_opacities": 0.05,
        "logit_beta": 0.05,
        "sh0": SH_RATE,
        "reflected_sh0": SH_RATE,
        "sh_rest": SH_RATE / 20,
        "reflected_sh_rest": SH_RATE / 20,
    }
)
"""Learning rates, by parameter; that of the means is told at each step. Source: Kerbl et al. (2023), their code."""
MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimiser:
    """Adam with a rate for each parameter. It makes leaves of the splats' tensors, and puts new ones in their place."""

    def __init__(self, splats: Splats) -> None:
        self._splats = splats
        for name, tensor in splats.parameters.items():
            splats.parameters[name] = tensor.detach().clone().requires_grad_()
        groups = [
            {"params": [tensor], "name": name, "lr": RATES.get(name, 0.0)} for name, tensor in splats.parameters.items()
        ]
        self._adam = torch.optim.Adam(groups, eps=1e-15, fused=True)

    def step(self, means_rate: float) -> None:
        """One step along the gradients, which are then forgotten; `means_rate` is a length."""
        for group in self._adam.param_groups:
            if group["name"] == "means":
                group["lr"] = means_rate
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def take(self, rows: Tensor, fresh: int = 0) -> None:
        """Row i of every parameter becomes what row `rows[i]` was, with its moments; the last `fresh` have none yet."""
        for group in self._adam.param_groups:
            old = self._splats.parameters[group["name"]]
            new = old.detach()[rows].requires_grad_()
            state = self._adam.state.pop(old, {})
            for moment in MOMENTS:
                if moment in state:
                    state[moment] = state[moment][rows]
                    state[moment][len(rows) - fresh :] = 0
            self._adam.state[new] = state
            group["params"] = [new]
            self._splats.parameters[group["name"]] = new

    def forget(self, name: str) -> None:
        """The moments of a parameter that was changed by another hand."""
        state = self._adam.state[self._splats.parameters[name]]
        for moment in MOMENTS:
            state[moment].zero_()

    def state_dict(self) -> dict[str, Any]:
        """Parameters and moments, by parameter."""
        return {
            name: {"value": tensor.detach(), **self._adam.state.get(tensor, {})}
            for name, tensor in self._splats.parameters.items()
        }

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Goes on from a state, whatever its number of rows. Raises KeyError for other parameters than its own."""
        for group in self._adam.param_groups:
            kept = dict(state[group["name"]])
            new = kept.pop("value").requires_grad_()
            self._adam.state.pop(self._splats.parameters[group["name"]], None)
            self._adam.state[new] = kept
            group["params"] = [new]
            self._splats.parameters[group["name"]] = new
