"""The README's example runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from tellurion_diffusion import weights

README = Path(__file__).parents[3] / "libs" / "diffusion" / "README.md"


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(example, README.name, "exec"), names)
    for result in (names["fields"], names["guided"]):
        assert isinstance(result, torch.Tensor)
        assert result.shape == (4, 1, 8, 16)
        assert torch.isfinite(result).all()
    assert weights.card(tmp_path / "waves.safetensors")["steps"] == 20
