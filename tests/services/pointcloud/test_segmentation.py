"""Part segmentation, and classification by a head trained with the encoder."""

import numpy as np
import pytest
import torch

from tellurion_pointcloud.downstream.backbone import Backbone
from tellurion_pointcloud.downstream.classification import Classifier
from tellurion_pointcloud.downstream.segmentation import PartSegmenter, mean_iou, propagated
from tellurion_pointcloud.mmpt import Spec
from tellurion_pointcloud.training.loop import Schedule, fit

TINY = Spec(points=64, groups=8, group_size=8, hidden=8, width=32, depth=1, heads=2, drop_path=0.0)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_at_a_centre_the_token_is_the_centres() -> None:
    tokens, centres = normal(2, 5, 4), normal(2, 5, 3, seed=1)
    torch.testing.assert_close(propagated(tokens, centres, centres), tokens, atol=1e-4, rtol=0)


def test_between_centres_the_nearest_three_count_by_the_inverse_of_the_squared_distance() -> None:
    centres = torch.tensor([[[0.0, 0, 0], [3, 0, 0], [0, 6, 0], [50, 50, 50]]])
    tokens = torch.tensor([[[1.0], [10.0], [100.0], [1000.0]]])
    found = propagated(tokens, centres, torch.tensor([[[1.0, 0, 0]]]))
    weights = np.array([1, 1 / 4, 1 / 37])
    assert found.item() == pytest.approx((weights * [1, 10, 100]).sum() / weights.sum())


def test_alike_tokens_stay_alike_everywhere() -> None:
    tokens = normal(2, 1, 4).expand(2, 6, 4)
    found = propagated(tokens, normal(2, 6, 3, seed=1), normal(2, 30, 3, seed=2))
    torch.testing.assert_close(found, tokens[:, :1].expand(2, 30, 4))


def test_upper_and_lower_halves_are_told_apart_after_a_short_training() -> None:
    torch.manual_seed(0)
    network = PartSegmenter(Backbone(TINY), parts=2)

    def loss(step: int, random: torch.Generator) -> torch.Tensor:
        clouds = torch.randn(8, 64, 3, generator=random)
        return torch.nn.functional.cross_entropy(network(clouds).transpose(1, 2), (clouds[..., 2] > 0).long())

    schedule = Schedule(steps=40, learning_rate=5e-3, warmup=5)
    fit(loss, network.parameters(), schedule, state={"network": network}, seed=0, report=None)
    clouds = normal(4, 64, 3, seed=3)
    told = network(clouds).argmax(-1)
    assert (told == (clouds[..., 2] > 0)).float().mean() > 0.9


def test_flat_and_tall_clouds_are_told_apart_after_a_short_training() -> None:
    torch.manual_seed(0)
    network = Classifier(Backbone(TINY), classes=2)
    shapes = torch.tensor([[1.0, 1.0, 0.2], [0.2, 0.2, 1.0]])

    def loss(step: int, random: torch.Generator) -> torch.Tensor:
        kinds = torch.randint(2, (8,), generator=random)
        return torch.nn.functional.cross_entropy(
            network(torch.randn(8, 64, 3, generator=random) * shapes[kinds][:, None]), kinds
        )

    schedule = Schedule(steps=40, learning_rate=3e-3, warmup=5)
    fit(loss, network.parameters(), schedule, state={"network": network}, seed=0, report=None)
    kinds = torch.arange(20) % 2
    told = network(normal(20, 64, 3, seed=4) * shapes[kinds][:, None]).argmax(-1)
    assert (told == kinds).float().mean() > 0.9


def test_intersection_over_union_of_a_case_done_by_hand() -> None:
    predicted, true = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
    assert mean_iou(predicted, true, np.array([0, 1])) == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_a_part_that_is_neither_there_nor_told_counts_as_right() -> None:
    parts = np.array([0, 1, 2])
    assert mean_iou(np.zeros(4, int), np.zeros(4, int), parts) == 1
    assert mean_iou(np.full(4, 2), np.zeros(4, int), parts) == pytest.approx(1 / 3)
