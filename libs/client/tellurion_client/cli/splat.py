"""`tellurion splat …`: scenes as Gaussians, with and without their reflections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, connected

if TYPE_CHECKING:
    from tellurion_client.splat_frames import Frame
    from tellurion_client.splat_operation import FitOperation
    from tellurion_client.splat_options import FitOptions

NAME = "splat/operations/3f2a9c1e5b7d4f60a8e1c2d3b4a59687"

app = typer.Typer(
    name="splat",
    no_args_is_help=True,
    help="Fit scenes behind glass or with a mirror, and show them with and without the reflection.",
    epilog="Example: tellurion splat fit SCENE_DIR -o scene.ply --mode ref-unlock --iterations 3000",
)

ModelArgument = Annotated[
    Path, typer.Argument(metavar="SCENE.ply", help="Gaussians: .ply, .splat, .spz or .sog.", show_default=False)
]
SceneArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SCENE_DIR",
        help="Folder with transforms.json (nerfstudio) or sparse/0 (COLMAP), and images.",
        show_default=False,
    ),
]
PlyOption = Annotated[Path, typer.Option("-o", "--output", metavar="SCENE.ply", help="File to write.")]
CamerasOption = Annotated[
    Path, typer.Option(metavar="transforms.json", help="Cameras, as nerfstudio has them; their images are not needed.")
]
FramesOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for a file of each camera, by its name.")
]
FormatOption = Annotated[str, typer.Option("--format", help="png, exr or npy.")]
BackgroundOption = Annotated[
    tuple[float, float, float], typer.Option(metavar="R G B", help="Behind the scene, each 0 to 1.")
]


@app.command(
    epilog="Example: tellurion splat fit SCENE_DIR -o scene.ply --mode ref-unlock --clean-folder clean "
    "--depth-folder mono --iterations 3000 --seed 1 --json"
)
def fit(
    scene: SceneArgument,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="SCENE.ply", help="File to write; --detach needs none."),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="ref-unlock, or 3dgs: plain Gaussians, without a reflection.")
    ] = "ref-unlock",
    variant: Annotated[
        str,
        typer.Option(help="virtual; fixed: the published method; or released: with the defects of its release."),
    ] = "virtual",
    iterations: Annotated[int, typer.Option(metavar="N", help="Steps, 1 to 100000.")] = 30_000,
    seed: Annotated[int, typer.Option(metavar="S", help="Seed; the same seed and scene give the same model.")] = 0,
    max_gaussians: Annotated[int, typer.Option(metavar="N", help="Most Gaussians.")] = 100_000,
    sh_degree: Annotated[
        int, typer.Option(metavar="D", help="Degree of the colours' spherical harmonics, 0 to 5.")
    ] = 3,
    reflected_sh_degree: Annotated[
        int | None, typer.Option(metavar="D", help="The same of the reflected colours; 3 if not given.")
    ] = None,
    clean_folder: Annotated[
        str, typer.Option(metavar="NAME", help="Folder in SCENE_DIR of images without their reflection.")
    ] = "",
    depth_folder: Annotated[
        str, typer.Option(metavar="NAME", help="Folder in SCENE_DIR of inverse depths, up to scale and shift.")
    ] = "",
    all_views: Annotated[
        bool, typer.Option("--all-views", help="Train on all views; else every eighth is held out and scored.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Submit it to a running platform and return; `fetch` gets the model.")
    ] = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit Gaussians to photographs of a scene, and tell its reflection apart.

    Images without their reflection and depths, where they are known, have the names of the photographs. It takes
    minutes to hours. Ctrl-C ends the waiting, not the work on a running platform, where it goes on from its last
    checkpoint whatever is killed; without one, `fetch` goes on with it.
    """
    from tellurion_client.cli import display
    from tellurion_client.cli.outputs import Output
    from tellurion_client.splat_options import fit_spec
    from tellurion_core.errors import InvalidInput

    options: FitOptions = {
        "mode": mode,
        "variant": variant,
        "iterations": iterations,
        "seed": seed,
        "max_gaussians": max_gaussians,
        "sh_degree": sh_degree,
        "reflected_sh_degree": reflected_sh_degree,
        "clean_folder": clean_folder,
        "depth_folder": depth_folder,
        "all_views": all_views,
    }
    fit_spec(options)
    if output is not None:
        _check_ply(output)
        Output(output, None).check()
    elif not detach:
        raise InvalidInput.of("output", received="nothing", accepted="a file to write")
    with connected(state) as client:
        if detach and not client.lasting:
            accepted = "it on a running platform (`tellurion up`): without one the work stops with this command"
            raise InvalidInput.of("detach", received="it, and nothing runs", accepted=accepted)
        operation = client.splat.submit(scene, **options)
        if output is not None and not detach:
            display.note(f"the fit is {operation.name}")
            _write(operation, output, timeout=None, state=state, lasting=client.lasting, as_json=as_json)
        elif as_json:
            display.json_line({"operation": operation.name, "mode": mode})
        else:
            display.line(f"{operation.name}: {mode}; `{_fetch_command(operation.name, output, state)}` fetches it")


