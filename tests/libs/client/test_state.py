"""A state folder knows whether a platform runs on it, whatever an earlier one left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellurion_client.state import Run, RunningService, State
from tellurion_core.errors import Conflict, InvalidInput

RUN = Run(pid=7, ready=True, services={"ocean": RunningService("unix:/x/ocean.sock", 8, 0, "ready")})


def test_a_folder_that_is_not_there_runs_nothing(tmp_path: Path) -> None:
    assert State(tmp_path / "none").run() is None
    assert not (tmp_path / "none").exists()


def test_what_was_written_is_read_while_the_lock_is_held(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.held():
        assert state.run() is None
        state.write(RUN)
        assert State(tmp_path).run() == RUN
    assert state.run() is None


def test_a_run_file_without_its_lock_is_stale(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.held():
        state.write(RUN)
        left = (tmp_path / "run.json").read_bytes()
    (tmp_path / "run.json").write_bytes(left)
    assert state.run() is None
    with state.held():
        assert state.run() is None


def test_a_damaged_run_file_is_nothing_that_runs(tmp_path: Path) -> None:
    with State(tmp_path).held():
        (tmp_path / "run.json").write_text('{"pid": 7, "rea')
        assert State(tmp_path).run() is None


def test_a_second_holder_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    first, second = State(tmp_path), State(tmp_path)
    with first.held():
        first.write(RUN)
        with pytest.raises(Conflict, match="process 7 already runs"), second.held():
            pass
    with second.held():
        pass


def test_looking_does_not_keep_a_holder_out(tmp_path: Path) -> None:
    with State(tmp_path).held():
        pass
    for _ in range(50):
        assert State(tmp_path).run() is None
        with State(tmp_path).held():
            pass


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(InvalidInput, match=r"^state: received .*/file: .*; accepted: a folder"),
        State(tmp_path / "file").held(),
    ):
        pass
