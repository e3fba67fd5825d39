"""`tellurion pointcloud …`: clouds of points encoded, completed and classified, objects found in scenes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tellurion_client.cli.platform import JsonOption, StateOption, connected

if TYPE_CHECKING:
    from tellurion_client.pointcloud_results import CloudEncoding

app = typer.Typer(
    name="pointcloud",
    no_args_is_help=True,
    help="Encode, complete and classify clouds of points, and find objects in scenes, without labelling anything.",
    epilog="Example: tellurion pointcloud encode outcrop.laz -o encodings.npz",
)

CloudsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="IN...",
        help="Clouds, scans and meshes: .ply, .obj, .npy, .npz, .las, .laz or .e57.",
        show_default=False,
    ),
]
CloudArgument = Annotated[
    Path, typer.Argument(metavar="IN", help="A cloud or mesh, as for `encode`.", show_default=False)
]
ModelOption = Annotated[str, typer.Option(help="mmpt, of objects, or gaussian2scene, of scenes with z up.")]
PointsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Points that each cloud is sampled to, from the model's number of patches to 65536; its own if not given.",
    ),
]
SeedOption = Annotated[
    int, typer.Option(metavar="S", help="Seed of the points of meshes; the same seed and input give the same answer.")
]


@app.command(
    epilog="Example: tellurion pointcloud encode chairs/*.ply scan.laz -o encodings.npz --points 1024 --seed 1 --json"
)
def encode(
    clouds: CloudsArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.npz", help="File to write.")],
    model: ModelOption = "mmpt",
    points: PointsOption = None,
    seed: SeedOption = 0,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encode clouds: an embedding of each, and tokens of its patches.

    OUT.npz has `embedding [N, D]`, `tokens [N, G, C]`, `centers [N, G, 3]`, where the patches stand in the coordinates
    of the file, and `names [N]`. A scan that is too large for one cloud is encoded in tiles: scan#0000, scan#0001 and
    so on. The file is written whole, or not at all.
    """
    from tellurion_client.cli import display
    from tellurion_client.cli.outputs import Output
    from tellurion_client.clouds.reading import check_file
    from tellurion_client.pointcloud import check_encoding
    from tellurion_client.pointcloud_files import NamedClouds, check_suffix, write_encodings

    check_encoding(model, points, seed)
    for path in clouds:
        check_file(path)
    check_suffix(output, ".npz")
    Output(output, None).check(clouds)
    named = NamedClouds(clouds, seed)
    with connected(state) as client, display.progress("encoding") as progress:
        encodings: list[CloudEncoding] = []
        for encoding in client.pointcloud.encode(named, model=model, points=points, seed=seed):
            if progress is not None:
                progress(named.done[len(encodings)], named.names[len(encodings)])
            encodings.append(encoding)
    shapes = write_encodings(output, encodings, named.names)
    source = encodings[0].source
    if as_json:
        about = {"model": source.model, "points": points, "seed": seed, "weights_sha256": source.weights_sha256}
        counts = {"files": len(clouds), "clouds": len(encodings)}
        display.json_line({"output": str(output), **counts, **about, "version": source.version, **shapes})
    else:
        display.line(f"{output}: by {source.model}, {', '.join(f'{name} {shape}' for name, shape in shapes.items())}")


