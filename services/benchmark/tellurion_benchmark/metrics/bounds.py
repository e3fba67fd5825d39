"""Which texts are measured: the cost of an overlap grows with the product of two lengths."""

from __future__ import annotations

import math

from tellurion_benchmark.scoring import Unscored

LONGEST = 32_768
"""Characters; the longest answer that 4096 tokens make is half of it."""
LARGEST_PRODUCT = 1 << 24
"""Characters times characters: as many cells of a table, where each is a word."""


def too_long(*texts: str) -> Unscored | None:
    """Why these texts are not measured; None where they are."""
    lengths = [len(text) for text in texts]
    if max(lengths) > LONGEST or math.prod(lengths) > LARGEST_PRODUCT:
        return Unscored("text that is too long to be measured")
    return None
