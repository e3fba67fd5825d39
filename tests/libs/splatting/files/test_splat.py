"""The 32-byte records of .splat, by hand and by gsplat's exporter."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import torch
from gsplat.exporter import export_splats

from tellurion_splatting.files import encoded_gaussians, read_gaussians
from tellurion_splatting.gaussians import Gaussians


def test_one_record_by_hand() -> None:
    white, q = 0.5 / 0.28209479177387814, (0.5, -0.5, 0.5, -0.5)
    one = Gaussians([[1, -2, 3]], [q], [[0.1, 0.2, 0.4]], [0.2], [[[white, 0, -white]]])
    record = struct.pack("<6f8B", 1, -2, 3, 0.1, 0.2, 0.4, 255, 128, 0, 51, 192, 64, 192, 64)
    assert encoded_gaussians(one, ".splat") == record


def test_a_set_survives_within_a_byte(some: Callable, assert_same: Callable) -> None:
    before = some(degree=0)
    after = read_gaussians(encoded_gaussians(before, ".splat"), ".splat")
    # Half a byte of colour is 0.5/255 of 1/C0; a rotation's four errors of half a 128th cost 1 − cos, second order.
    assert_same(after, before, opacities=0.5 / 255, sh=0.5 / 255 / 0.2820, quats=4 * (0.5 / 128) ** 2)


def test_harmonics_above_degree_0_have_no_room(some: Callable) -> None:
    assert read_gaussians(encoded_gaussians(some(degree=3), ".splat"), ".splat").degree == 0


def test_gsplats_export_is_read(some: Callable, assert_same: Callable) -> None:
    truth, t = some(degree=0), torch.from_numpy
    logits = np.log(truth.opacities / (1 - truth.opacities))
    data = export_splats(
        t(truth.means),
        t(np.log(truth.scales)),
        t(truth.quats),
        t(logits),
        t(truth.sh[:, :1]),
        torch.zeros(len(truth), 0, 3),
        format="splat",
    )
    got = read_gaussians(data, ".splat")
    order = [int(np.argmin(np.abs(truth.means - mean).sum(axis=1))) for mean in got.means]
    assert sorted(order) == list(range(len(truth)))
    # It cuts off where we round: a whole byte.
    assert_same(got, truth[order], opacities=1 / 255, sh=1 / 255 / 0.2820, quats=4 * (1 / 128) ** 2)
