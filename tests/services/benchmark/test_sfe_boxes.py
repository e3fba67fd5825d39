"""SFE's boxes: what is read, what overlaps, and what is a hit."""

from __future__ import annotations

import math
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.scorers.boxes import iou
from tellurion_benchmark.scorers.sfe_boxes import boxes_in, greedy_iou

A, B, FAR = (0, 0, 2, 2), (10, 10, 12, 12), (50, 50, 51, 51)
numbers = st.floats(-100, 100)
boxes = st.tuples(numbers, numbers, numbers, numbers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1,2,3,4; 5,6,7,8]", [(1, 2, 3, 4), (5, 6, 7, 8)]),
        ("(1,2,3,4)", []),  # no bracket
        ("The eyes are [ 1 , 2.5 , 3e1 , -.5 ].", [(1, 2.5, 30, -0.5)]),
        ("[1,2,3,4;]", [(1, 2, 3, 4)]),  # an empty group has one part
        ("[1,2,3]", []),
        ("[1,2,3,4,5]", []),
        ("[1,2,3; 5,6,7,8]", [(5, 6, 7, 8)]),
        ("[a,b,c,d; 5,6,7,8]", [(5, 6, 7, 8)]),
        ("[1,2,3,4] and [5,6,7,8]", []),  # from the first to the last bracket: one group of seven
        ("[[1,2,3,4]]", []),  # "[1" is no number
        ("[[1,2,3,4];[5,6,7,8]]", []),
        ("[[1,2,3,4];5,6,7,8]", [(5, 6, 7, 8)]),
        ("[1,2\n,3,4]", []),  # brackets of one line
        ("box:\n[1,2,3,4]", [(1, 2, 3, 4)]),
        ("[1,2,3,4]\n[5,6,7,8]", [(1, 2, 3, 4)]),  # the first line that has them
        ("[none]\n[1,2,3,4]", []),
        ("]1,2,3,4[", []),
        ("] [1,2,3,4]", [(1, 2, 3, 4)]),
        ("[1,2,3,4；5,6,7,8]", []),  # a full-width semicolon separates nothing
        ("[]", []),
        ("[", []),
        ("", []),
        ("[1e400,0,1,1]", [(math.inf, 0, 1, 1)]),  # numbers of Python
        ("[-5,-5,-1,-1]", [(-5, -5, -1, -1)]),
    ],
)
def test_the_boxes_of_an_answer(text, expected):
    assert list(boxes_in(text)) == expected


@given(st.text(alphabet="[]1;,\n .-", max_size=30))
def test_boxes_are_read_as_the_release_reads_them(text):
    match = re.search(r"\[(.*)\]", text)
    groups = [group.split(",") for group in match[1].split(";")] if match else []
    expected = []
    for group in groups:
        try:
            expected += [tuple(map(float, group))] if len(group) == 4 else []
        except ValueError:
            continue
    assert list(boxes_in(text)) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (A, A, 1),
        (A, (1, 1, 3, 3), 1 / 7),  # 1 of 4 + 4 - 1
        ((0, 0, 4, 4), (1, 1, 3, 3), 4 / 16),
        ((0, 0, 2, 1), (1, 0, 3, 1), 1 / 3),
        ((-2, -2, 0, 0), (-1, -1, 1, 1), 1 / 7),
        (A, (2, 0, 4, 2), 0),  # an edge in common
        (A, B, 0),
        (A, (1, 1, 1, 2), 0),  # no width
        ((1, 1, 1, 1), (1, 1, 1, 1), 0),  # 0 / 0
        (A, (2, 2, 0, 0), 0),  # turned over, of positive area
        (A, (2, 0, 0, 2), 0),  # turned over, of negative area: 0 / 0
        (A, (math.nan, 0, 2, 2), 0),
        ((math.nan,) * 4, (math.nan,) * 4, 0),
        (A, (-math.inf, -math.inf, math.inf, math.inf), 0),  # 4 of infinitely many
        ((-math.inf, 0, math.inf, 1), (-math.inf, 0, math.inf, 1), 0),
        ((0, 0, 1e200, 1e200), (0, 0, 1e200, 1e200), 0),  # an area beyond all numbers
        ((0, 0, 1e-200, 1e-200), (0, 0, 1e-200, 1e-200), 0),
    ],
)
def test_iou_by_hand(a, b, expected):
    assert iou(a, b) == pytest.approx(expected, abs=1e-15)


@given(boxes, boxes)
def test_iou_is_symmetric_and_a_share(a, b):
    assert iou(a, b) == iou(b, a)
    assert 0 <= iou(a, b) <= 1


@given(boxes)
def test_a_box_of_some_size_overlaps_itself_wholly(box):
    x1, y1, x2, y2 = box
    assert iou((x1, y1, x1 + abs(x2) + 1, y1 + abs(y2) + 1), (x1, y1, x1 + abs(x2) + 1, y1 + abs(y2) + 1)) == 1


@pytest.mark.parametrize(
    ("references", "predictions", "expected"),
    [
        ([A, B], [A, B], 1),
        ([A, B], [B, A], 1),
        ([A, B], [A], 1 / 2),
        ([A, B], [A, A], 1 / 2),  # the second finds only B left
        ([A, B], [A, A, B], 1 / 2),  # no reference is left for the third
        ([A, B], [FAR, B], 1 / 2),
        ([A, B], [FAR, A], 0),  # what overlaps nothing takes the first reference away
        ([A], [FAR, A], 0),
        ([A], [A, FAR, FAR], 1),  # more boxes cost nothing
        ([A, A], [A, A], 1),
        ([A, (0, 0, 2, 1)], [(0, 0, 2, 1.5)] * 2, (3 / 4 + 2 / 3) / 2),  # 3 of 4; then 2 of 3
        ([(0, 0, 2, 1), A], [(0, 0, 2, 1.5)] * 2, (3 / 4 + 2 / 3) / 2),
        ([A, (0, 0, 2, 1)], [(0, 0, 2, 1.2), A], (2 / 2.4 + 1) / 2),
        ([(0, 0, 2, 1), A], [A, FAR], 1 / 2),
        ([A], [(math.nan,) * 4], 0),
    ],
)
def test_greedy_iou_by_hand(references, predictions, expected):
    assert greedy_iou(references, predictions) == pytest.approx(expected)


@given(st.lists(boxes, min_size=1, max_size=5), st.lists(boxes, max_size=5))
def test_greedy_iou_is_that_of_the_release(references, predictions):
    """The release's rule in its own words: a reference that was taken counts −1."""
    total, taken = 0.0, []
    for prediction in predictions:
        if len(taken) == len(references):
            break
        scores = [-1 if i in taken else iou(reference, prediction) for i, reference in enumerate(references)]
        total += max(scores)
        taken.append(scores.index(max(scores)))
    assert greedy_iou(references, predictions) == pytest.approx(total / len(references))


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000, "[1,2,3,4;" * 110_000 + "]", "\n[" * 500_000, "[" + "9" * 1_000_000 + ",1,1,1]", "[]" * 500_000],
    ids=["openings", "boxes", "lines", "digits", "pairs"],
)
def test_a_hostile_megabyte_is_read_in_linear_time(text):
    started = time.process_time()
    found = boxes_in(text)
    assert 0 <= greedy_iou([A, B], found) <= 1
    assert time.process_time() - started < 3
