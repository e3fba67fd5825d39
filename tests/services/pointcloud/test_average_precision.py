"""Average precision against cases worked out by hand and against a slow evaluator written from VOC's description."""

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes, overlap
from tellurion_pointcloud.detection.average_precision import Detections, Objects, matches, mean_average_precision


def row(places):
    """Unit cubes in a row."""
    centres = np.outer(np.array(places, float), [1, 0, 0])
    return Boxes.aligned(centres, np.ones_like(centres))


def scene(places, classes=None):
    return Objects(row(places), np.array(classes or [0] * len(places)))


def detected(places, scores, classes=None):
    return Detections(row(places), np.array(classes or [0] * len(places)), np.array(scores, float))


def area(found, truth, threshold=0.5, weights=None):
    return matches([found], [truth], 1, threshold)[0].average_precision(weights)


def test_what_is_found_exactly_scores_one():
    assert area(detected([0, 5], [0.9, 0.1]), scene([0, 5])) == 1


def test_nothing_found_scores_zero():
    assert area(detected([3], [0.9]), scene([0])) == 0


def test_a_false_alarm_surer_than_the_hit_halves_the_precision():
    assert area(detected([9, 0], [0.9, 0.8]), scene([0])) == 0.5


def test_a_false_alarm_less_sure_than_the_last_hit_costs_nothing():
    assert area(detected([0, 9], [0.9, 0.8]), scene([0])) == 1


def test_a_second_detection_of_the_same_object_is_a_false_alarm():
    # precision 1 at recall 1/2, then 2/3 at recall 1
    assert area(detected([0, 0.01, 5], [0.9, 0.8, 0.7]), scene([0, 5])) == pytest.approx(1 / 2 + (2 / 3) / 2)


def test_precision_counts_as_the_best_still_to_be_reached():
    # hits at ranks 2 and 3: precision 1/2 and 2/3, of which 2/3 is still reached at both recalls
    assert area(detected([9, 0, 5], [0.9, 0.8, 0.7]), scene([0, 5])) == pytest.approx(2 / 3)


def test_the_threshold_decides_what_is_near():
    # cubes shifted by s overlap by (1 − s) / (1 + s): 3/7 for 0.4
    found, truth = detected([0.4], [0.9]), scene([0])
    assert (area(found, truth, 0.25), area(found, truth, 0.5)) == (1, 0)
    assert area(found, truth, 3 / 7 + 1e-9) == 0


def test_a_detection_finds_only_objects_of_its_class_and_its_scene():
    found = [detected([0], [0.9], [1]), detected([], [])]
    truth = [scene([0], [0]), scene([0], [1])]
    assert [each.average_precision() for each in matches(found, truth, 2, 0.25)] == [0, 0]


def test_a_class_without_objects_has_no_average_precision_and_is_left_out_of_the_mean():
    per_class = matches([detected([0, 0], [0.9, 0.9], [0, 1])], [scene([0], [0])], 3, 0.25)
    assert np.isnan([each.average_precision() for each in per_class]).tolist() == [False, True, True]
    assert mean_average_precision(per_class) == 1


def test_no_scene_has_no_average_precision():
    assert np.isnan(mean_average_precision(matches([], [], 2, 0.25)))


def test_an_object_that_counts_twice_is_one_that_stands_in_two_scenes():
    found, truth = detected([9, 0, 5.5], [0.9, 0.8, 0.7]), scene([0, 5])
    # the object at 0 twice, that at 5 not at all, and with it the near miss at 5.5
    doubled = matches([detected([9, 0], [0.9, 0.8]), detected([0], [0.8])], [scene([0]), scene([0])], 1, 0.5)
    assert area(found, truth, weights=np.array([2.0, 0.0])) == pytest.approx(doubled[0].average_precision())


def slow_average_precision(found, truth, number, threshold):
    """VOC's evaluation, detection by detection, and its area as an integral over recall."""
    ranked = sorted(
        ((-d.scores[i], s, i) for s, d in enumerate(found) for i in range(len(d.scores)) if d.classes[i] == number)
    )
    objects = [(s, i) for s, o in enumerate(truth) for i in range(len(o.classes)) if o.classes[i] == number]
    taken, curve, hits = set(), [], 0
    for rank, (_, s, i) in enumerate(ranked, 1):
        best = max(
            ((overlap(found[s].boxes[[i]], truth[s].boxes[[j]])[0, 0], -j) for t, j in objects if t == s),
            default=(0, 0),
        )
        if best[0] > threshold and (s, best[1]) not in taken:
            taken.add((s, best[1]))
            hits += 1
        curve.append((hits / len(objects), hits / rank))
    return sum(
        max((precision for recall, precision in curve if recall >= k / len(objects)), default=0.0)
        for k in range(1, len(objects) + 1)
    ) / len(objects)


@pytest.mark.parametrize("threshold", [0.25, 0.5])
def test_it_agrees_with_a_slow_evaluator(threshold):
    random = np.random.default_rng(7)

    def boxes(count):
        return Boxes(
            random.uniform(0, 2, (count, 3)), random.uniform(0.5, 1.5, (count, 3)), random.uniform(0, 6, count)
        )

    truth = [Objects(boxes(n), random.integers(3, size=n)) for n in (5, 0, 8, 3)]
    found = []
    for objects in truth:
        near = objects.boxes[np.repeat(np.arange(len(objects.boxes)), 2)]
        near = Boxes(near.centres + random.normal(0, 0.15, near.centres.shape), near.sizes, near.yaw)
        classes = np.where(random.random(len(near)) < 0.7, np.repeat(objects.classes, 2), 1)
        found += [Detections(near, classes, random.random(len(near)).round(1))]
    found[1] = Detections(boxes(4), random.integers(3, size=4), random.random(4))
    areas = [each.average_precision() for each in matches(found, truth, 3, threshold)]
    assert areas == pytest.approx([slow_average_precision(found, truth, n, threshold) for n in range(3)])
    assert 0 < min(areas) < max(areas) < 1


def test_as_many_classes_as_boxes_are_asked_for():
    with pytest.raises(InvalidInput, match="classes"):
        Objects(row([0, 1]), np.array([0]))
    with pytest.raises(InvalidInput, match="scores"):
        detected([0], [np.nan])
    with pytest.raises(InvalidInput, match="scenes"):
        matches([], [scene([0])], 1, 0.5)
