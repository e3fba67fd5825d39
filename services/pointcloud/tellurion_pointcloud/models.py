"""The models that this service serves: two encoders, what reconstructs, and the detector, each of a weights file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch

from tellurion_core.errors import Cancelled, InvalidInput, NotFound
from tellurion_core.predictor import CancelCheck, Model
from tellurion_core.progress import Progress
from tellurion_core.settings import load
from tellurion_core.tensors import Array, TensorSpec
from tellurion_diffusion import weights
from tellurion_pointcloud.detection.detector import Detector
from tellurion_pointcloud.downstream.completion import Completion
from tellurion_pointcloud.gaussian2scene.model import Gaussian2Scene
from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.masking import scattered
from tellurion_pointcloud.mmpt import Mmpt
from tellurion_pointcloud.settings import PointCloudSettings

FILES: Mapping[str, Callable[[Path], torch.nn.Module]] = {
    "mmpt": Mmpt.load,
    "gaussian2scene": Gaussian2Scene.load,
    "completion": Completion.load,
    "detector": Detector.load,
}
"""What reads the weights file of each name."""
ENCODERS = ("mmpt", "gaussian2scene")
COLOURED = ("gaussian2scene", "detector")
"""Those that read colours."""

CLOUDS: Mapping[str, TensorSpec] = {
    "points": TensorSpec("float32", ("B", "N", 3)),
    "present": TensorSpec("bool", ("B", "N")),
}
"""Clouds, ragged ones filled up with points that are not present."""
COLOURS: Mapping[str, TensorSpec] = {"colours": TensorSpec("uint8", ("B", "N", 3))}
ENCODED: Mapping[str, TensorSpec] = {
    "embedding": TensorSpec("float32", ("B", "D")),
    "tokens": TensorSpec("float32", ("B", "G", "C")),
    "centers": TensorSpec("float32", ("B", "G", 3)),
}
BOXES: Mapping[str, TensorSpec] = {
    "boxes": TensorSpec("float32", ("M", 7)),
    "classes": TensorSpec("int64", ("M",)),
    "scores": TensorSpec("float32", ("M",)),
}
"""Of each the centre, the size and the turn about z; the highest score first."""
COMPLETE, UNMASK, DETECT = "pointcloud_complete", "pointcloud_unmask", "pointcloud_detect"
"""Names of the models that do not encode."""


@dataclass(frozen=True)
class Shape:
    """What a network takes."""

    points: int
    """Points that a cloud is sampled to unless something else is asked for."""
    groups: int
    """Patches of a cloud."""
    group_size: int
    """Points of a patch."""
    width: int
    """Numbers of a token."""

    def check(self, points: int) -> None:
        """Raises InvalidInput unless patches can be cut of so many points."""
        if points < (least := max(self.groups, self.group_size)):
            accepted = f"at least {least}, for {self.groups} patches of {self.group_size}"
            raise InvalidInput.of("points", received=points, accepted=accepted)


class WeightsFile:
    """The network of a weights file, loaded at its first use."""

    def __init__(self, path: Path, load: Callable[[Path], torch.nn.Module]) -> None:
        self.path = path
        self._load = load
        self._lock = Lock()
        self._read: tuple[Any, str, dict[str, Any]] | None = None

    def network(self) -> Any:
        """The network. Raises NotFound where there is no such file, InvalidInput or DataCorrupted of another one."""
        return self._all()[0]

    @property
    def shape(self) -> Shape:
        """Of what the network takes."""
        network = self.network()
        spec, encoder = network.spec, getattr(network.spec, "encoder", network.spec)
        points = spec.partial if isinstance(network, Completion) else spec.points
        return Shape(points, encoder.groups, encoder.group_size, encoder.width)

    @property
    def sha256(self) -> str:
        """Lower-case hexadecimal SHA-256 of the file that the network is of."""
        return self._all()[1]

    @property
    def card(self) -> dict[str, Any]:
        """The model card of the network."""
        return self._all()[2]

    def _all(self) -> tuple[Any, str, dict[str, Any]]:
        """Network, SHA-256 and card, read together: another file may take the place of this one later."""
        with self._lock:
            if self._read is None:
                if not self.path.is_file():
                    raise NotFound(f"there are no weights {self.path.name} in the folder TELLURION_POINTCLOUD_WEIGHTS")
                self._read = self._load(self.path), weights.sha256(self.path), weights.card(self.path)
            return self._read


Weights = Mapping[str, WeightsFile]
"""By the names of FILES."""


class _OfWeights:
    """What all models share."""

    def __init__(self, weights_file: WeightsFile) -> None:
        self._weights = weights_file

    inputs: Mapping[str, TensorSpec] = CLOUDS

    def load(self) -> None:
        """Loads the network."""
        self._weights.network()

    def example(self, random: np.random.Generator) -> dict[str, Array]:
        """Two clouds, the second a quarter larger."""
        count = self._weights.shape.points
        counts = np.array([count, count + count // 4])
        present = np.arange(counts.max()) < counts[:, None]
        return {
            name: array
            for name, array in {
                "points": random.normal(size=(*present.shape, 3)).astype(np.float32) * present[..., None],
                "present": present,
                "colours": random.integers(256, size=(*present.shape, 3), dtype=np.uint8),
                "seed": random.integers(2**64, size=2, dtype=np.uint64),
            }.items()
            if name in self.inputs
        }


class EncodeModel(_OfWeights):
    """Clouds to embeddings, tokens and the centres of their patches."""

    outputs = ENCODED

    def __init__(self, name: str, weights_file: WeightsFile) -> None:
        super().__init__(weights_file)
        self.name = encode_model(name)
        self.inputs = {**CLOUDS, **(COLOURS if name in COLOURED else {})}

    def predict(self, inputs: Mapping[str, Array], *, cancelled: CancelCheck, progress: Progress) -> dict[str, Array]:
        """The encodings. Raises Cancelled soon after `cancelled` answered true."""
        network, found = self._weights.network(), dict[str, Array]()
        for rows, clouds in _of_one_size(inputs):
            _check(cancelled)
            encoded = network.encode(
                *(torch.from_numpy(clouds[name]) for name in ("points", *COLOURS) if name in clouds)
            )
            for name, of in zip(ENCODED, (encoded.embedding, encoded.tokens, encoded.centres), strict=True):
                found.setdefault(name, np.empty((len(inputs["points"]), *of.shape[1:]), np.float32))[rows] = of
        return found


class CompleteModel(_OfWeights):
    """Clouds seen from one side to points that they lack."""

    name = COMPLETE
    outputs: Mapping[str, TensorSpec] = {"added": TensorSpec("float32", ("B", "M", 3))}

    def predict(self, inputs: Mapping[str, Array], *, cancelled: CancelCheck, progress: Progress) -> dict[str, Array]:
        """The points. Raises Cancelled soon after `cancelled` answered true."""
        network, added = self._weights.network(), dict[int, Array]()
        for rows, clouds in _of_one_size(inputs):
            _check(cancelled)
            whole = network.completed(torch.from_numpy(clouds["points"])).numpy()
            added |= zip(rows.tolist(), whole[:, clouds["points"].shape[1] :], strict=True)
        return {"added": np.stack([added[row] for row in range(len(added))])}


class UnmaskModel(_OfWeights):
    """Clouds most of whose patches are hidden, to what `mmpt` expects at these."""

    name = UNMASK
    inputs: Mapping[str, TensorSpec] = {**CLOUDS, "seed": TensorSpec("uint64", ("B",))}
    outputs: Mapping[str, TensorSpec] = {
        "visible": TensorSpec("float32", ("B", "V", 3)),
        "added": TensorSpec("float32", ("B", "M", 3)),
    }

    @torch.inference_mode()
    def predict(self, inputs: Mapping[str, Array], *, cancelled: CancelCheck, progress: Progress) -> dict[str, Array]:
        """Points of visible patches and of hidden ones. Raises Cancelled soon after `cancelled` answered true."""
        network, answers = self._weights.network(), []
        for points, present, seed in zip(inputs["points"], inputs["present"], inputs["seed"], strict=True):
            _check(cancelled)
            cut = grouped(points[present][None], network.spec.groups, network.spec.group_size)
            patches, centres = torch.from_numpy(cut.points), torch.from_numpy(cut.centres)
            (shown,), (hidden,) = scattered(1, len(centres[0]), torch.Generator().manual_seed(int(seed)))
            told = network.rebuilt(patches[:, shown], centres[:, shown], centres[:, hidden])
            parts = ((patches[0, shown], centres[0, shown]), (told[0], centres[0, hidden]))
            answers.append([(around + middle[:, None]).flatten(0, 1).numpy() for around, middle in parts])
        return {name: np.stack(of) for name, of in zip(self.outputs, zip(*answers, strict=True), strict=True)}


class DetectModel(_OfWeights):
    """One scene in metres to boxes."""

    name = DETECT
    inputs: Mapping[str, TensorSpec] = {
        "points": TensorSpec("float32", ("N", 3), unit="m"),
        "colours": TensorSpec("uint8", ("N", 3)),
    }
    outputs = BOXES

    def example(self, random: np.random.Generator) -> dict[str, Array]:
        """A room full of coloured points."""
        count = self._weights.shape.points
        return {
            "points": random.uniform([0, 0, 0], [5, 4, 3], (count, 3)).astype(np.float32),
            "colours": random.integers(256, size=(count, 3), dtype=np.uint8),
        }

    def predict(self, inputs: Mapping[str, Array], *, cancelled: CancelCheck, progress: Progress) -> dict[str, Array]:
        """The boxes. Raises Cancelled where `cancelled` answers true."""
        _check(cancelled)
        (found,) = self._weights.network().detect(inputs["points"][None], inputs["colours"][None])
        boxes = np.column_stack([found.boxes.centres, found.boxes.sizes, found.boxes.yaw])
        return {
            "boxes": boxes.astype(np.float32),
            "classes": found.classes.astype(np.int64),
            "scores": found.scores.astype(np.float32),
        }


def encode_model(name: str) -> str:
    """Name of the model that encodes by these weights."""
    return f"pointcloud_encode_{name}"


def weights_files(folder: Path) -> Weights:
    """The weights files of a folder by their names; none is opened yet."""
    return {name: WeightsFile(folder / f"{name}.safetensors", load) for name, load in FILES.items()}


def models(files: Weights) -> list[Model]:
    """What a predictor runs of them."""
    return [
        *(EncodeModel(name, files[name]) for name in ENCODERS),
        CompleteModel(files["completion"]),
        UnmaskModel(files["mmpt"]),
        DetectModel(files["detector"]),
    ]


def installed() -> list[Model]:
    """The models as the settings make them."""
    return models(weights_files(load(PointCloudSettings).pointcloud_weights))


def _of_one_size(inputs: Mapping[str, Array]) -> Iterator[tuple[Array, dict[str, Array]]]:
    """The rows of clouds with the same number of points, and these clouds without what fills them up."""
    counts = inputs["present"].sum(1)
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        yield rows, {name: inputs[name][rows, :count] for name in inputs if name != "present"}


def _check(cancelled: CancelCheck) -> None:
    if cancelled():
        raise Cancelled("cancelled while a model ran")
