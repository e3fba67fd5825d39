"""What a record says once it is validated, and how its fields are taken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from tellurion_benchmark.scoring import Json
from tellurion_core.errors import InvalidInput

LONGEST_ID = 500
"""Characters; ids of OmniEarth-Bench are paths."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One published record, validated; `Item` without the files of its images."""

    id: str
    """As the benchmark names it."""
    kind: str
    """Which of the benchmark's protocols it falls under."""
    record: Mapping[str, Json]
    """The published fields; one that is null is not there."""
    image_names: tuple[str, ...]
    """Names of its images in the data set, in the order in which they are shown."""
    groups: Mapping[str, str]
    """What its scores are averaged by: any of discipline, sphere, tier, task."""
    cluster: str
    """The document or image that it was made from."""
    measured: bool = False
    """Whether scoring needs its only image's size, as `image_width` and `image_height` in the record."""


class Fields:
    """A record whose fields are taken one by one; each raises InvalidInput where it is not what the benchmark has."""

    def __init__(self, record: Mapping[str, Json], place: str) -> None:
        self.record = {name: value for name, value in record.items() if value is not None}
        self._place = place

    def id(self, name: str) -> str:
        """An identifier: text in one printable line, or an integer, which is that text."""
        value = self.record.get(name)
        if type(value) is int:
            return str(value)
        if isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_ID:
            return value
        raise self._refused(name, f"an id: printable text of up to {LONGEST_ID} characters, or an integer")

    def text(self, name: str) -> str:
        """Text that is not blank."""
        value = self.record.get(name)
        if isinstance(value, str) and value and not value.isspace():
            return value
        raise self._refused(name, "text that is not blank")

    def optional_text(self, name: str) -> str | None:
        """Text that is not blank, or None where the record has no such field."""
        return self.text(name) if name in self.record else None

    def texts(self, name: str, *, least: int = 0) -> tuple[str, ...]:
        """A list of texts that are not blank."""
        value = self.record.get(name)
        if (
            isinstance(value, list)
            and len(value) >= least
            and all(isinstance(one, str) and one.strip() for one in value)
        ):
            return tuple(value)
        raise self._refused(
            name, f"a list of at least {least} texts, none of them blank" if least else "a list of texts"
        )

    def kind(self, name: str, kinds: Mapping[str, str]) -> str:
        """What one of the published names stands for, however its words are joined and capitalised."""
        value = self.record.get(name)
        if isinstance(value, str):
            words = _joined(value)
            for published, kind in kinds.items():
                if _joined(published) == words:
                    return kind
        raise self._refused(name, "one of " + ", ".join(kinds))

    def mapping(self, name: str) -> Mapping[str, Json]:
        """An object; empty where the record has no such field."""
        value = self.record.get(name, {})
        if isinstance(value, dict):
            return value
        raise self._refused(name, "an object")

    def _refused(self, name: str, accepted: str) -> InvalidInput:
        return InvalidInput.of(f"{self._place}.{name}", received=self.record.get(name, "nothing"), accepted=accepted)


@lru_cache
def _joined(words: str) -> str:
    return re.sub(r"[\W_]", "", words[:100]).lower()


def present(groups: Mapping[str, str | None]) -> dict[str, str]:
    """The groups that a record says anything of."""
    return {dimension: name for dimension, name in groups.items() if name is not None}
