"""OmniEarth-Bench's grounding: the box in an answer, in whatever unit, against the reference's."""

from __future__ import annotations

import re

from tellurion_benchmark.scorers.boxes import Box, iou

_NUMBER = r"(-?\d++(?:\.\d++)?+)"
_FOUR = rf"\s*+{_NUMBER},\s*+{_NUMBER},\s*+{_NUMBER},\s*+{_NUMBER}\s*+"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"\[{_FOUR}\]",
        rf"\({_FOUR}\)",
        rf"\(\s*+{_NUMBER},\s*+{_NUMBER}\),\s*+\(\s*+{_NUMBER},\s*+{_NUMBER}\)",
    )
)
"""`[a, b, c, d]`, else `(a, b, c, d)`, else `(a, b), (c, d)`."""
_REFERENCE = re.compile(r"<([\d.]+)>")


def box_in(answer: str) -> Box | None:
    """The first box of the first form that the answer has; None where it has none."""
    match = next((found for form in _FORMS if (found := form.search(answer))), None)
    if match is None:
        return None
    x1, y1, x2, y2 = map(float, match.groups())
    return x1, y1, x2, y2


def reference_box(answer: str, width: int, height: int) -> Box:
    """`<x1><y1><x2><y2>` in pixels as shares of the image's width and height."""
    x1, y1, x2, y2 = map(float, _REFERENCE.findall(answer))
    return x1 / width, y1 / height, x2 / width, y2 / height


def best_iou(box: Box, reference: Box, width: int, height: int) -> float:
    """The largest overlap of the reference with the box as shares, in pixels, in thousandths or in percent."""
    units = ((1, 1), (width, height), (1000, 1000), (100, 100))
    return max(iou(reference, (box[0] / w, box[1] / h, box[2] / w, box[3] / h)) for w, h in units)
