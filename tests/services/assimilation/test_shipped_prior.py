"""The priors that ship, and what is said of one that does not."""

from __future__ import annotations

from importlib import resources

import pytest

from tellurion_assimilation import prior
from tellurion_assimilation.prior import AUTOENCODER_FILE, PRIORS, Prior
from tellurion_core.errors import NotFound
from tellurion_diffusion import weights

FOLDER = resources.files("tellurion_assimilation").joinpath("weights")


@pytest.mark.parametrize("alignment", PRIORS)
def test_every_prior_ships(alignment: str) -> None:
    with resources.as_file(FOLDER.joinpath(PRIORS[alignment])) as path:
        assert Prior.shipped(alignment).sha256 == weights.sha256(path)


def test_all_weights_together_are_small() -> None:
    sizes = [len(FOLDER.joinpath(name).read_bytes()) for name in (*PRIORS.values(), AUTOENCODER_FILE)]
    assert sum(sizes) <= 40e6


def test_one_that_is_missing_is_not_found_and_no_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(prior.PRIORS, "Q", "prior-q.safetensors")
    with pytest.raises(NotFound, match=r"^this distribution came without the weights prior-q\.safetensors$"):
        Prior.shipped("Q")