@app.command(epilog="Example: tellurion pointcloud complete half.ply -o whole.ply")
def complete(
    cloud: CloudArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.ply", help="File to write.")],
    seed: SeedOption = 0,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Complete an object of which one side was seen.

    OUT.ply has the points that were given, with their colours where they have some, then those that the model adds, in
    red where there are colours; the property `added` is 0 of the former and 1 of the latter.
    """
    from tellurion_client.cli import display
    from tellurion_client.cli.outputs import Output
    from tellurion_client.options import check_seed
    from tellurion_client.pointcloud import cloud_of
    from tellurion_client.pointcloud_files import check_suffix, write_completed

    check_seed(seed)
    check_suffix(output, ".ply")
    Output(output, None).check([cloud])
    given = cloud_of(cloud, seed=seed)
    with connected(state) as client:
        whole = client.pointcloud.complete(given)
    write_completed(output, given, whole.added)
    if as_json:
        counts = {"given": len(whole.given), "added": len(whole.added)}
        about = {"weights_sha256": whole.source.weights_sha256, "version": whole.source.version}
        display.json_line({"output": str(output), **counts, **about})
    else:
        display.line(f"{output}: {len(whole.given)} points of {cloud} and {len(whole.added)} added")


@app.command(epilog="Example: tellurion pointcloud classify --examples rocks unknown/*.ply --json")
def classify(
    clouds: CloudsArgument,
    examples: Annotated[
        Path, typer.Option(metavar="DIR", help="A folder with one of each class, which has a few clouds of it.")
    ],
    model: ModelOption = "mmpt",
    points: PointsOption = None,
    seed: SeedOption = 0,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify clouds from a few examples of each class.

    Probabilities are of the classes in DIR and add up to 1: a cloud of none of them is told to be one all the same.
    """
    from tellurion_client.cli import display
    from tellurion_client.clouds.reading import check_file
    from tellurion_client.pointcloud import check_encoding
    from tellurion_client.pointcloud_files import examples_of, names_of

    check_encoding(model, points, seed)
    for path in clouds:
        check_file(path)
    known, names = examples_of(examples), names_of(clouds)
    with connected(state) as client, display.progress("classifying") as progress:
        told: list[dict[str, float]] = []
        answers = client.pointcloud.classify(known, clouds, model=model, points=points, seed=seed)
        for name, probabilities in zip(names, answers, strict=True):
            told.append(probabilities)
            if progress is not None:
                progress(len(told) / len(clouds), name)
    best = [next(iter(probabilities)) for probabilities in told]
    if as_json:
        display.json_line(
            [
                {"name": name, "label": label, "probabilities": probabilities}
                for name, label, probabilities in zip(names, best, told, strict=True)
            ]
        )
    else:
        for name, label, probabilities in zip(names, best, told, strict=True):
            display.line(f"{name}: {label} {probabilities[label]:.2f}")


@app.command(epilog="Example: tellurion pointcloud detect room.ply -o boxes.json --min-score 0.5")
def detect(
    scene: Annotated[
        Path, typer.Argument(metavar="SCENE", help="A scene in metres with z up, as for `encode`.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="BOXES.json", help="File to write.")],
    min_score: Annotated[float, typer.Option(metavar="P", help="Least score of a box, 0 to 1.")] = 0.0,
    seed: SeedOption = 0,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find objects in a scene, as boxes with a class and a score, the highest score first.

    BOXES.json has `boxes`, each with `label`, `score`, `center` and `size` (x, y, z in m, the size along the box's own
    axes) and `yaw` (rad, about z); `points`, how many the scene has; `source`, by what they were found; and `notes`,
    what makes the scene unlike the rooms that the detector was taught by, which also go to standard error.
    """
    from dataclasses import asdict
    from json import dumps

    from tellurion_client.cli import display
    from tellurion_client.cli.outputs import Output
    from tellurion_client.options import check_seed
    from tellurion_client.pointcloud import check_score, cloud_of
    from tellurion_client.pointcloud_files import check_suffix, write_text

    check_seed(seed)
    check_score(min_score)
    check_suffix(output, ".json")
    Output(output, None).check([scene])
    given = cloud_of(scene, seed=seed)
    with connected(state) as client:
        found = client.pointcloud.detect(given, min_score=min_score)
    for said in found.notes:
        display.note(f"{scene}: {said}")
    document = asdict(found)
    write_text(output, dumps(document, indent=1) + "\n")
    if as_json:
        display.json_line({"output": str(output), **document})
    else:
        display.line(f"{output}: {len(found.boxes)} boxes in {found.points} points")


@app.command(epilog="Example: tellurion pointcloud evaluate --task svm --seed 1 --json")
def evaluate(
    task: Annotated[str, typer.Option(help="svm, fewshot, completion or detection.")],
    seed: Annotated[int, typer.Option(metavar="S", help="Seed of all that is drawn.")] = 0,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score the models on held-out data, which the service finds in the folder `pointcloud` of $TELLURION_DATA.

    svm and fewshot: accuracy on labelled furniture by frozen embeddings, beside an untrained encoder and a descriptor
    made by hand. completion: squared Chamfer distance of halves and of what they are completed to. detection: average
    precision in held-out rooms. Intervals are 95 %.
    """
    from dataclasses import asdict

    from tellurion_client.cli import display
    from tellurion_client.pointcloud import check_evaluation

    check_evaluation(task, seed)
    with connected(state) as client, display.progress("evaluating") as progress:
        scores = client.pointcloud.evaluate(task, seed=seed, progress=progress)
    if as_json:
        display.json_line(asdict(scores))
        return
    display.line(f"{task} of {scores.samples}, seed {seed}, {scores.seconds:.0f} s")
    for name, figure in scores.figures.items():
        interval = "" if figure.ci95 is None else f" ({figure.ci95[0]:.4f} to {figure.ci95[1]:.4f})"
        display.line(f"{name}: {figure.value:.4f}{interval}")


@app.command(epilog="Example: tellurion pointcloud models --json")
def models(state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the models: what each is for, what it was trained on and what it is not good for."""
    from dataclasses import asdict

    from tellurion_client.cli import display

    with connected(state) as client:
        known = client.pointcloud.models()
    if as_json:
        display.json_line([asdict(model) for model in known])
        return
    for model in known:
        display.line(f"{model.name} ({', '.join(model.tasks)}): {model.description}")
        display.line(f"  trained on {model.trained_on}; {model.limits}")
