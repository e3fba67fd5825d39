"""Predictions that were made elsewhere: JSON lines of an item's id and what was predicted for it."""

from __future__ import annotations

from pathlib import Path

from tellurion_benchmark.dataset import DataSet
from tellurion_benchmark.records import Refusals, lines, value_in
from tellurion_benchmark.scoring import Json
from tellurion_core.errors import InvalidInput

TURNS = ("assistant_0", "assistant_1")
"""Of a sample of Earth-Gold."""


def read_predictions(path: Path, data: DataSet) -> None:
    """Reads `{"id": …, "prediction": …}`, and of Earth-Gold `{"id": …, "samples": […], "rank": …}`, into the data set.

    Items without a line stay without a prediction.

    Raises:
        InvalidInput: a line is not that, or names no item or one that another line names; up to 20 lines by number.
    """
    refusals = Refusals()
    with data.writing(), refusals:
        for number, line in lines(path, "predictions"):
            place = f"predictions line {number}"
            with refusals:
                try:
                    _read(line, place, data)
                except RecursionError:
                    raise InvalidInput.of(place, received="lists in lists", accepted="fewer of them") from None
            if refusals.full:
                break
    refusals.end()


def _read(line: bytes, place: str, data: DataSet) -> None:
    value = value_in(line, place)
    if not isinstance(value, dict):
        raise InvalidInput.of(place, received=line[:200].decode(errors="replace"), accepted="an object")
    name = value.get("id")
    found = data.find(str(name)) if type(name) in (str, int) else None
    if found is None:
        accepted = "the id of one of the data set's items"
        raise InvalidInput.of(f"{place}.id", received=_received(name), accepted=accepted)
    ordinal, kind = found
    prediction = _dialogues(value, place) if kind == "gold" else _text(value, place)
    if not data.predict(ordinal, prediction):
        raise InvalidInput.of(f"{place}.id", received=name, accepted="one line for each item")


def _text(value: dict[str, Json], place: str) -> str:
    prediction = value.get("prediction")
    if not isinstance(prediction, str):
        accepted = "text; no line where there is none"
        raise InvalidInput.of(f"{place}.prediction", received=_received(prediction), accepted=accepted)
    return prediction


def _dialogues(value: dict[str, Json], place: str) -> Json:
    samples, rank = value.get("samples"), value.get("rank")
    if not isinstance(samples, list) or not all(_is_dialogue(sample) for sample in samples):
        accepted = "a list of objects with the texts " + " and ".join(TURNS)
        raise InvalidInput.of(f"{place}.samples", received=_received(samples), accepted=accepted)
    if rank is not None and type(rank) is not int:
        raise InvalidInput.of(f"{place}.rank", received=rank, accepted="an integer, or nothing")
    return {"samples": samples} if rank is None else {"samples": samples, "rank": rank}


def _received(value: Json) -> Json:
    """What an error shows of a value: what is null is as good as not there."""
    return "nothing" if value is None else value


def _is_dialogue(sample: Json) -> bool:
    return isinstance(sample, dict) and all(isinstance(sample.get(turn), str) for turn in TURNS)
