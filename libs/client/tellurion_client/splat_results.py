"""What the splat service tells: of fits, scores, models and scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tellurion.splat.v1 import splat_pb2


@dataclass(frozen=True)
class FitReport:
    """What came of a fit."""

    model: str
    """SHA-256 of the model, a PLY."""
    preview: str
    """SHA-256 of a picture of the scene's first view, which is held out unless all train: a PNG."""
    gaussians: int
    """Gaussians of the model."""
    psnr_held_out: float | None
    """Mean peak signal-to-noise ratio of the held-out views, dB; None where all train."""
    seconds: float
    """Time that the fit took."""
    losses: Mapping[str, float]
    """Terms of the loss at the last step, by name."""
    spec: splat_pb2.FitSpec
    """What was fitted, with what was used where it left something open."""
    version: str
    """Version of the software that fitted it."""

    @classmethod
    def of(cls, wire: splat_pb2.FitReport) -> FitReport:
        """From the wire."""
        return cls(
            wire.model,
            wire.preview,
            wire.gaussians,
            wire.psnr_held_out if wire.HasField("psnr_held_out") else None,
            wire.seconds,
            dict(sorted(wire.losses.items())),
            wire.spec,
            wire.version,
        )


@dataclass(frozen=True)
class ViewScores:
    """Scores of rendered images; None where one cannot be had."""

    psnr: float | None
    """Peak signal-to-noise ratio of the whole picture, dB."""
    ssim: float | None
    """Structural similarity, window 11, σ 1.5."""
    lpips: float | None
    """Learned perceptual distance."""
    transmitted_psnr: float | None
    """PSNR of the transmitted component against the scene's `transmitted`, dB."""
    plain_psnr: float | None
    """PSNR of the whole picture against the same: what it would be if reflections were not told apart, dB."""
    depth_error: float | None
    """Mean absolute error of the inverse depth against the scene's `depth`, over one unit of its lengths."""

    @classmethod
    def of(cls, wire: splat_pb2.ViewScores) -> ViewScores:
        """From the wire."""
        names = cls.__dataclass_fields__
        return cls(**{name: getattr(wire, name) if wire.HasField(name) else None for name in names})  # type: ignore[arg-type]


@dataclass(frozen=True)
class SceneScores:
    """How well a model shows the held-out views of a scene."""

    mean: ViewScores
    """Means over the views."""
    views: Mapping[str, ViewScores]
    """Of each view, by its name."""
    unavailable: Mapping[str, str]
    """What could not be computed, with the reason."""

    @classmethod
    def of(cls, wire: splat_pb2.EvaluateReport) -> SceneScores:
        """From the wire."""
        views = {name: ViewScores.of(scores) for name, scores in sorted(wire.views.items())}
        return cls(ViewScores.of(wire.mean), views, dict(sorted(wire.unavailable.items())))


@dataclass(frozen=True)
class Conversion:
    """A model in another format."""

    model: str
    """SHA-256 of its file."""
    total_bytes: int
    """Size of its file."""
    gaussians: int
    """Gaussians in it."""
    sh_degree: int
    """Degree of the spherical harmonics of its colour, as far as the format has place for them."""

    @classmethod
    def of(cls, wire: splat_pb2.ConvertResponse) -> Conversion:
        """From the wire."""
        return cls(wire.model, wire.total_bytes, wire.gaussians, wire.sh_degree)


@dataclass(frozen=True)
class ModelDescription:
    """A set of Gaussians."""

    gaussians: int
    """How many there are."""
    sh_degree: int
    """Degree of the spherical harmonics of the colour."""
    reflected_sh_degree: int | None
    """Degree of those of the reflected colour; None without a reflection."""
    least: tuple[float, ...]
    """Least x, y and z of the centres; empty without Gaussians."""
    greatest: tuple[float, ...]
    """Greatest x, y and z of the centres."""

    @classmethod
    def of(cls, wire: splat_pb2.ModelDescription) -> ModelDescription:
        """From the wire."""
        reflected = wire.reflected_sh_degree if wire.reflective else None
        return cls(wire.gaussians, wire.sh_degree, reflected, tuple(wire.least), tuple(wire.greatest))


@dataclass(frozen=True)
class SceneDescription:
    """Photographs with their cameras."""

    views: tuple[str, ...]
    """Names of the views, in order."""
    held_out: tuple[str, ...]
    """Those of them that a fit holds out."""
    width: int
    """Pixels in a row."""
    height: int
    """Rows."""
    points: int
    """Points that a fit begins with."""
    folders: tuple[str, ...]
    """Folders with an image for some view, beside the images themselves."""

    @classmethod
    def of(cls, wire: splat_pb2.SceneDescription) -> SceneDescription:
        """From the wire."""
        views, held_out, folders = tuple(wire.views), tuple(wire.held_out), tuple(wire.folders)
        return cls(views, held_out, wire.width, wire.height, wire.points, folders)
