"""SOG against sogpy, which writes it, and gsply, which reads it; and what a codebook may cost."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gsply.sog_reader
import numpy as np
import pytest
from PIL import Image
from SogPython import convert_ply_to_sog

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files import codebooks, encoded_gaussians, read_gaussians, write_gaussians
from tellurion_splatting.gaussians import Gaussians

QUATS = 2 * (0.5 / 127.5) ** 2
"""Three errors of half a byte of √½, of second order in 1 − cos."""


@pytest.fixture
def gsply_reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Any]:
    """Gsply's reader with Pillow for its WebP, and interpreted: it is small, and compiles for long."""
    reader = gsply.sog_reader
    decode = SimpleNamespace(webp_decode=lambda data: np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")))
    monkeypatch.setattr(reader, "imagecodecs", decode)
    for name in [name for name in vars(reader) if name.endswith("_jit")]:
        function = getattr(reader, name).py_func
        # Its 8-bit arithmetic relies on the compiler's wider integers.
        monkeypatch.setattr(reader, name, lambda *a, f=function: f(*(x.astype(int) if _bytes(x) else x for x in a)))
    return reader.sogread


def _bytes(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.uint8


def log_steps(means: np.ndarray) -> np.ndarray:
    """[3] half a step of each coordinate's logarithm."""
    logs = np.sign(means) * np.log1p(np.abs(means))
    return 0.5 * np.ptp(logs, axis=0) / 65535


def assert_means(got: np.ndarray, want: np.ndarray, steps: float = 1) -> None:
    bound = 1.01 * steps * log_steps(want) * (1 + np.abs(want)) + 1e-6
    assert (np.abs(got - want) <= bound).all()


@pytest.mark.parametrize("degree", range(4))
def test_a_set_survives_within_its_bytes_and_codebooks(some: Callable, assert_same: Callable, degree: int) -> None:
    before = some(count=60, degree=degree)  # 180 scales, 180 colours and 60 rows of a palette: all exact
    after = read_gaussians(encoded_gaussians(before, ".sog"))
    assert_means(after.means, before.means)
    book = np.ptp(before.sh) / 127 if degree else 0  # the palette's own values pass through a codebook
    assert_same(after, replace(before, means=after.means), opacities=0.501 / 255, quats=QUATS, sh=book + 1e-6)


@pytest.mark.parametrize("degree", [0, 3])
def test_gsply_reads_ours(some: Callable, gsply_reads: Callable, degree: int) -> None:
    truth = some(count=40, degree=degree)
    truth = replace(truth, opacities=np.where(np.arange(40) == 7, 0, truth.opacities))  # its colour must stay
    data = encoded_gaussians(truth, ".sog")
    theirs, ours = gsply_reads(data), read_gaussians(data)
    np.testing.assert_allclose(theirs.means, ours.means, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.exp(theirs.scales), ours.scales, rtol=1e-5)
    np.testing.assert_allclose(np.abs(np.sum(theirs.quats * ours.quats, axis=1)), 1, atol=1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(-theirs.opacities)), ours.opacities, atol=2e-6)
    np.testing.assert_allclose(theirs.sh0, truth.sh[:, 0], atol=1e-6)
    np.testing.assert_allclose(theirs.shN, ours.sh[:, 1:], atol=1e-6)


def test_sogpys_file_is_read(some: Callable, tmp_path: Path) -> None:
    truth = some(count=300, degree=0)
    write_gaussians(tmp_path / "truth.ply", truth)
    convert_ply_to_sog(str(tmp_path / "truth.ply"), str(tmp_path / "theirs.sog"))
    got = read_gaussians(tmp_path / "theirs.sog")
    order = [int(np.argmin(np.abs(truth.means - mean).sum(axis=1))) for mean in got.means]
    assert sorted(order) == list(range(300))
    want = truth[order]
    assert_means(got.means, want.means, steps=2)  # it cuts off where we round
    np.testing.assert_allclose(np.abs(np.sum(got.quats * want.quats, axis=1)), 1, atol=4 * QUATS)
    np.testing.assert_allclose(got.opacities, want.opacities, atol=1 / 255)
    assert np.sqrt(np.mean((got.sh - want.sh) ** 2)) < 0.01
    assert np.sqrt(np.mean(np.log(got.scales / want.scales) ** 2)) < 0.02


def test_the_files_may_lie_in_a_folder(some: Callable, assert_same: Callable, tmp_path: Path) -> None:
    data = encoded_gaussians(some(degree=1), ".sog")
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path / "scene")
    for path in (tmp_path / "scene", tmp_path / "scene" / "meta.json"):
        assert_same(read_gaussians(path), read_gaussians(data))


def test_the_same_set_makes_the_same_bytes(some: Callable) -> None:
    assert encoded_gaussians(some(), ".sog") == encoded_gaussians(some(), ".sog")


def test_a_codebook_is_exact_where_256_values_are_enough() -> None:
    values = np.random.default_rng(0).permutation(np.repeat(np.linspace(-3, 5, 256), 4)).astype(np.float32)
    book, labels = codebooks.codebook(values)
    np.testing.assert_array_equal(book[labels], values)


def test_a_codebook_gives_the_nearest_entry_and_beats_equal_steps() -> None:
    values = np.random.default_rng(0).standard_t(3, size=(4000, 3)).astype(np.float32)
    book, labels = codebooks.codebook(values)
    errors = np.abs(book[labels] - values)
    assert (np.diff(book) >= 0).all()
    np.testing.assert_allclose(errors, np.abs(values[..., None] - book).min(axis=-1), atol=1e-6)
    # It starts with 128 equal steps over the range among its entries, and no round makes the mean square larger.
    assert np.sqrt(np.mean(errors**2)) < np.ptp(values) / 127 / 2


def test_a_palette_is_exact_while_its_rows_are_enough_and_near_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(16, 9)).astype(np.float32)
    rows = np.repeat(centres, 20, axis=0)
    found, labels = codebooks.palette(rows)
    np.testing.assert_array_equal(found[labels], rows)
    monkeypatch.setattr(codebooks, "PALETTE", 64)
    blurred = (rows + 0.01 * rng.normal(size=rows.shape)).astype(np.float32)
    found, labels = codebooks.palette(blurred)
    assert len(found) == 64
    assert np.sqrt(np.mean((found[labels] - blurred) ** 2)) < 0.01  # as near as its true centre, or nearer


def test_the_antialias_flag_is_kept(some: Callable) -> None:
    marked = replace(some(degree=0), antialiased=True)
    data = encoded_gaussians(marked, ".sog")
    assert json.loads(zipfile.ZipFile(io.BytesIO(data)).read("meta.json"))["antialias"] is True
    assert read_gaussians(data).antialiased


def test_a_reflected_branch_is_not_dropped_in_silence(some: Callable, tmp_path: Path) -> None:
    both = some(reflected=1)
    for suffix in (".sog", ".spz", ".splat"):
        with pytest.raises(InvalidInput, match=r"reflected branch.*\.ply"):
            write_gaussians(tmp_path / f"both{suffix}", both)
        write_gaussians(tmp_path / f"plain{suffix}", both.transmitted())


def test_0_gaussians_are_a_file_in_every_format(tmp_path: Path) -> None:
    none = Gaussians(*(np.zeros((0, *tail)) for tail in ((3,), (4,), (3,), (), (16, 3))))
    for suffix in (".ply", ".splat", ".spz", ".sog"):
        write_gaussians(tmp_path / f"none{suffix}", none)
        assert len(read_gaussians(tmp_path / f"none{suffix}")) == 0
