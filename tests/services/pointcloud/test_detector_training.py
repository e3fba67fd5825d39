"""The detector's training on rooms, and its evaluation over held-out furniture."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from small_rooms import furniture

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.boxes import Boxes
from tellurion_pointcloud.detection.average_precision import Detections, Objects, matches
from tellurion_pointcloud.detection.detector import Detector, DetectorSpec
from tellurion_pointcloud.detection.evaluation import Evaluation, detected, evaluated, interval
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.scene_encoder import SceneEncoder, SceneSpec
from tellurion_pointcloud.training import detector as training
from tellurion_pointcloud.training import room_changes
from tellurion_pointcloud.training.rooms import compose

SPEC = DetectorSpec(("any",), SceneSpec(groups=8, group_size=8), points=20_000, queries=4)
SMALL = SceneSpec(groups=64, group_size=8, hidden=8, width=24, depth=1, heads=2)


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    path = tmp_path_factory.mktemp("rooms") / "rooms"
    compose(path, (3, 2), (furniture("a"), furniture("b")), 7, "cuboids")
    return path


def inside(points, centres, sizes):
    """How many points are in each box."""
    return [
        int((np.abs(points - centre) <= size / 2 + 1e-4).all(1).sum())
        for centre, size in zip(centres, sizes, strict=True)
    ]


def test_boxes_stay_exact_when_a_room_is_turned_mirrored_and_stretched(rooms, monkeypatch):
    monkeypatch.setattr(training, "NOISE", 0.0)
    opened = Rooms.open(rooms / "training")
    monkeypatch.setattr(training, "scene_patches", lambda points, colours, spec: Shown(points))
    expected = [
        inside(opened.points[room], opened.aligned(room).centres, opened.aligned(room).sizes) for room in range(3)
    ]
    for seed in range(4):
        shown, targets = training.batch(opened, SPEC, 2, np.random.default_rng(seed))
        for points, target in zip(shown.points, targets, strict=True):
            assert inside(points, target.centres.numpy(), target.sizes.numpy()) in expected


class Shown:
    """Scenes as they are cut into patches, at their own origin."""

    def __init__(self, points):
        self.points, self.origin = points, torch.zeros(len(points), 3)


def test_all_eight_symmetries_of_the_square_are_drawn():
    random = np.random.default_rng(0)
    drawn = {tuple(room_changes.symmetry(random).ravel()) for _ in range(200)}
    assert len(drawn) == 8
    for each in drawn:
        turn = np.reshape(each, (3, 3))
        np.testing.assert_array_equal(turn @ turn.T, np.eye(3))
        assert turn[2, 2] == 1


def test_what_stands_in_the_rooms_scores_one(rooms):
    opened = Rooms.open(rooms / "held-out")
    kinds = [opened.kinds[room][opened.objects(room)] for room in range(2)]
    found = [Detections(opened.aligned(room), kinds[room], np.ones(len(kinds[room]))) for room in range(2)]
    evaluation = evaluated(found, opened)
    assert evaluation.average_precision(0.5) == 1
    bounds = evaluation.interval(0.25)
    assert (bounds.mean, bounds.low, bounds.high) == (1, 1, 1)


def test_groups_of_furniture_are_drawn_together():
    # of three groups of two objects, one of which is found, two are drawn: it is drawn 0, 1 or 2 times of them
    centres = np.outer(np.arange(6.0) * 5, [1, 0, 0])
    truth = Objects(Boxes.aligned(centres, np.ones((6, 3))), np.zeros(6, int))
    found = Detections(Boxes.aligned(centres[:2], np.ones((2, 3))), np.zeros(2, int), np.array([0.9, 0.8]))
    evaluation = Evaluation({0.25: matches([found], [truth], 1, 0.25)}, np.array([0, 0, 1, 1, 2, 2]))
    drawn = evaluation.resampled(0.25, resamples=4000)
    values, counts = np.unique(drawn, return_counts=True)
    np.testing.assert_array_equal(values, [0, 0.5, 1])
    np.testing.assert_allclose(counts / 4000, [4 / 9, 4 / 9, 1 / 9], atol=0.03)
    np.testing.assert_array_equal(drawn, evaluation.resampled(0.25, resamples=4000))


def test_an_interval_holds_95_percent_of_the_resamples():
    found = interval(0.4, np.linspace(0, 1, 1001))
    assert (found.mean, found.low, found.high) == pytest.approx((0.4, 0.025, 0.975))


def test_the_command_trains_evaluates_and_says_how(rooms, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(training, "DetectorSpec", partial(DetectorSpec, encoder=SMALL, queries=16))
    output = tmp_path / "detector.safetensors"
    options = ["--held-out", str(rooms / "held-out"), "--steps", "2", "--batch", "1", "--output", str(output)]
    training.main([str(rooms / "training"), *options])
    card = weights.card(output)
    assert card == json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (card["steps"], card["encoder"], card["trained_on"]) == (2, "from nothing", "3 rooms of cuboids, training")
    assert card["AP25"].keys() == {"mean", "low", "high"}
    assert tuple(card["AP50 by class"]) == Detector.load(output).spec.classes


def test_the_command_begins_with_the_encoder_that_is_given(rooms, tmp_path):
    given, output = tmp_path / "encoder.safetensors", tmp_path / "detector.safetensors"
    torch.manual_seed(3)
    encoder = SceneEncoder(SMALL)
    inside = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    weights.save(
        given, {**inside, "decoder.bias": torch.zeros(3)}, {"model": "gaussian2scene", "encoder": SMALL.stored()}, {}
    )
    options = ["--encoder", str(given), "--steps", "1", "--batch", "1", "--learning-rate", "1e-9"]
    training.main([str(rooms / "training"), *options, "--output", str(output)])
    trained = Detector.load(output).encoder.state_dict()
    for name, parameter in encoder.named_parameters():
        torch.testing.assert_close(trained[name], parameter.detach(), atol=1e-3, rtol=1e-3)
    assert weights.card(output)["encoder"] == weights.sha256(given)


def test_an_encoder_that_has_seen_the_rooms_held_out_is_refused(rooms, tmp_path, capsys):
    given = tmp_path / "encoder.safetensors"
    inside = {f"encoder.{name}": tensor for name, tensor in SceneEncoder(SMALL).state_dict().items()}
    spec, card = {"model": "gaussian2scene", "encoder": SMALL.stored()}, {"groups": ["b chair 0"]}
    weights.save(given, inside, spec, card)
    options = ["--held-out", str(rooms / "held-out"), "--encoder", str(given), "--output", str(tmp_path / "d")]
    with pytest.raises(SystemExit, match="2"):
        training.main([str(rooms / "training"), *options, "--steps", "1"])
    assert "rooms: received one that was shown the groups ['b chair 0']" in capsys.readouterr().err


def test_rooms_are_not_held_out_from_themselves(rooms, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        training.main([str(rooms / "training"), "--held-out", str(rooms / "training"), "--output", str(tmp_path / "d")])
    assert "rooms: received one that was shown the groups ['a cabinet 0'" in capsys.readouterr().err


def test_a_detector_of_other_classes_is_not_evaluated(rooms):
    opened = Rooms.open(rooms / "held-out")
    turned = Detector(DetectorSpec(tuple(reversed(opened.classes)), SMALL, points=128, queries=8, depth=1))
    with pytest.raises(InvalidInput, match=r"detector: received table, .*; accepted: the rooms' classes cabinet, "):
        detected(turned, opened)


def test_rooms_of_other_classes_are_no_held_out_rooms(rooms, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    for file in (rooms / "held-out").iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    about = json.loads((other / "about.json").read_text())
    (other / "about.json").write_text(json.dumps({**about, "classes": list("abcde")}))
    output = tmp_path / "detector.safetensors"
    with pytest.raises(SystemExit) as ended:
        training.main([str(rooms / "training"), "--held-out", str(other), "--steps", "1", "--output", str(output)])
    assert ended.value.code == 2
    assert "held-out" in capsys.readouterr().err
