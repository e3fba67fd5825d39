"""What weights files may claim of networks."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.specs import check_blocks, check_model, check_sizes, stored_fields


@dataclass(frozen=True)
class Network:
    """A spec of one required and three other fields."""

    depth: object
    width: int = 8
    heads: int = 2
    drop_path: object = 0.0


@pytest.mark.parametrize("depth", [0, 65, -1, 2.0, "2", True, None, [2], float("nan")])
def test_a_size_is_a_whole_number_within_its_limit(depth: object) -> None:
    check_sizes(Network(64), {"depth": 64})
    with pytest.raises(InvalidInput, match=r"spec\.depth.*1…64"):
        check_sizes(Network(depth), {"depth": 64})


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"heads": 3}, "heads"), *(({"drop_path": of}, "drop_path") for of in (1.0, -0.1, "0.1", None, float("nan")))],
)
def test_heads_share_the_width_and_blocks_are_dropped_by_chance(changed: dict[str, object], field: str) -> None:
    check_blocks(Network(1))
    with pytest.raises(InvalidInput, match=rf"spec\.{field}"):
        check_blocks(Network(1, **changed))


@pytest.mark.parametrize("stored", [{}, {"width": 8}, {"depth": 1, "colour": 2}, [1], "depth", None])
def test_a_file_names_the_fields_of_the_spec_and_no_others(stored: object) -> None:
    assert stored_fields(Network, {"depth": 1, "heads": 4}) == {"depth": 1, "heads": 4}
    with pytest.raises(InvalidInput, match="spec"):
        stored_fields(Network, stored)


def test_a_file_is_of_the_model_it_says() -> None:
    stored = {"model": "mmpt", "width": 8}
    check_model(stored, "mmpt")
    assert stored == {"width": 8}
    with pytest.raises(InvalidInput, match=r"weights\.spec\.model.*detector.*mmpt"):
        check_model({"model": "detector"}, "mmpt")
