"""The point-cloud service as a process of its own, asked over gRPC."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from queue import Queue
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from clouds_on_the_wire import TIMEOUT, Asked, answers, messages
from small_models import CARD, CLASSES, OBJECT, SCENE

from tellurion.pointcloud.v1 import pointcloud_pb2
from tellurion_client import pointcloud as client
from tellurion_core.errors import NotFound
from tellurion_pointcloud.mmpt import Mmpt

RANDOM = np.random.default_rng(7)
CLOUD = RANDOM.normal(size=(300, 3)) * [3, 1, 0.5]
COLOURS = RANDOM.integers(0, 256, (300, 3), np.uint8)
ENCODE = pointcloud_pb2.EncodeRequest


@pytest.fixture(scope="module")
def asked(served: Any) -> Asked:
    return Asked(served)


def blob(seed: int, size: int, stretch: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(size, 3)) * [stretch, 1, 1]


def test_models_are_told_by_their_cards(asked: Asked, small_weights: Path) -> None:
    models = {model.name: model for model in asked.ask("ListModels", pointcloud_pb2.ListModelsRequest()).models}
    assert list(models) == ["mmpt", "gaussian2scene", "completion", "detector"]
    assert tuple(name for name, of in models.items() if pointcloud_pb2.TASK_ENCODE in of.tasks) == client.ENCODERS
    for name, model in models.items():
        assert (model.trained_on, model.limits) == (CARD["trained_on"], CARD["limits"])
        file = small_weights / f"{name}.safetensors"
        assert model.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
        assert model.description
    mmpt = models["mmpt"]
    shape = (mmpt.points, mmpt.groups, mmpt.token_width, mmpt.embedding_width)
    assert shape == (OBJECT.points, OBJECT.groups, OBJECT.width, 2 * OBJECT.width)
    assert mmpt.parameters == sum(each.numel() for each in Mmpt(OBJECT).parameters())
    assert [of.colours for of in models.values()] == [False, True, False, True]


def test_a_cloud_is_answered_with_what_it_is_and_by_what(asked: Asked) -> None:
    ((report, tensors),) = asked.encodings(CLOUD)
    assert report.points == 300
    assert (report.source.model, report.source.version) == ("mmpt", version("tellurion-pointcloud"))
    assert {name: (array.dtype.name, array.shape) for name, array in tensors.items()} == {
        "embedding": ("float32", (2 * OBJECT.width,)),
        "tokens": ("float32", (OBJECT.groups, OBJECT.width)),
        "centers": ("float64", (OBJECT.groups, 3)),
    }
    largest_and_mean = np.concatenate([tensors["tokens"].max(0), tensors["tokens"].mean(0)])
    np.testing.assert_allclose(tensors["embedding"], largest_and_mean, atol=1e-6)


def test_centers_are_points_of_the_cloud_wherever_it_stands(asked: Asked) -> None:
    far = CLOUD * 40 + [500_000, 5_400_000, 120]  # a scan in metres of a map's grid
    (tensors,) = asked.encode(far)
    nearest = np.linalg.norm(far - tensors["centers"][:, None], axis=-1).min(1)
    assert nearest.max() < 1e-4


def test_clouds_are_answered_in_their_order_as_they_are_alone(asked: Asked) -> None:
    clouds = [blob(seed, size) for seed, size in enumerate([300, 5, 64, 1000, 1, 77, 64] * 6)]
    together = asked.encode(*clouds)
    assert len(together) == len(clouds)
    for index in range(7):
        (alone,) = asked.encode(clouds[index])
        for name, array in alone.items():
            np.testing.assert_allclose(together[index][name], array, atol=1e-5)


@pytest.mark.parametrize("model", client.ENCODERS)
def test_the_order_of_points_their_place_and_size_change_nothing(asked: Asked, model: str) -> None:
    order = np.random.default_rng(1).permutation(len(CLOUD))
    moved = CLOUD * 12.5 + [30, -20, 5]
    one, *others = asked.encode((CLOUD, COLOURS), (CLOUD[order], COLOURS[order]), (moved, COLOURS), model=model)
    for other in others:
        np.testing.assert_allclose(other["embedding"], one["embedding"], atol=1e-4)


@pytest.mark.parametrize("model", client.ENCODERS)
@pytest.mark.parametrize("count", [1, 3, 7])
def test_a_cloud_of_fewer_points_than_patches_is_encoded(asked: Asked, model: str, count: int) -> None:
    few = blob(3, count)
    one, again = asked.encode(few, few[::-1].copy(), model=model)
    assert np.isfinite(one["embedding"]).all()
    np.testing.assert_allclose(again["embedding"], one["embedding"], atol=1e-5)


@pytest.mark.parametrize("model", client.ENCODERS)
def test_points_that_are_all_equal_are_one_point(asked: Asked, model: str) -> None:
    many, one = asked.encode(np.full((50, 3), 4.25), np.full((1, 3), 4.25), model=model)
    assert np.isfinite(many["embedding"]).all()
    np.testing.assert_allclose(many["embedding"], one["embedding"], atol=1e-6)
    np.testing.assert_allclose(many["centers"], 4.25)


def test_a_scene_without_colours_is_grey(asked: Asked) -> None:
    grey = np.full((300, 3), 128, np.uint8)
    bare, same, coloured = asked.encode(CLOUD, (CLOUD, grey), (CLOUD, COLOURS), model="gaussian2scene")
    np.testing.assert_array_equal(bare["embedding"], same["embedding"])
    assert np.abs(coloured["embedding"] - bare["embedding"]).max() > 1e-4
    assert bare["tokens"].shape == (SCENE.groups, SCENE.width)


def test_the_number_of_points_is_asked_for(asked: Asked) -> None:
    (own,) = asked.encode(CLOUD)
    (same,) = asked.encode(CLOUD, points=OBJECT.points)
    (more,) = asked.encode(CLOUD, points=256)
    np.testing.assert_allclose(own["embedding"], same["embedding"], atol=1e-6)
    assert np.abs(more["embedding"] - own["embedding"]).max() > 1e-4


def test_each_cloud_is_answered_before_the_next_one_comes(asked: Asked) -> None:
    waiting: Queue[Any] = Queue()

    def requests() -> Iterator[Any]:
        while (message := waiting.get()) is not None:
            yield message

    responses = asked.stub.Encode(requests(), timeout=TIMEOUT)
    waiting.put(ENCODE(spec=pointcloud_pb2.EncodeSpec(model="mmpt")))
    arriving = answers(responses)
    for cloud in (CLOUD, blob(1, 50)):
        for message in messages(ENCODE, cloud):
            waiting.put(message)
        assert next(arriving)[0].points == len(cloud)
    waiting.put(None)
    assert [*arriving] == []


def test_a_large_cloud_comes_in_chunks(asked: Asked) -> None:
    large = blob(5, 100_000)  # 2.4 MB
    ((report, _),) = asked.encodings(large)
    assert report.points == 100_000


def test_a_call_ends_at_its_deadline_and_the_service_goes_on(asked: Asked) -> None:
    spec = ENCODE(spec=pointcloud_pb2.EncodeSpec(model="mmpt"))
    stream = [spec, *messages(ENCODE, blob(5, 30_000)) * 200]
    with pytest.raises(grpc.RpcError) as caught:
        [*asked.stub.Encode(iter(stream), timeout=0.3)]
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(asked.encode(CLOUD)) == 1


def test_a_partial_cloud_gets_the_points_that_it_lacks(asked: Asked) -> None:
    report, tensors = asked.reconstruct(CLOUD, task=pointcloud_pb2.TASK_COMPLETE)
    assert (report.points, report.source.model) == (300, "completion")
    assert {name: array.shape for name, array in tensors.items()} == {"added": (32, 3)}  # 8 patches of 4 points
    _, moved = asked.reconstruct(CLOUD * 10 + 100, task=pointcloud_pb2.TASK_COMPLETE)
    np.testing.assert_allclose(moved["added"], tensors["added"] * 10 + 100, atol=1e-2)


def test_hidden_patches_are_drawn_by_the_seed(asked: Asked) -> None:
    shown = []
    for seed in (1, 1, 2**64 - 1):
        report, tensors = asked.reconstruct(CLOUD, task=pointcloud_pb2.TASK_UNMASK, seed=seed)
        assert report.source.model == "mmpt"
        patches = {name: len(array) // OBJECT.group_size for name, array in tensors.items()}
        assert patches == {"visible": 3, "added": 5}  # 60 % of 8 are hidden
        nearest = np.linalg.norm(CLOUD - tensors["visible"][:, None], axis=-1).min(1)
        assert nearest.max() < 1e-5
        shown.append(tensors)
    np.testing.assert_array_equal(shown[0]["added"], shown[1]["added"])
    assert not np.array_equal(shown[0]["visible"], shown[2]["visible"])


def test_classes_are_told_from_examples(asked: Asked) -> None:
    kinds = {"ball": 1.0, "rod": 12.0}
    examples = [(blob(seed, 200, stretch), label) for label, stretch in kinds.items() for seed in range(10)]
    unknown = [(blob(100 + seed, 200, stretch), "") for stretch in kinds.values() for seed in range(3)]
    told = asked.classify(*examples, *unknown)
    assert [next(iter(each)) for each in told] == ["ball"] * 3 + ["rod"] * 3
    for each in told:
        assert sum(each.values()) == pytest.approx(1)
        assert [*each.values()] == sorted(each.values(), reverse=True)


def test_one_example_of_each_class_is_enough(asked: Asked) -> None:
    (told,) = asked.classify((blob(1, 99), "a"), (blob(2, 99, 9), "b"), (blob(3, 99, 5), "c"), (blob(2, 99, 9), ""))
    assert next(iter(told)) == "b"
    assert set(told) == {"a", "b", "c"}


def test_boxes_stand_in_the_scene_s_own_coordinates(asked: Asked) -> None:
    found = asked.detect(CLOUD, COLOURS)
    assert (found.points, found.source.model) == (300, "detector")
    scores = [box.score for box in found.boxes]
    assert scores == sorted(scores, reverse=True)
    assert {box.label for box in found.boxes} <= set(CLASSES)
    moved = asked.detect(CLOUD + np.array([1000, 2000, 3]), COLOURS)
    for one, other in zip(found.boxes, moved.boxes, strict=True):
        places = [[of.center.x, of.center.y, of.center.z] for of in (one, other)]
        np.testing.assert_allclose(np.subtract(*places[::-1]), [1000, 2000, 3], atol=1e-3)
        np.testing.assert_allclose([other.size.x, other.size.y], [one.size.x, one.size.y], rtol=1e-4)
    limit = float(np.median(scores))
    sure = asked.detect(CLOUD, COLOURS, min_score=limit)
    assert [box.score for box in sure.boxes] == [score for score in scores if score >= limit]


@pytest.mark.parametrize("protocol", pointcloud_pb2.Protocol.values()[1:])
def test_scores_need_data(asked: Asked, protocol: int) -> None:
    request = pointcloud_pb2.EvaluateRequest(protocol=protocol)
    with pytest.raises(NotFound, match=r"no folder pointcloud/(furniture|rooms/held-out) in TELLURION_DATA"):
        asked.ask("Evaluate", request)


def test_an_encoding_is_that_of_the_network(asked: Asked, small_weights: Path) -> None:
    few = blob(8, OBJECT.points)
    (answer,) = asked.encode(few)
    ball = (few - few.mean(0)) / np.linalg.norm(few - few.mean(0), axis=1).max()
    alone = Mmpt.load(small_weights / "mmpt.safetensors").encode(torch.from_numpy(ball.astype(np.float32)[None]))
    np.testing.assert_allclose(answer["embedding"], alone.embedding[0], atol=1e-4)
