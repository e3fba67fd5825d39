"""An index that several open for the first time at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tellurion_agent.catalogue.index import Index
from tellurion_agent.catalogue.walking import Found


def test_those_who_come_first_at_once_have_one_index(tmp_path: Path) -> None:
    for round in range(10):
        path = tmp_path / f"{round}.sqlite"
        with ThreadPoolExecutor(6) as pool:
            opened = list(pool.map(Index.opened, [path] * 6))
        opened[0].put([(Found("a.nc", 1, 2), "[]", "")])
        assert [each.known() for each in opened] == [{"a.nc": (1, 2)}] * 6
