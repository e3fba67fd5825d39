"""One method run once: its analysis, how long it took, and how often it asked the network."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from tellurion_ocean import posterior, reconmost
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.methods import DEFAULT_STEPS, LEARNED, METHODS, analyse
from tellurion_ocean.network import Network
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior

LEAST_MEMBERS = {"posterior": posterior.LEAST_MEMBERS, "reconmost": reconmost.LEAST_MEMBERS}
"""That are sampled even where fewer are asked for."""


@dataclass(frozen=True, eq=False)
class Run:
    """What one method gave."""

    analysis: Analysis
    seconds: float
    evaluations: float
    """Times that the network was shown one member."""


def run(
    method: str,
    prior: Prior,
    accepted: Observations,
    month: int,
    *,
    members: int,
    seed: int = 0,
    steps: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """The method, with the shipped network where it is learned; `steps` counts only for those.

    `options` are those of a learned method's own module, such as the scale of `reconmost`.
    """
    taken = steps if method in LEARNED else None
    given: dict[str, Any] = {"members": members, "seed": seed}
    shown = 0

    def count(network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal shown
        shown += len(inputs[0])

    counter: RemovableHandle | None = None
    if method in LEARNED:
        counter = Network.shipped().unet.register_forward_pre_hook(count)
    try:
        start = time.perf_counter()
        if options is None:
            analysis = analyse(method, prior, accepted, month, steps=taken, **given)
        else:
            given |= {"steps": taken or DEFAULT_STEPS[method], "network": Network.shipped(), **options}
            analysis = METHODS[method](prior, accepted, month, **given)
        seconds = time.perf_counter() - start
    finally:
        if counter:
            counter.remove()
    return Run(analysis, seconds, shown / max(members, LEAST_MEMBERS.get(method, 1)))
