"""A corpus without its models' biases: each model's mean year removed, and scaled by its own spread, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_ocean.training.corpus import Corpus


@dataclass(frozen=True, eq=False)
class ModelClimatology:
    """The mean year of one model, and how far its months lie from it."""

    mean: NDArray[np.float32]
    """[12, Z, Y, X] °C; NaN on land and in calendar months that were not there."""
    std: NDArray[np.float32]
    """[Z, Y, X] °C, over all months; NaN in cells that are land in any month."""

    @classmethod
    def of(cls, fields: Iterable[tuple[NDArray[np.float32], int]], *, floor: float) -> ModelClimatology:
        """From fields [Z, Y, X] and their months in one pass, which holds no more than the answer and three fields.

        `floor`, °C, is added in quadrature to the standard deviation. Source: Welford 1962,
        doi 10.1080/00401706.1962.10490022; a degree of freedom goes to each calendar month's mean. Raises InvalidInput
        when none is left.
        """
        counts = np.zeros(12, dtype=np.int64)
        for field, month in fields:
            if not counts.any():
                mean, squares = np.zeros((12, *field.shape), np.float32), np.zeros(field.shape)
            counts[month - 1] += 1
            departure = field - mean[month - 1]
            mean[month - 1] += departure / counts[month - 1]
            squares += departure * (field - mean[month - 1])
        freedom = int(counts.sum() - np.count_nonzero(counts))
        if freedom < 1:
            received, accepted = f"{counts.sum()} months, each of another name", "more than one year of each model"
            raise InvalidInput.of("corpus", received=received, accepted=accepted)
        mean[counts == 0] = np.nan
        return cls(mean, np.sqrt(squares / freedom + floor**2).astype(np.float32))


class Anomalies(Sequence[tuple[NDArray[np.float32], int]]):
    """The months of a corpus as departures from their own model's climatology, in units of its standard deviation.

    `[i]` is a field [Z, Y, X] without units, NaN on land, and its month 1…12; read when asked for.
    """

    def __init__(self, corpus: Corpus, climatologies: Mapping[str, ModelClimatology]) -> None:
        """`climatologies` by the model's name, be they of this corpus or, for held-out members, of another one.

        Raises InvalidInput when a model has none.
        """
        for moment in corpus.moments:
            if moment.source not in climatologies:
                accepted = f"models with a climatology: {', '.join(climatologies) or 'none'}"
                raise InvalidInput.of("corpus", received=moment.source, accepted=accepted)
        self.corpus, self.climatologies = corpus, climatologies

    def __len__(self) -> int:
        return len(self.corpus)

    def __getitem__(self, i: int) -> tuple[NDArray[np.float32], int]:
        field, month = self.corpus[i]
        climatology = self.climatologies[self.corpus.moments[i].source]
        return (field - climatology.mean[month - 1]) / climatology.std, month


def anomalies(corpus: Corpus, *, floor: float = 0.01) -> Anomalies:
    """A corpus without its models' biases: each model's mean year removed, then scaled by its own spread, cell by cell.

    All members and experiments of a model share one climatology, so what differs between them, a trend among it, stays.
    Every month is read once, model by model: time grows with the number of months. Memory does not; it grows with the
    number of models, 13 fields of float32 for each: 16 MB on 19 levels at 2°, 136 MB on 42 levels at 1°.

    Raises InvalidInput when a model has no two months of the same name.
    """

    def months_of(source: str) -> Iterator[tuple[NDArray[np.float32], int]]:
        for i, moment in enumerate(corpus.moments):
            if moment.source == source:
                yield corpus[i]

    sources = dict.fromkeys(moment.source for moment in corpus.moments)
    return Anomalies(corpus, {source: ModelClimatology.of(months_of(source), floor=floor) for source in sources})
