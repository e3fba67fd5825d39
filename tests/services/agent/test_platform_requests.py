"""Requests for what other services do: told from analyses, their files found, what is lacking asked back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tellurion_agent.capabilities.registry import CAPABILITIES
from tellurion_agent.planning.offers import Offers, recognised, tool_name
from tellurion_agent.planning.plan import NOTHING_SAID, Abstain, Clarify, Context, Plans, ServicePlan
from tellurion_agent.planning.request_files import Listing
from tellurion_agent.recipes.registry import RECIPES
from tellurion_core.errors import InvalidInput

Ask = Callable[..., Plans | Clarify | Abstain | None]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """What is made of a request about empty files of these names, where all services but `missing` are there."""

    def asked(request: str, *names: str, context: Context = NOTHING_SAID, missing: str = ""):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        offers = Offers(lambda: Listing.of([tmp_path]), lambda service: "it is away" if service == missing else "")
        return offers.plan(request, context)

    return asked


def plan(found: Plans | Clarify | Abstain | None) -> ServicePlan:
    assert isinstance(found, Plans)
    (only,) = found.candidates
    assert isinstance(only, ServicePlan)
    return only


def names(found: Plans | Clarify | Abstain | None) -> dict[str, list[str]]:
    return {name: [path.name for path in paths] for name, paths in plan(found).files.items()}


@pytest.mark.parametrize(
    ("phrase", "name"), [(phrase, each.name) for each in CAPABILITIES.values() for phrase in each.phrases]
)
def test_each_capability_is_recognised_by_its_phrases(phrase: str, name: str) -> None:
    assert [each.name for each in recognised(phrase)] == [name]


def test_no_request_for_an_analysis_is_taken_for_one_of_a_service() -> None:
    folder = Path(__file__).parent
    files = [*(folder / "planning").glob("*.jsonl"), *(folder / "requests" / "questions").glob("*.jsonl")]
    asked = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    requests = [each["request"] for each in asked if "request" in each]
    requests += [phrase for recipe in RECIPES.values() for phrase in (*recipe.phrases, recipe.title)]
    requests += [
        "Fit a Gaussian to the histogram of sea surface temperature",
        "What is the trend of the reconstructed ocean temperature?",
        "Classify the months of the record by cloud cover",
        "What is the complete seasonal cycle of cloud fraction?",
        "Evaluate the models' predictions of precipitation against observations",
        "Find the mean temperature over the Table Mountain scene",
    ]
    assert len(requests) > 300
    assert [request for request in requests if recognised(request)] == []


def test_options_are_read_from_the_request_and_what_was_not_said_is_told(ask: Ask) -> None:
    found = plan(
        ask("Reconstruct the ocean temperature for February from gp-march.nc by eof_oi, 16 members", "gp-march.nc")
    )
    assert found.capability.name == "ocean.reconstruct"
    assert found.options == {"month": 2, "method": "eof_oi", "members": 16, "seed": 0}
    assert found.assumptions == {"seed": "seed is 0: none was said."}


def test_the_only_file_that_can_be_it_is_taken_and_told(ask: Ask) -> None:
    found = plan(ask("reconstruct the ocean temperature", "argo.nc", "notes.txt", ".hidden.nc"))
    assert [path.name for path in found.files["observations"]] == ["argo.nc"]
    assert found.assumptions["observations"] == "observations: argo.nc, which alone can be it."
    assert "month" not in found.options


def test_which_of_several_files_is_asked_back_and_an_answer_is_understood(ask: Ask) -> None:
    request = "reconstruct the ocean temperature for March"
    asked = ask(request, "argo.nc", "xbt.nc")
    assert isinstance(asked, Clarify)
    assert asked.options == ("argo.nc", "xbt.nc")
    assert names(ask("xbt.nc, please", context=asked.context)) == {"observations": ["xbt.nc"]}
    assert plan(ask("xbt.nc, please", context=asked.context)).options["month"] == 3
    assert ask("What is the mean SST?", context=asked.context) is None


def test_files_that_are_not_there_are_named(ask: Ask) -> None:
    for request, told in (
        ("reconstruct the ocean temperature from obs.nc", "obs.nc"),
        ("detect the furniture in the room", "a cloud or a mesh"),
        ("fit gaussians to the scene", "transforms.json"),
    ):
        found = ask(request, "other.txt", "argo.nc")
        assert isinstance(found, Abstain)
        assert told in found.reason


def test_all_clouds_of_a_folder_or_those_that_are_named(ask: Ask) -> None:
    there = ("a.ply", "b.npy", "more/c.las", "more/d.npz", "e.nc")
    assert names(ask("encode the clouds in this folder", *there)) == {"clouds": ["a.ply", "b.npy", "c.las", "d.npz"]}
    assert names(ask("encode the clouds in more", *there)) == {"clouds": ["c.las", "d.npz"]}
    assert names(ask("Encode b.npy and more/d.npz with gaussian2scene.", *there)) == {"clouds": ["b.npy", "d.npz"]}


def test_what_a_file_is_for_is_told_from_the_words_about_it(ask: Ask) -> None:
    there = ("a.nc", "b.nc", "c.nc")
    said = "assimilate the observations b.nc into the background a.nc by letkf with the ensemble c.nc"
    assert names(ask(said, *there)) == {"background": ["a.nc"], "observations": ["b.nc"], "ensemble": ["c.nc"]}
    said = "Assimilate soundings.nc into forecast.nc by 3dvar"
    found = ask(said, "soundings.nc", "forecast.nc")
    assert names(found) == {"background": ["forecast.nc"], "observations": ["soundings.nc"]}
    assert plan(found).options["method"] == "3dvar"
    assert isinstance(ask("assimilate a.nc and b.nc", *there), Clarify)


def test_folders_are_known_by_what_is_in_them(ask: Ask) -> None:
    labelled = [f"labelled/{kind}/{number}.npy" for kind in ("ball", "rod") for number in (1, 2)]
    said = "classify the point clouds x.npy and y.npy by the examples"
    assert names(ask(said, *labelled, "x.npy", "y.npy")) == {"examples": ["labelled"], "clouds": ["x.npy", "y.npy"]}
    assert names(ask("fit gaussians to the scene, 3dgs, 200 iterations", "lobby/transforms.json")) == {
        "scene": ["lobby"]
    }
    said = "score the predictions answers.jsonl on the benchmark"
    asked = ask(said, "bench/questions.jsonl", "answers.jsonl")
    assert isinstance(asked, Clarify)
    assert "earthse" in asked.question
    found = ask("earthse", context=asked.context)
    assert names(found) == {"data": ["bench"], "predictions": ["answers.jsonl"]}
    assert plan(found).options == {"suite": "earthse"}


def test_a_service_that_is_away_is_the_reason_for_no_answer(ask: Ask) -> None:
    found = ask("what is in scene.ply (Gaussians)", "scene.ply", missing="splat")
    assert found == Abstain("“What a scene of Gaussians is” needs the splat service: it is away.", final=True)


def test_two_capabilities_in_one_request_are_asked_about(ask: Ask) -> None:
    found = ask("encode and complete the point cloud a.ply", "a.ply")
    assert isinstance(found, Clarify)
    assert len(found.options) == 2
    assert names(ask(found.options[1], "a.ply"))


def test_a_model_has_them_as_tools_and_says_files_in_words(tmp_path: Path) -> None:
    for name in ("a.nc", "b.nc"):
        (tmp_path / name).touch()
    offers = Offers(lambda: Listing.of([tmp_path]), lambda service: "away" if service == "ocean" else "")
    tools = {tool["name"]: tool for tool in offers.tools()}
    assert set(tools) == {tool_name(each) for each in CAPABILITIES.values()} - {"ocean_reconstruct"}
    assert tools["assimilation_analyse"]["parameters"]["required"] == ["background", "observations"]
    said = {"background": "b.nc", "observations": "a.nc", "method": "3dvar", "seed": "7"}
    found = plan(offers.filled(CAPABILITIES["assimilation.analyse"], said))
    assert {name: path.name for name, (path,) in found.files.items()} == {"background": "b.nc", "observations": "a.nc"}
    assert found.options == {"method": "3dvar", "seed": 7}


@pytest.mark.parametrize("name", ["../secret.ply", "/etc/secret.ply", "a/../../secret.ply"])
def test_no_name_leads_out_of_the_data(ask: Ask, tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "secret.ply").touch()
    assert isinstance(ask(f"what is in {name} (Gaussians)", "scene.ply"), Abstain)


def test_too_many_files_are_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tellurion_agent.planning.request_files.MOST_FILES", 2)
    with pytest.raises(InvalidInput, match="data"):
        ask("encode the clouds in this folder", "a.ply", "b.ply", "c.ply")
