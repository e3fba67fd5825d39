"""Between the wire and the domain: what a fit and a frame take of a request, and what is told of what was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from importlib.metadata import version
from typing import Any

import numpy as np

from tellurion.common.v1 import tensor_pb2
from tellurion.splat.v1 import splat_pb2
from tellurion_core.errors import InvalidInput
from tellurion_core.tensors import INLINE_BYTES, TensorReader, TensorSpec
from tellurion_splat.evaluation import DEPTH, TRANSMITTED, Evaluation, ViewScores
from tellurion_splat.fit import Fitted
from tellurion_splat.spec import FitSpec
from tellurion_splatting.gaussians import Gaussians
from tellurion_splatting.scenes import Cameras, Scene

DEFAULTS = FitSpec()
"""What a fit is that leaves all open."""
REFLECTIVE_ONLY = ("clean_folder", "reflected_sh_degree")
"""Fields of a fit that a mode without a reflection does not take; nor does it take a variant that is not the first."""
SUFFIXES: Mapping[splat_pb2.ModelFormat.ValueType, str] = {
    splat_pb2.MODEL_FORMAT_PLY: ".ply",
    splat_pb2.MODEL_FORMAT_SPLAT: ".splat",
    splat_pb2.MODEL_FORMAT_SPZ: ".spz",
    splat_pb2.MODEL_FORMAT_SOG: ".sog",
}
"""Of the files of models, by their format."""
MATRICES = {
    "viewmats": TensorSpec("float64", ("C", 4, 4)),
    "intrinsics": TensorSpec("float64", ("C", 3, 3), unit="pixel"),
}
"""What cameras are given by."""
SCORES = tuple(field.name for field in fields(ViewScores) if field.name != "name")
"""Of a view."""
UNAVAILABLE: Mapping[str, str] = {
    "lpips": "the package lpips and its network's weights are not on this machine, or images are too small for it",
    "transmitted_psnr": f"not every view that was held out has an image in the scene's folder {TRANSMITTED}",
    "plain_psnr": f"not every view that was held out has an image in the scene's folder {TRANSMITTED}",
    "depth_error": f"not every view that was held out has an image in the scene's folder {DEPTH}",
}
"""Why a score may not be there."""


def name_of(enum: Any, value: int, field: str) -> str:
    """What is left of an enum value's name, in lower case; the first one that is not 0 where it is unspecified.

    Raises InvalidInput naming the field where the enum has no such value: it came from a newer caller.
    """
    names = enum.keys()
    prefix = names[0].removesuffix("UNSPECIFIED")
    if value not in enum.values():
        received, accepted = f"{value} of {enum.DESCRIPTOR.name}", ", ".join(names[1:])
        raise InvalidInput.of(field, received=received, accepted=accepted)
    return enum.Name(value or 1).removeprefix(prefix).lower().replace("_", "-")


def resolved(spec: splat_pb2.FitSpec) -> splat_pb2.FitSpec:
    """The same with what it left open. Raises InvalidInput for what its mode does not take."""
    known = splat_pb2.FitSpec()
    known.CopyFrom(spec)
    known.mode = spec.mode or splat_pb2.MODE_REF_UNLOCK
    known.variant = spec.variant or splat_pb2.VARIANT_VIRTUAL
    known.iterations = spec.iterations or DEFAULTS.iterations
    known.max_gaussians = spec.max_gaussians or DEFAULTS.max_gaussians
    if not spec.HasField("sh_degree"):
        known.sh_degree = DEFAULTS.sh_degree
    if known.mode != splat_pb2.MODE_3DGS:
        if not spec.HasField("reflected_sh_degree"):
            known.reflected_sh_degree = DEFAULTS.reflected_sh_degree
        return known
    given = {field.name: value for field, value in spec.ListFields() if field.name in REFLECTIVE_ONLY}
    if known.variant != splat_pb2.VARIANT_VIRTUAL:
        given["variant"] = name_of(splat_pb2.Variant, known.variant, "variant")
    if given:
        name, value = next(iter(given.items()))
        raise InvalidInput.of(name, received=value, accepted="none in mode 3dgs, which has no reflection")
    return known


def fit_spec(known: splat_pb2.FitSpec) -> FitSpec:
    """What a fit is asked for, of a specification that leaves nothing open. Raises InvalidInput."""
    return FitSpec(
        mode=name_of(splat_pb2.Mode, known.mode, "mode"),
        variant=name_of(splat_pb2.Variant, known.variant, "variant"),
        iterations=known.iterations,
        seed=known.seed,
        max_gaussians=known.max_gaussians,
        sh_degree=known.sh_degree,
        reflected_sh_degree=known.reflected_sh_degree,
        clean_folder=known.clean_folder,
        depth_folder=known.depth_folder,
        hold_out=not known.all_views,
    )


def fit_report(spec: splat_pb2.FitSpec, fitted: Fitted, *, model: str, preview: str) -> splat_pb2.FitReport:
    """What came of a fit whose specification left nothing open, of which model and preview are stored."""
    report = splat_pb2.FitReport(
        spec=spec,
        model=model,
        preview=preview,
        gaussians=len(fitted.gaussians),
        seconds=fitted.seconds,
        losses=fitted.losses,
        version=version("tellurion-splat"),
    )
    if fitted.evaluation.views:
        report.psnr_held_out = fitted.evaluation.mean("psnr")
    return report


def cameras_of(arrays: splat_pb2.CameraArrays) -> Cameras:
    """Cameras that came as matrices. Raises InvalidInput where they cannot be used, DataCorrupted where damaged."""
    reader = TensorReader(2 * INLINE_BYTES, MATRICES)
    for tensor in (arrays.viewmats, arrays.intrinsics):
        reader.feed(tensor_pb2.TensorPart(inline=tensor))
    matrices = reader.finish()
    count = len(matrices["viewmats"])
    names = list(arrays.names) or [f"{index:06d}" for index in range(count)]
    if len(names) != count:
        raise InvalidInput.of("cameras.names", received=f"{len(names)} names", accepted=f"{count}, or none")
    return Cameras(tuple(names), matrices["viewmats"], matrices["intrinsics"], arrays.width, arrays.height)


def check_colour(field: str, values: list[float]) -> list[float]:
    """Red, green and blue, or none. Raises InvalidInput for another number of them."""
    if len(values) not in (0, 3):
        raise InvalidInput.of(field, received=f"{len(values)} numbers", accepted="red, green and blue, or none")
    return values


def evaluate_report(evaluation: Evaluation) -> splat_pb2.EvaluateReport:
    """Scores on the wire; infinite ones, of images that are equal, stay so."""
    report = splat_pb2.EvaluateReport()
    for name in SCORES:
        if (mean := evaluation.mean(name)) is not None:
            setattr(report.mean, name, mean)
        for view in evaluation.views:
            if (score := getattr(view, name)) is not None:
                setattr(report.views[view.name], name, score)
    for name, reason in UNAVAILABLE.items():
        if not report.mean.HasField(name):
            report.unavailable[name] = reason
    return report


def model_description(gaussians: Gaussians) -> splat_pb2.ModelDescription:
    """What a model is."""
    reflection = gaussians.reflection
    described = splat_pb2.ModelDescription(
        gaussians=len(gaussians),
        sh_degree=gaussians.degree,
        reflective=reflection is not None,
        reflected_sh_degree=0 if reflection is None else reflection.degree,
    )
    if len(gaussians):
        described.least.extend(gaussians.means.min(axis=0).tolist())
        described.greatest.extend(gaussians.means.max(axis=0).tolist())
    return described


def scene_description(scene: Scene) -> splat_pb2.SceneDescription:
    """What a scene is."""
    views, width_height = scene.cameras.names, scene.size
    return splat_pb2.SceneDescription(
        views=views,
        held_out=[views[row] for row in np.flatnonzero(scene.held_out)],
        width=width_height[0],
        height=width_height[1],
        points=len(scene.points),
        folders=_folders(scene),
    )


def _folders(scene: Scene) -> Iterator[str]:
    """Those with an image of some view, beside the photographs' own."""
    of_photographs = {path.parent for path in scene.images}
    for path in sorted(scene.root.iterdir()):
        if path.is_dir() and path.resolve() not in of_photographs:
            with suppress(InvalidInput):
                scene.folder(path.name)
                yield path.name
