"""Compiled loops are kept between processes where that can be, and work where it cannot."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

SOURCE = """
from tellurion_core.kernels import compiled

@compiled()
def triangular(n):
    total = 0
    for k in range(n + 1):
        total += k
    return total
"""


def imported(path: Path) -> ModuleType:
    """Anew, as another process would."""
    spec = importlib.util.spec_from_file_location("loops", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_one_process_compiled_the_next_one_loads(tmp_path: Path) -> None:
    path = tmp_path / "loops.py"
    path.write_text(SOURCE)
    first, second = imported(path).triangular, imported(path).triangular
    assert first(10) == second(10) == 55
    assert (sum(first.stats.cache_hits.values()), sum(second.stats.cache_hits.values())) == (0, 1)


def test_a_function_whose_machine_code_can_be_kept_nowhere_is_compiled_all_the_same() -> None:
    found: dict[str, Any] = {}
    exec(compile(SOURCE, "no such file", "exec"), found)
    assert found["triangular"](10) == 55
    assert found["triangular"].signatures
