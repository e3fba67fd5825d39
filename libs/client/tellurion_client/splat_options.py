"""What is asked of the splat service, checked as far as this side knows the rules: those of the contract itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from google.protobuf.message import Message

from tellurion.splat.v1 import splat_pb2
from tellurion_client.options import check_seed
from tellurion_core.errors import InvalidInput
from tellurion_core.fields import validate

SUFFIXES: Mapping[str, splat_pb2.ModelFormat.ValueType] = {
    ".ply": splat_pb2.MODEL_FORMAT_PLY,
    ".splat": splat_pb2.MODEL_FORMAT_SPLAT,
    ".spz": splat_pb2.MODEL_FORMAT_SPZ,
    ".sog": splat_pb2.MODEL_FORMAT_SOG,
}
"""Suffixes of model files, and what each is written in."""
REFLECTIVE_ONLY = ("variant", "reflected_sh_degree", "clean_folder")
"""Options of a fit that a mode without a reflection does not take."""
NO_SUM = "0" * 64
"""Stands for a SHA-256 that is not known yet."""
NO_CAMERAS = splat_pb2.Cameras(transforms=NO_SUM)

M = TypeVar("M", bound=Message)


class FitOptions(TypedDict, total=False):
    """Options of a fit; those that are None or empty are left to the service."""

    mode: str
    """`ref-unlock`, or `3dgs` for plain Gaussians without a reflection; the first where none is named."""
    variant: str
    """`virtual`: reflections begin as virtual images behind surfaces; `fixed`: the published method; `released`: with
    the defects of its release. The first where none is named."""
    iterations: int | None
    """Steps of the optimisation; 30 000."""
    seed: int
    """Of all that is random."""
    max_gaussians: int | None
    """Most Gaussians; 100 000."""
    sh_degree: int | None
    """Degree of the spherical harmonics of the colour, 0 to 5; 3."""
    reflected_sh_degree: int | None
    """Degree of those of the reflected colour; 3."""
    clean_folder: str
    """Folder of the scene with its images without their reflection."""
    depth_folder: str
    """Folder of the scene with a depth for each image, up to scale and shift of its inverse."""
    all_views: bool
    """Whether all views train; else every eighth is held out, and scored."""


def fit_spec(options: FitOptions) -> splat_pb2.FitSpec:
    """The fit that is asked for, of a scene that is not known yet.

    Raises:
        InvalidInput: an option that no fit can have, or that its mode does not take.
    """
    check_seed(options.get("seed", 0))
    for name, value in options.items():
        if name not in FitOptions.__annotations__:
            accepted = ", ".join(FitOptions.__annotations__)
            raise InvalidInput.of(name, received=value, accepted=f"none of this name; there are {accepted}")
    asked: dict[str, Any] = {name: value for name, value in options.items() if value not in (None, "")}
    mode = _member(splat_pb2.Mode, "mode", asked.pop("mode", "ref-unlock"))
    variant = _member(splat_pb2.Variant, "variant", asked.get("variant", "virtual"))
    if variant == splat_pb2.VARIANT_VIRTUAL:
        asked.pop("variant", None)
    if mode == splat_pb2.MODE_3DGS:
        for name in REFLECTIVE_ONLY:
            if name in asked:
                raise InvalidInput.of(name, received=asked[name], accepted="none, except with ref-unlock")
    for name in ("iterations", "max_gaussians"):
        if asked.get(name) == 0:  # on the wire it is none
            raise InvalidInput.of(name, received=0, accepted="at least 1")
    return _filled(splat_pb2.FitSpec(scene=NO_SUM), asked | {"mode": mode, "variant": variant})


def render_request(*, component: str, form: str, background: Sequence[float]) -> splat_pb2.RenderRequest:
    """What is asked for with frames, of a model and cameras that are not known yet.

    Raises:
        InvalidInput: naming what cannot be used.
    """
    request = splat_pb2.RenderRequest(model=NO_SUM, cameras=NO_CAMERAS, background=_colour("background", background))
    shown = {"component": _member(splat_pb2.Component, "component", component), "format": _format(form)}
    return _filled(request, shown)


def edit_request(
    *, reflection: float, tint: Sequence[float], form: str, background: Sequence[float]
) -> splat_pb2.EditRequest:
    """The same of an edited scene. Raises likewise."""
    request = splat_pb2.EditRequest(
        model=NO_SUM,
        cameras=NO_CAMERAS,
        tint=_colour("tint", tint),
        background=_colour("background", background),
    )
    return _filled(request, {"reflection": reflection, "format": _format(form)})


def convert_request(output: Path, *, transmitted: bool) -> splat_pb2.ConvertRequest:
    """A model that is not known yet, in the format of a file. Raises InvalidInput where its suffix is of none."""
    check_model_suffix("output", output)
    form = SUFFIXES[output.suffix.lower()]
    return _filled(splat_pb2.ConvertRequest(model=NO_SUM, format=form), {"transmitted": transmitted})


def check_model_suffix(field: str, path: Path) -> None:
    """Raises InvalidInput unless a model's file can have this name."""
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidInput.of(field, received=str(path), accepted=f"a file named {', '.join(SUFFIXES)}")


def _format(name: str) -> splat_pb2.FrameFormat.ValueType:
    value: splat_pb2.FrameFormat.ValueType = _member(splat_pb2.FrameFormat, "format", name)
    return value


def _colour(field: str, values: Sequence[float]) -> list[float]:
    """Red, green and blue. Raises InvalidInput unless they are three numbers."""
    try:
        red, green, blue = map(float, values)
    except (TypeError, ValueError):
        raise InvalidInput.of(field, received=values, accepted="three numbers: red, green, blue") from None
    return [red, green, blue]


def _filled(message: M, values: Mapping[str, Any]) -> M:
    """The message with these fields, which its rules admit. Raises InvalidInput."""
    for name, value in values.items():
        try:
            setattr(message, name, value)
        except (TypeError, ValueError):
            kind = message.DESCRIPTOR.fields_by_name[name]
            accepted = "text" if kind.cpp_type == kind.CPPTYPE_STRING else "a number within the field's range"
            raise InvalidInput.of(name, received=repr(value), accepted=accepted) from None
    validate(message)
    return message


def mode_and_variant(spec: splat_pb2.FitSpec) -> dict[str, str | None]:
    """Their names, as `FitOptions` has them; None where a newer service names another."""
    enums = {"mode": splat_pb2.Mode, "variant": splat_pb2.Variant}
    return {field: _names(enum).get(getattr(spec, field)) for field, enum in enums.items()}


def _names(enum: Any) -> dict[int, str]:
    """What is left of the names of an enum's values: `MODE_REF_UNLOCK` is `ref-unlock`."""
    prefix = enum.keys()[0].removesuffix("UNSPECIFIED")
    return {value: key.removeprefix(prefix).lower().replace("_", "-") for key, value in enum.items() if value}


def _member(enum: Any, field: str, name: str) -> Any:
    """The value of an enum by its name in `_names`."""
    members = {name: value for value, name in _names(enum).items()}
    if name not in members:
        raise InvalidInput.of(field, received=name or "nothing", accepted=", ".join(members))
    return members[name]