@app.command(epilog=f"Example: tellurion splat fetch {NAME} -o scene.ply")
def fetch(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the operation: splat/operations/<id>.", show_default=False)
    ],
    output: PlyOption,
    timeout: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds to wait at most; the work goes on after them.")
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the model of a fit that was submitted, once it is done.

    Ctrl-C ends the waiting, not the work on a running platform; without one, the next `fetch` goes on with it.
    """
    from tellurion_client.cli.outputs import Output
    from tellurion_client.options import check_timeout

    _check_ply(output)
    Output(output, None).check()
    check_timeout(timeout)
    with connected(state) as client:
        operation = client.splat.operation(name)
        _write(operation, output, timeout=timeout, state=state, lasting=client.lasting, as_json=as_json)


@app.command(
    epilog="Example: tellurion splat render scene.ply --cameras SCENE_DIR/transforms.json --component transmitted "
    "-o frames"
)
def render(
    model: ModelArgument,
    cameras: CamerasOption,
    output: FramesOption,
    component: Annotated[
        str, typer.Option(help="all, transmitted, reflected, depth, weight (of the reflection) or normal.")
    ] = "all",
    form: FormatOption = "png",
    background: BackgroundOption = (0.0, 0.0, 0.0),
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render a scene, or a component of it, from each of some cameras.

    PNG of depth and normals are pictures: white is nearest, and a normal n is (n + 1) / 2. EXR and NPY hold 32-bit
    floats. A scene without Gaussians is its background. Each frame is there whole or not at all.
    """
    from tellurion_client.splat_options import render_request

    render_request(component=component, form=form, background=background)
    _check_folder(output)
    with connected(state) as client:
        frames = client.splat.render(model, cameras, component=component, form=form, background=background)
        _write_frames(frames, output, {"component": component, "format": form}, as_json=as_json)


@app.command(
    epilog="Example: tellurion splat edit scene.ply --mask-dir masks --reflection 0.1 "
    "--cameras SCENE_DIR/transforms.json -o edited"
)
def edit(
    model: ModelArgument,
    cameras: CamerasOption,
    output: FramesOption,
    mask_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Images named as the cameras: white is edited. Everywhere if not given."),
    ] = None,
    reflection: Annotated[
        float, typer.Option(metavar="F", help="Factor of the reflection, 0 to 4: 0 removes it.")
    ] = 0.1,
    tint: Annotated[
        tuple[float, float, float], typer.Option(metavar="R G B", help="Factors of its colours, each 0 to 1.")
    ] = (1.0, 1.0, 1.0),
    form: FormatOption = "png",
    background: BackgroundOption = (0.0, 0.0, 0.0),
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render a scene whose reflection is removed, dimmed, strengthened or coloured, where masks say so."""
    from tellurion_client.splat_options import edit_request

    edit_request(reflection=reflection, tint=tint, form=form, background=background)
    _check_folder(output)
    with connected(state) as client:
        frames = client.splat.edit(
            model, cameras, masks=mask_dir, reflection=reflection, tint=tint, form=form, background=background
        )
        _write_frames(frames, output, {"reflection": reflection, "tint": tint, "format": form}, as_json=as_json)


@app.command(epilog="Example: tellurion splat evaluate scene.ply SCENE_DIR --json")
def evaluate(
    model: ModelArgument,
    scene: SceneArgument,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a model on every eighth view of a scene, those that a fit holds out.

    PSNR (dB) and SSIM of the image; where SCENE_DIR has `transmitted`, PSNR of the transmitted component against that,
    and of the whole image for comparison; where it has `depth`, the mean error of the inverse depth.
    """
    from dataclasses import asdict

    from tellurion_client.cli import display

    with connected(state) as client, display.progress("evaluating") as progress:
        scores = client.splat.evaluate(model, scene, progress=progress)
    if as_json:
        views = {name: asdict(of) for name, of in scores.views.items()}
        display.json_line(asdict(scores.mean) | {"views": views, "unavailable": scores.unavailable})
    else:
        told = (f"{name} {value:.4g}" for name, value in asdict(scores.mean).items() if value is not None)
        display.line(f"{model} on {len(scores.views)} views of {scene}: {', '.join(told)}")


