"""The training program on an archive of CMIP6: what it learns from, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tellurion_ocean.atlas import training_atlas
from tellurion_ocean.network import Network
from tellurion_ocean.training import train

from .archive import COARSE, Archive, axes, on


@pytest.mark.parametrize(
    ("folders", "options", "message"),
    [
        ([], [], "without a folder CMIP6"),
        (["CMIP6"], [], "at least one month"),
        (["CMIP6"], ["--held-out", "r3i1p1f1"], "received r3i1p1f1; accepted: no members"),
    ],
)
def test_training_refuses_a_folder_without_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folders: list[str], options: list[str], message: str
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir()
    with pytest.raises(SystemExit) as left:
        train.main(["--cmip6", str(tmp_path), *options, "--steps", "1", "--output", str(tmp_path / "x.safetensors")])
    assert left.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("option", ["--held-out", "--models"])
def test_members_and_models_are_those_of_an_archive_alone(capsys: pytest.CaptureFixture[str], option: str) -> None:
    with pytest.raises(SystemExit) as left:
        train.main([option, "r1i1p1f1"])
    assert left.value.code == 2
    assert f"{option} needs --cmip6" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_network_is_trained_on_an_archive_and_measured_on_the_members_held_out(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    grid, rng = training_atlas().grid, np.random.default_rng(4)
    for member in ("r1i1p1f1", "r2i1p1f1"):
        archive.write(
            axes(*COARSE),
            lambda months: on(*COARSE)(months) + rng.normal(size=(8, 11, 18)),
            "200001-200112",
            member=member,
        )
    output = archive.root / "x.safetensors"
    options = ["--steps", "2", "--width", "8", "--batch", "1", "--held-out", "r2i1p1f1", "--output", str(output)]
    train.main(["--cmip6", str(archive.root), *options])
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (card["corpus"], card["held_out"], card["samples"]) == ("CMIP6", ["r2i1p1f1"], 2)
    np.testing.assert_array_equal(Network.load(output).grid.lat, grid.lat)
