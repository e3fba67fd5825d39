"""Fit the prior of the monthly winds, and measure it on months that it was not fitted to.

    python -m tellurion_assimilation.training.winds

In closed form: minutes, no seed, nothing to resume. The same is first fitted to the training months but the last 20, of
which analyses are then made by all methods; what is shipped is fitted to all of them. No test month is opened.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tellurion_assimilation import autoencoder, gaussian_prior
from tellurion_assimilation.catalogue import COMPARABLE, WINDS
from tellurion_assimilation.compare_winds import AUTOENCODER_FILE, PRIOR_FILE, compare_winds
from tellurion_assimilation.gaussian_prior import GaussianPrior
from tellurion_assimilation.localization import gaspari_cohn
from tellurion_assimilation.systems.winds import Winds, training_winds
from tellurion_assimilation.wind_background import HELD_BACK, WindBackground
from tellurion_core.errors import InvalidInput

LATENT = 36, 72
TAPER = 40.0
"""Degrees of latitude, half-width of the taper of covariances that are alike at all longitudes."""
HALF_WIDTH, SHARE, RANK = 45.0, 0.5, 200
"""Of what depends on the longitude too (`gaussian_prior.fit`)."""
INFLATION = 1.2
"""Of standard errors: what lies outside the sample varies more than what lies in it."""
OBSERVED = 0.01, 0.05, 0.1
FIGURES = "mse_analysis", "crps", "spread_skill"


def fitted(background: WindBackground) -> GaussianPrior:
    """The prior of a background's errors, in units of their scale."""
    winds = background.winds
    errors = torch.from_numpy((background.errors() / background.scale).astype(np.float32))
    apart = np.abs(np.subtract.outer(winds.latitude, winds.latitude))
    code = autoencoder.fit(
        [errors],
        torch.ones(2),
        torch.from_numpy(winds.area.astype(np.float32)),
        mirror=torch.tensor([1.0, -1.0]),
        rows=LATENT[0],
        columns=LATENT[1],
        symmetric=False,
        taper=torch.from_numpy(gaspari_cohn(apart / TAPER)),
    )
    prior = gaussian_prior.fit(code, code.encode(errors), half_width=HALF_WIDTH, share=SHARE, rank=RANK)
    return replace(prior, autoencoder=replace(code, std=INFLATION * code.std))


def measured(winds: Winds) -> Mapping[str, Any]:
    """By the share of the cells that is observed, the figures of every method on the last 20 of these months."""
    background = WindBackground(winds.part(slice(-HELD_BACK)))
    prior, months = fitted(background), winds.part(slice(-HELD_BACK - 1, None))
    found = {}
    for observed in OBSERVED:
        cases = compare_winds(COMPARABLE[WINDS], months, background=background, prior=prior, observed=observed, seed=0)
        found[f"{observed:.0%}"] = {
            method: {figure: round(of.figures[figure].value, 4) for figure in FIGURES}
            for method, of in cases.compared("oi", 0).items()
        }
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="tellurion_assimilation.training.winds", description=__doc__.splitlines()[0])
    default = Path(__file__).parents[1] / "weights"
    parser.add_argument("--output", type=Path, default=default, help="folder of the two weights files (weights/)")
    given = parser.parse_args(arguments)
    if not given.output.is_dir():
        error = InvalidInput.of("output", received=given.output.name, accepted="a folder that exists")
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    winds = training_winds()
    card = {
        "data": f"monthly navy winds, {winds.months[0]} to {winds.months[-1]}",
        "errors": len(winds) - 1,
        f"on_the_last_{HELD_BACK}_months_fitted_to_the_others": measured(winds),
    }
    prior = fitted(WindBackground(winds))
    prior.autoencoder.save(given.output / AUTOENCODER_FILE, card)
    prior.save(given.output / PRIOR_FILE, given.output / AUTOENCODER_FILE, card)
    print(json.dumps(card))


if __name__ == "__main__":
    main()