@app.command(epilog="Example: tellurion splat convert scene.ply scene.spz --transmitted")
def convert(
    model: ModelArgument,
    output: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="File to write: .ply, .splat, .spz or .sog.", show_default=False),
    ],
    transmitted: Annotated[
        bool, typer.Option("--transmitted", help="Leave the reflection out, for which .ply alone has a place.")
    ] = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write Gaussians in another format, axes and encodings as each has them."""
    from dataclasses import asdict

    from tellurion_client.cli import display
    from tellurion_client.cli.outputs import Output
    from tellurion_client.splat_options import convert_request

    convert_request(output, transmitted=transmitted)
    Output(output, None).check([model])
    with connected(state) as client:
        done = client.splat.convert(model, output, transmitted=transmitted)
    if as_json:
        display.json_line({"output": str(output), **asdict(done)})
    else:
        display.line(f"{output}: {done.gaussians} Gaussians of degree {done.sh_degree}, {done.total_bytes} bytes")


def _write(
    operation: FitOperation,
    output: Path,
    *,
    timeout: float | None,
    state: Path | None,
    lasting: bool,
    as_json: bool,
) -> None:
    """Waits for a fit, writes its model and tells of it."""
    from tellurion_client.cli import display
    from tellurion_client.cli.waiting import going_on
    from tellurion_client.splat_options import mode_and_variant

    fetches = {operation.name: _fetch_command(operation.name, output, state)}
    with going_on(fetches, state=state, lasting=lasting), display.progress("fit") as progress:
        report = operation.awaited(output, progress=progress, timeout=timeout)
    psnr = report.psnr_held_out
    if as_json:
        display.json_line(
            {
                "output": str(output),
                "operation": operation.name,
                **mode_and_variant(report.spec),
                "iterations": report.spec.iterations,
                "seed": report.spec.seed,
                "gaussians": report.gaussians,
                "psnr_held_out": psnr,
                "seconds": report.seconds,
                "losses": report.losses,
                "sha256": report.model,
                "version": report.version,
            }
        )
    else:
        held_out = "" if psnr is None else f", PSNR of held-out views {psnr:.2f} dB"
        display.line(f"{output}: {report.gaussians} Gaussians in {report.seconds:.0f} s{held_out}")


def _write_frames(frames: Iterator[Frame], folder: Path, about: dict[str, object], *, as_json: bool) -> None:
    """Writes frames as they come, and tells how many there were."""
    from tellurion_client.cli import display

    count = 0
    with display.progress("rendering") as progress:
        for frame in frames:
            folder.mkdir(exist_ok=True)
            frame.write(folder)
            count += 1
            if progress is not None:
                progress(count / frame.count, f"{count} of {frame.count}")
    if as_json:
        display.json_line({"output": str(folder), "frames": count, **about})
    else:
        display.line(f"{folder}: {count} frames")


def _check_ply(output: Path) -> None:
    from tellurion_core.errors import InvalidInput

    if output.suffix.lower() != ".ply":
        raise InvalidInput.of("output", received=str(output), accepted="a file named .ply; `convert` makes the others")


def _check_folder(folder: Path) -> None:
    """Raises InvalidInput unless frames can be written into it, or it can be made."""
    from tempfile import TemporaryDirectory

    from tellurion_core.errors import InvalidInput

    try:
        with TemporaryDirectory(prefix=".tellurion-", dir=folder if folder.exists() else folder.parent):
            pass
    except OSError as error:
        missing = f"no folder {folder.parent}" if not folder.parent.exists() else f"{error.strerror}: {folder}"
        accepted = "a folder that can be written, or a new one in such"
        raise InvalidInput.of("output", received=missing, accepted=accepted) from error


def _fetch_command(name: str, output: Path | None, state: Path | None) -> str:
    from tellurion_client.cli.waiting import command

    return command("splat", "fetch", name, "-o", str(output or "SCENE.ply"), state=state)
