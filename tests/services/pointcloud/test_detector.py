"""The set-prediction detector: what it says, how it is matched with the truth, and its weights file."""

import itertools

import numpy as np
import pytest
import torch

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.boxes import Boxes, overlap
from tellurion_pointcloud.detection.detector import Detector, DetectorSpec, Predictions, full
from tellurion_pointcloud.detection.set_loss import CENTRE, CLASS, GIOU, SIZE, Target, generalised_overlap, set_loss
from tellurion_pointcloud.scene_encoder import SceneSpec, load_encoder, scene_patches

TINY = DetectorSpec(
    ("chair", "table"),
    SceneSpec(groups=16, group_size=8, hidden=8, width=24, depth=1, heads=2),
    points=128,
    queries=6,
    depth=2,
)


def scenes(count=2, points=128, seed=0):
    random = np.random.default_rng(seed)
    places = random.uniform(-2, 2, (count, points, 3)).astype(np.float32)
    return places, random.integers(256, size=(count, points, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    return Detector(TINY).eval()


def saying(logits, centres, sizes):
    """Predictions of one block for one scene."""
    return Predictions(*(torch.as_tensor(each, dtype=torch.float32)[None, None] for each in (logits, centres, sizes)))


def test_it_says_a_box_and_a_class_at_each_query_after_each_block(detector):
    cut = scene_patches(*scenes(), TINY.encoder)
    said = detector(cut.patches, cut.centres)
    assert said.logits.shape == (2, 2, 6, 3)
    assert said.centres.shape == said.sizes.shape == (2, 2, 6, 3)
    assert (said.sizes > 0).all()


def test_detections_move_with_the_scene(detector):
    points, colours = scenes(1)
    here, there = detector.detect(points, colours)[0], detector.detect(points + np.float32([8, -4, 2]), colours)[0]
    np.testing.assert_allclose(there.boxes.centres, here.boxes.centres + np.array([8, -4, 2]), atol=1e-4)
    np.testing.assert_array_equal(there.classes, here.classes)


def test_detections_do_not_depend_on_the_order_of_points(detector):
    points, colours = scenes(1)
    order = np.random.default_rng(1).permutation(points.shape[1])
    here, there = detector.detect(points, colours)[0], detector.detect(points[:, order], colours[:, order])[0]
    np.testing.assert_allclose(there.boxes.centres, here.boxes.centres, atol=1e-5)
    np.testing.assert_allclose(there.scores, here.scores, atol=1e-5)


def test_no_two_detections_of_a_class_overlap_much(detector):
    found = detector.detect(*scenes(1))[0]
    assert len(found.scores) > 2
    assert (np.diff(found.scores) <= 0).all()
    for a, b in itertools.combinations(range(len(found.scores)), 2):
        assert found.classes[a] != found.classes[b] or overlap(found.boxes[[a]], found.boxes[[b]])[0, 0] <= 0.25


def test_generalised_overlap_is_overlap_less_the_share_of_the_hull_that_neither_fills():
    def of(shift):
        cube = torch.ones(1, 3)
        return float(generalised_overlap(torch.zeros(1, 3), cube, torch.tensor([[shift, 0.0, 0.0]]), cube))

    # unit cubes s apart share max(1 − s, 0) of a hull of 1 + s
    assert of(0.0) == pytest.approx(1)
    assert of(0.5) == pytest.approx(0.5 / 1.5)
    assert of(3.0) == pytest.approx(-(4 - 2) / 4)


def test_generalised_overlap_of_boxes_that_fill_their_hull_is_their_overlap():
    random = np.random.default_rng(2)
    a = Boxes.aligned(np.zeros((5, 3)), random.uniform(1, 2, (5, 3)))
    b = Boxes.aligned(np.zeros((5, 3)), a.sizes * 0.5)
    tensors = [torch.from_numpy(each) for each in (a.centres, a.sizes, b.centres, b.sizes)]
    np.testing.assert_allclose(generalised_overlap(*tensors).numpy(), np.diag(overlap(a, b)))


def test_the_truth_itself_costs_nothing_but_what_its_classes_leave_in_doubt():
    target = Target(torch.tensor([0, 1]), torch.tensor([[0.0, 0, 0], [2, 0, 0]]), torch.ones(2, 3))
    sure = 50 * torch.eye(3)[[1, 2, 0]]
    loss = set_loss(saying(sure, [[2, 0, 0], [9, 9, 9], [0, 0, 0]], np.ones((3, 3))), [target])
    assert all(float(value) == pytest.approx(0, abs=1e-6) for value in loss.values())


def test_objects_and_queries_are_matched_at_the_least_cost_of_all_assignments():
    random = torch.Generator().manual_seed(3)
    logits, centres = torch.randn(5, 3, generator=random), torch.rand(5, 3, generator=random)
    sizes = torch.rand(5, 3, generator=random) + 0.2
    target = Target(
        torch.tensor([0, 1, 1]), torch.rand(3, 3, generator=random), torch.rand(3, 3, generator=random) + 0.2
    )
    chances = logits.softmax(-1)

    def geometry(query, object_):
        overlapped = generalised_overlap(centres[query], sizes[query], target.centres[object_], target.sizes[object_])
        away = (centres[query] - target.centres[object_]).abs().sum()
        return CENTRE * away, SIZE * (sizes[query] - target.sizes[object_]).abs().sum(), GIOU * (1 - overlapped)

    best = min(
        itertools.permutations(range(5), 3),
        key=lambda queries: sum(
            sum(geometry(q, m)) - CLASS * chances[q, target.classes[m]] for m, q in enumerate(queries)
        ),
    )
    loss = set_loss(saying(logits, centres, sizes), [target])
    expected = torch.tensor([geometry(q, m) for m, q in enumerate(best)]).mean(0)
    for name, value in zip(("centre", "size", "giou"), expected, strict=True):
        assert float(loss[name]) == pytest.approx(float(value), rel=1e-5)


def test_a_scene_without_objects_teaches_only_that_there_is_none():
    nothing = Target(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 3), torch.zeros(0, 3))
    loss = set_loss(saying(torch.zeros(4, 3), torch.zeros(4, 3), torch.ones(4, 3)), [nothing])
    assert float(loss["class"]) == pytest.approx(CLASS * np.log(3))
    assert float(loss["centre"]) == float(loss["size"]) == float(loss["giou"]) == 0


def test_every_block_is_taught():
    cut = scene_patches(*scenes(), TINY.encoder)
    torch.manual_seed(1)
    detector = Detector(TINY)
    target = Target(torch.tensor([0]), torch.zeros(1, 3), torch.ones(1, 3))
    sum(set_loss(detector(cut.patches, cut.centres), [target, target]).values()).backward()
    assert all(each.grad is not None and torch.isfinite(each.grad).all() for each in detector.parameters())


def test_a_weights_file_gives_the_same_detections(detector, tmp_path):
    path = tmp_path / "detector.safetensors"
    detector.save(path, {"data": "none"})
    loaded = Detector.load(path)
    here, there = detector.detect(*scenes(1))[0], loaded.detect(*scenes(1))[0]
    assert loaded.spec == TINY
    np.testing.assert_allclose(there.scores[:3], here.scores[:3], atol=1e-2)  # stored in half precision


def test_its_encoder_is_read_from_its_weights_file(detector, tmp_path):
    path = tmp_path / "detector.safetensors"
    detector.save(path, {})
    encoder = load_encoder(path)
    torch.testing.assert_close(
        encoder.positions[0].weight, detector.encoder.positions[0].weight.detach(), atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"queries": 17}, "spec.queries"),
        ({"depth": 0}, "spec.depth"),
        ({"points": 10**9}, "spec.points"),
        ({"classes": []}, "spec.classes"),
        ({"classes": "chair"}, "spec.classes"),
        ({"encoder": {"width": "wide"}}, "spec.width"),
        ({"more": 1}, "spec"),
        ({"model": "mmpt"}, "weights.spec.model"),
    ],
)
def test_a_file_of_something_else_is_refused(detector, tmp_path, changed, field):
    path = tmp_path / "other.safetensors"
    weights.save(path, detector, {"model": "detector", **TINY.stored(), **changed}, {})
    with pytest.raises(InvalidInput) as refused:
        Detector.load(path)
    assert refused.value.violations[0].field == field


def test_the_full_size_is_that_of_3detr():
    spec = full(("chair", "table", "sofa or bed", "cabinet", "plant or lamp"))
    with torch.device("meta"):
        detector = Detector(spec)
    assert (spec.encoder.groups, spec.queries, spec.encoder.width) == (2048, 256, 256)
    assert (len(detector.encoder.transformer.blocks), len(detector.decoder)) == (3, 8)
    c, h = 256, 128
    linear = lambda a, b: a * b + b  # noqa: E731
    block = 2 * 2 * c + 3 * c * c + linear(c, c) + linear(c, 4 * c) + linear(4 * c, c)
    decoder_block = 2 * c + 4 * linear(c, c) + block
    patches = linear(6, h) + 2 * h + linear(h, 2 * h) + linear(4 * h, 4 * h) + 8 * h + linear(4 * h, c)
    positions = linear(3, 128) + linear(128, c)
    heads = 3 * linear(c, c) + linear(c, 6) + 2 * linear(c, 3)
    expected = patches + 2 * positions + 3 * block + 2 * c + 8 * decoder_block + 2 * c + heads
    assert sum(each.numel() for each in detector.parameters()) == expected
