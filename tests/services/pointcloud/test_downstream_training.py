"""The commands that train completion, part segmentation and classification, on small corpora."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from small_corpus import write_corpus
from small_models import OBJECT

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.downstream.completion import Completion
from tellurion_pointcloud.downstream.part_layout import parts_of, shapenet_part
from tellurion_pointcloud.evaluate import untrained
from tellurion_pointcloud.mmpt.tokenizer import Tokenizer
from tellurion_pointcloud.training import completion, fine_tuning, segmentation
from tellurion_pointcloud.training.tokenizer import load_tokenizer

FREE = {fine_tuning: ["--fold", "1"], completion: ["--folds", "0", "2"]}
"""By which folds none is judged that the encoder was shown."""
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mmpt.safetensors"
    untrained(OBJECT, 0).save(path, {})
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpora") / "boxes")


@pytest.fixture(scope="module")
def shapenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mugs and tables of two parts each, as published."""
    root = tmp_path_factory.mktemp("shapenet")
    (root / "synsetoffset2category.txt").write_text("Mug\t03797390\nTable\t04379243\n\n")
    (root / "train_test_split").mkdir()
    for subset, number in (("train", 4), ("val", 2), ("test", 2)):
        names = []
        for index in range(number):
            synset, first = (("03797390", 36), ("04379243", 47))[index % 2]
            points = RANDOM.normal(size=(90, 3)) + 5
            rows = np.column_stack([points, np.zeros((90, 3)), first + (points[:, 1] > 5)])
            (root / synset).mkdir(exist_ok=True)
            np.savetxt(root / synset / f"{subset}{index}.txt", rows, fmt="%.6f")
            names.append(f"shape_data/{synset}/{subset}{index}")
        (root / "train_test_split" / f"shuffled_{subset}_file_list.json").write_text(json.dumps(names))
    return root


def options(encoder: Path, output: Path) -> list[str]:
    return ["--encoder", str(encoder), "--output", str(output), "--steps", "2", "--batch", "4"]


def test_completion_is_trained_without_labelled_things_and_judged_by_them(
    corpus: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion.evaluate, "VIEWPOINTS", 1)
    output = tmp_path / "completion.safetensors"
    completion.main([str(corpus), *options(encoder, output)])
    card = weights.card(output)
    assert card["trained_on"] == "12 things of boxes"
    assert card["encoder"] == weights.sha256(encoder)
    (held_out,) = card["held_out"]
    assert held_out["things"] == 12
    assert held_out["ratio"] == pytest.approx(
        held_out["chamfer_l2"]["completed"] / held_out["chamfer_l2"]["partial"], rel=1e-3
    )
    assert Completion.load(output).spec.encoder == OBJECT


def test_a_classifier_is_judged_by_the_fold_that_is_held_out(corpus: Path, encoder: Path, tmp_path: Path) -> None:
    output = tmp_path / "classifier.safetensors"
    fine_tuning.main([str(corpus), "--fold", "1", *options(encoder, output)])
    card = weights.card(output)
    assert card["trained_on"] == "8 labelled things of boxes"
    assert card["held_out"]["things"] == 4
    assert weights.load(output)[1]["classes"] == ["plate", "rod"]


@pytest.mark.parametrize("training", [fine_tuning, completion])
def test_an_encoder_that_was_shown_what_it_is_judged_by_is_refused(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], training: ModuleType
) -> None:
    shown = tmp_path / "mmpt.safetensors"
    untrained(OBJECT, 0).save(shown, {"folds": [0, 2]})
    with pytest.raises(SystemExit, match="2"):
        training.main([str(corpus), *options(shown, tmp_path / "out.safetensors")])
    assert "encoder: received one that was shown the folds [0" in capsys.readouterr().err
    training.main([str(corpus), *FREE[training], *options(shown, tmp_path / "out.safetensors")])
    assert weights.card(tmp_path / "out.safetensors")["folds"] == [0, 2]  # those of the encoder too


def test_a_tokenizer_is_of_the_size_of_its_networks(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.safetensors"
    weights.save(path, Tokenizer(OBJECT), {"model": "tokenizer", **OBJECT.stored()}, {})
    assert not load_tokenizer(path, OBJECT).training
    with pytest.raises(InvalidInput, match="tokenizer"):
        load_tokenizer(path, replace(OBJECT, vocabulary=OBJECT.vocabulary + 1))


def test_parts_are_learned_from_the_published_layout(shapenet: Path, encoder: Path, tmp_path: Path) -> None:
    output = tmp_path / "segmentation.safetensors"
    segmentation.main([str(shapenet), *options(encoder, output)])
    found = weights.card(output)["test_mean_iou"]
    assert set(found) == {"clouds", "classes", "Mug", "Table"}
    assert found["classes"] == pytest.approx((found["Mug"] + found["Table"]) / 2)
    assert weights.load(output)[1]["parts"] == 49


def test_shapenet_part_is_read_upright_in_the_unit_ball(shapenet: Path) -> None:
    models = shapenet_part(shapenet, "train")
    assert [model.kind for model in models] == ["Mug", "Table"] * 3
    assert {kind: parts.tolist() for kind, parts in parts_of(models).items()} == {"Mug": [36, 37], "Table": [47, 48]}
    for model in models:
        assert np.linalg.norm(model.cloud, axis=1).max() == pytest.approx(1)
        upper = model.parts == model.parts.max()  # above y = 5 in the file
        assert model.cloud[upper, 2].min() > model.cloud[~upper, 2].max()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "synsetoffset2category.txt").unlink(), "synsetoffset2category.txt"),
        (lambda root: (root / "03797390" / "test0.txt").write_text("1 2 3\n"), "x y z nx ny nz part"),
        (lambda root: (root / "03797390" / "test0.txt").write_text("a b\n"), "numbers"),
        (lambda root: (root / "synsetoffset2category.txt").write_text("Table 04379243\n"), "models of 04379243"),
    ],
)
def test_another_layout_is_refused(
    shapenet: Path, encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: object, message: str
) -> None:
    root = shutil.copytree(shapenet, tmp_path / "copy")
    damage(root)
    with pytest.raises(SystemExit) as ended:
        segmentation.main([str(root), *options(encoder, tmp_path / "out.safetensors")])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
