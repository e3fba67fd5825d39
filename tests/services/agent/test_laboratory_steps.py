"""Steps are done once, whatever is killed between them."""

from pathlib import Path

import pytest

from tellurion_agent.laboratory.steps import Steps
from tellurion_agent.slot_json import from_json, to_json
from tellurion_agent.slots import Level, Period, Region, Season
from tellurion_core.errors import DataCorrupted

OTHER = {"name": "other", "outcome": "", "seconds": 0, "began": "2026-11-27T03:00:00+00:00", "result": {}}


def test_a_finished_step_is_not_repeated(tmp_path: Path) -> None:
    done: list[str] = []

    def step(name: str):
        done.append(name)
        return f"did {name}", {"n": len(done)}

    first = Steps(tmp_path)
    assert first.once("read", lambda: step("read")) == {"n": 1}
    told = []
    resumed = Steps(tmp_path, told=told.append)
    assert resumed.once("read", lambda: step("read")) == {"n": 1}
    assert resumed.once("run", lambda: step("run")) == {"n": 2}
    assert done == ["read", "run"]
    assert [(each.name, each.outcome) for each in told] == [("read", "did read"), ("run", "did run")]
    assert list(resumed) == told


def test_a_step_that_failed_is_done_again(tmp_path: Path) -> None:
    def fails():
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        Steps(tmp_path).once("read", fails)
    assert Steps(tmp_path).once("read", lambda: ("did", {"n": 1})) == {"n": 1}


@pytest.mark.parametrize(
    "content", ["", "{}", '{"name": "other", "outcome": "", "seconds": 0, "began": "", "result": {}}']
)
def test_a_damaged_step_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "00-read.json").write_text(content)
    with pytest.raises(DataCorrupted, match="step 00-read"):
        Steps(tmp_path).once("read", lambda: ("did", {}))


def test_slots_are_the_same_after_json() -> None:
    slots = {
        "region": Region("Niño 3.4", -5, 5, 190, 240, surface="ocean"),
        "period": Period(1991, 2020),
        "level": Level(0, 700, "m"),
        "season": Season("DJF", (12, 1, 2)),
        "threshold": 0.5,
        "units": "degC",
        "sources": ("a", "b"),
        "base": None,
    }
    assert from_json(to_json(slots)) == slots


@pytest.mark.parametrize("stored", [{"type": "region"}, {"type": "os"}, {"name": "x"}])
def test_what_is_no_value_of_a_slot_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(DataCorrupted, match="slot region"):
        from_json({"region": stored})
