"""Weights files are checked before they are believed, and a network is told what it was trained with."""

from __future__ import annotations

import hashlib
import json
import resource
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_diffusion import weights
from tellurion_geo import Grid
from tellurion_ocean.network import KIND, Network, convolve_in_tf32, spec_of
from tellurion_ocean.surroundings import season, surroundings

MONTH = 4


@pytest.fixture
def write(tmp_path, small_unet, small_grid):
    """Writes a weights file whose spec or tensors are changed; a value of None takes an entry away."""

    def changed(values, changes):
        return {name: value for name, value in {**values, **changes}.items() if value is not None}

    def file(*, spec=None, network=None, tensors=None):
        unet = small_unet(0.1)
        meaning = changed(spec_of(unet.spec, small_grid), spec or {})
        if network:
            meaning["network"] = changed(meaning["network"], network)
        path = tmp_path / "weights.safetensors"
        weights.save(path, changed(unet.state_dict(), tensors or {}), meaning, {})
        return path

    return file


def test_what_is_written_is_what_is_loaded(write, small_unet, small_grid):
    path = write()
    network = Network.load(path, device="cpu")
    for name, tensor in small_unet(0.1).state_dict().items():
        torch.testing.assert_close(network.unet.state_dict()[name], tensor, rtol=0, atol=0)
    for axis in ("depth", "lat", "lon"):
        np.testing.assert_array_equal(getattr(network.grid, axis), getattr(small_grid, axis))
    assert network.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not network.unet.training


def test_a_spec_that_is_given_stands_in_for_that_of_a_file_with_none(tmp_path, small_unet, small_grid):
    unet = small_unet(0.1)
    save_file(unet.state_dict(), tmp_path / "bare.safetensors")
    with pytest.raises(InvalidInput):
        Network.load(tmp_path / "bare.safetensors", device="cpu")
    spec = json.loads(json.dumps(spec_of(unet.spec, small_grid)))
    assert Network.load(tmp_path / "bare.safetensors", spec, device="cpu").grid.shape == small_grid.shape


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("weights.spec.kind", {"spec": {"kind": "cloud-correction"}}),
        ("weights.spec.kind", {"spec": {"kind": None}}),
        ("weights.spec", {"spec": {"depth": None}}),
        ("weights.spec", {"spec": {"lat": "north"}}),
        ("weights.spec", {"spec": {"lon": [0, [1, 2]]}}),
        ("weights.spec", {"spec": {"lon": [0, 10**400]}}),
        ("weights.spec", {"spec": {"lon": {"first": 0}}}),
        ("grid.lat[1]", {"spec": {"lat": [1.0, 0.0]}}),
        ("grid.depth", {"spec": {"depth": []}}),
        ("weights.spec.network", {"spec": {"depth": [0.0, 10.0]}}),
        ("weights.spec.network", {"network": {"in_channels": 42}}),
        ("weights.spec.network", {"network": {"features": 3}}),
        ("spec", {"network": {"width": None}}),
        ("spec", {"network": {"depth": 3}}),
        ("spec", {"spec": {"network": None}}),
        ("spec", {"spec": {"network": 5}}),
        ("spec.width", {"network": {"width": -8}}),
        ("spec.width", {"network": {"width": 10**9}}),
        ("weights.level.0.weight", {"network": {"width": 16}}),
        ("weights.head.bias", {"tensors": {"head.bias": None}}),
        ("weights.head.bias", {"tensors": {"head.bias": torch.zeros(4)}}),
        ("weights.tail", {"tensors": {"tail": torch.zeros(4)}}),
    ],
)
def test_a_file_that_is_no_correction_of_its_grid_is_refused_by_name(write, field, changes):
    with pytest.raises(InvalidInput) as refused:
        Network.load(write(**changes), device="cpu")
    assert refused.value.violations[0].field == field


def test_a_spec_that_claims_gibibytes_is_refused_before_they_are_taken(write):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInput):
        Network.load(write(network={"width": 512, "multipliers": [1, 8]}), device="cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB


def test_damaged_values_are_data_loss_and_half_a_file_is_none(write):
    path = write()
    data = path.read_bytes()
    path.write_bytes(data[:-4] + np.float32(np.nan).tobytes())
    with pytest.raises(DataCorrupted, match="not finite"):
        Network.load(path, device="cpu")
    path.write_bytes(data[:-40])
    with pytest.raises(InvalidInput, match="a whole safetensors file"):
        Network.load(path, device="cpu")


def test_the_shipped_network_is_one_for_the_shipped_grid():
    network = Network.shipped()
    assert network.grid.shape == (19, 90, 180)
    assert Network.shipped() is network
    assert len(network.sha256) == 64


def test_a_spec_is_json(small_unet, small_grid):
    unet = small_unet()
    spec = json.loads(json.dumps(spec_of(unet.spec, small_grid)))
    assert spec["kind"] == KIND
    assert spec["network"] == json.loads(json.dumps(asdict(unet.spec)))


def test_a_grid_that_differs_by_rounding_is_the_same(small_network, small_prior, small_unet):
    prior = small_prior()
    grid = prior.grid
    rounded = Grid(depth=grid.depth, lat=grid.lat.astype(np.float32) + 1e-4, lon=grid.lon)
    Network(small_network.unet, rounded, small_network.sha256).correction(prior, MONTH)


def test_the_correction_is_the_network_with_land_as_zero_its_surroundings_and_the_season(small_network, small_prior):
    prior = small_prior()
    states = torch.from_numpy(np.random.default_rng(0).normal(size=(2, len(prior.std))).astype(np.float32))
    found = small_network.correction(prior, MONTH)(states, 0.3)
    fields = np.zeros((2, *prior.grid.shape), np.float32)
    for field, state in zip(fields, states.numpy(), strict=True):
        field[prior.wet] = state
    with torch.no_grad():
        out = small_network.unet(
            torch.from_numpy(fields),
            torch.tensor([0.3, 0.3]).log(),
            torch.from_numpy(np.stack([season(MONTH)] * 2)),
            torch.from_numpy(np.stack([surroundings(prior, MONTH)] * 2)),
        )
    torch.testing.assert_close(found, out[:, torch.from_numpy(prior.wet)])
    assert found.abs().max() > 0.01


def test_a_gpu_convolves_in_tf32_and_multiplies_matrices_in_float32():
    backends = torch.backends.cudnn.conv, torch.backends.cuda.matmul
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "none"
        convolve_in_tf32()
        assert [backend.fp32_precision for backend in backends] == ["tf32", "ieee"]
    finally:
        for backend, precision in zip(backends, before, strict=True):
            backend.fp32_precision = precision


def test_a_gradient_can_be_taken_through_the_correction(small_network, small_prior):
    """Compared with the difference quotient along a direction."""
    prior = small_prior()
    correction = small_network.correction(prior, MONTH)
    generator = torch.Generator().manual_seed(0)
    state, along, weight = torch.randn(3, 1, len(prior.std), generator=generator)
    state.requires_grad_()
    (gradient,) = torch.autograd.grad((weight * correction.differentiable(state, 1.0)).sum(), state)
    with torch.no_grad():
        ahead, behind = ((weight * correction(state + h * along, 1.0)).double().sum() for h in (1e-2, -1e-2))
    assert float((gradient * along).sum()) == pytest.approx(float(ahead - behind) / 2e-2, rel=0.02)
