"""Corpora on disk."""

import json

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.corpus import Corpus, Thing, pictured, write

BOX = np.array([(x, y, z) for x in (0, 2) for y in (0, 1) for z in (0, 4)], float)
QUADS = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
BOX_FACES = np.concatenate([QUADS[:, [0, 1, 2]], QUADS[:, [0, 2, 3]]])


def things(count):
    for index in range(count):
        random = np.random.default_rng(index)
        cloud = random.uniform(-0.5, 0.5, (8, 3)).astype(np.float32)
        pictures = random.integers(0, 256, (2, 4, 4, 3)).astype(np.uint8)
        colours = random.integers(0, 256, (8, 3)).astype(np.uint8)
        yield Thing(f"thing {index}", cloud, colours, pictures, "group", "kind", index - 1, (1.0, 2.0, index))


def test_what_is_written_is_read_through_memory_maps(tmp_path):
    write(tmp_path / "corpus", things(3), 3, "a test")
    corpus = Corpus.open(tmp_path / "corpus")
    assert isinstance(corpus.clouds, np.memmap)
    assert len(corpus) == 3
    assert corpus.source == "a test"
    assert corpus.folds.tolist() == [-1, 0, 1]
    assert corpus.sizes[2].tolist() == [1, 2, 2]
    for index, thing in enumerate(things(3)):
        np.testing.assert_array_equal(corpus.clouds[index], thing.cloud)
        np.testing.assert_array_equal(corpus.colours[index], thing.colours)
        np.testing.assert_array_equal(corpus.pictures[index], thing.pictures)
        assert (corpus.names[index], corpus.groups[index], corpus.classes[index]) == (thing.name, "group", "kind")


def test_an_interrupted_corpus_is_not_there(tmp_path):
    def broken():
        yield from things(2)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(tmp_path / "corpus", broken(), 3, "")
    with pytest.raises(InvalidInput, match="received 2; accepted: 3"):
        write(tmp_path / "corpus", things(2), 3, "")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InvalidInput, match="a new folder"):
        write(tmp_path, things(1), 1, "")
    with pytest.raises(InvalidInput, match="a new folder"):
        write(tmp_path / "a" / "b", things(1), 1, "")


def test_what_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="a folder of a corpus"):
        Corpus.open(tmp_path / "nowhere")
    write(tmp_path / "corpus", things(3), 3, "")
    about = json.loads((tmp_path / "corpus" / "about.json").read_text())
    (tmp_path / "corpus" / "about.json").write_text(json.dumps({**about, "folds": [0]}))
    with pytest.raises(InvalidInput, match="arrays that fit"):
        Corpus.open(tmp_path / "corpus")
    (tmp_path / "corpus" / "about.json").write_text(json.dumps(about))
    np.save(tmp_path / "corpus" / "clouds.npy", np.array([{}], object))
    with pytest.raises(InvalidInput, match="a folder of a corpus"):
        Corpus.open(tmp_path / "corpus")


def test_clouds_and_pictures_do_not_depend_on_place_and_size():
    paint = np.tile(np.arange(12, dtype=np.uint8)[:, None] * 20, (1, 3))
    made = [
        pictured(vertices, BOX_FACES, paint, points=50, count=2, side=16, random=np.random.default_rng(3))
        for vertices in (BOX, BOX * 7 - 100)
    ]
    np.testing.assert_allclose(made[0][0], made[1][0], atol=1e-5)
    np.testing.assert_array_equal(made[0][1], made[1][1])
    assert (made[0][2] == made[1][2]).mean() > 0.99  # but for pixels on an edge
