"""The folder of a scene, written view by view so that an interrupted rendering goes on where it was.

`scene.json` records what is done; `transforms.json` comes last. The layout is that of `tellurion_splatting.scenes`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from tellurion_core.errors import InvalidInput
from tellurion_core.progress import Progress
from tellurion_core.whole_files import write_whole
from tellurion_splat.depth_image import inverse_depth_png
from tellurion_splat.frames import png
from tellurion_splat.training.scenes.cloud import cloud
from tellurion_splat.training.scenes.faces import Array
from tellurion_splat.training.scenes.light import Lighting, Map
from tellurion_splat.training.scenes.rooms import SCENES, Room
from tellurion_splat.training.scenes.studio import Studio, View
from tellurion_splatting.files.vertices import Vertices, written_vertices
from tellurion_splatting.scenes import Cameras, Scene
from tellurion_splatting.scenes.nerfstudio import transforms

NEAR = 0.5
"""Metres at which a depth image has its largest value; nothing is nearer to a camera."""
IMAGES, TRANSMITTED, DEPTH, POINTS = "images", "transmitted", "depth", "points.ply"


@dataclass(frozen=True)
class Settings:
    """How a scene is rendered. Raises InvalidInput for what cannot be."""

    views: int = 40
    width: int = 200
    height: int = 150
    samples: int = 128
    """A pixel of a view."""
    light_samples: int = 1024
    """A texel of the light on a face."""

    def __post_init__(self) -> None:
        for name, least in {"views": 3, "width": 8, "height": 8, "samples": 2, "light_samples": 1}.items():
            if not least <= (value := getattr(self, name)) <= 8192:
                raise InvalidInput.of(name, received=value, accepted=f"{least} to 8192")


class Album:
    """One scene in one folder."""

    def __init__(self, folder: Path, name: str, settings: Settings) -> None:
        """Opens or begins it. Raises InvalidInput for a folder that was begun with other settings."""
        self.folder, self.name, self.settings = folder, name, settings
        self._record = folder / "scene.json"
        self._about = {"scene": name, "near": NEAR, "settings": asdict(settings), "noise": {}}
        if self._record.exists():
            begun = json.loads(self._record.read_text())
            if (begun["scene"], begun["settings"]) != (name, asdict(settings)):
                received, accepted = f"{name}, {asdict(settings)}", f"{begun['scene']}, {begun['settings']}"
                raise InvalidInput.of(folder.name, received=received, accepted=f"{accepted}, or another folder")
            self._about = begun

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return (self.folder / "transforms.json").exists()

    @property
    def noise_floor(self) -> float:
        """PSNR of the images so far against endless samples, dB."""
        return -10 * float(np.log10(np.mean(list(self._about["noise"].values()))))

    def fill(self, light: Path, progress: Progress) -> None:
        """Render what is missing; the light on the faces is read from the folder `light`, or found and kept there."""
        room = SCENES[self.name]()
        names = [f"{number:03d}" for number in range(self.settings.views)]
        cameras = room.arc.cameras(names, (self.settings.width, self.settings.height))
        missing = [number for number, name in enumerate(names) if name not in self._about["noise"]]
        if missing:
            studio = Studio(room, kept_light(room, light, self.settings.light_samples, progress))
        for done, number in enumerate(missing):
            progress(done / len(missing), f"view {names[number]}")
            self._add(names[number], studio.view(cameras[[number]], self.settings.samples, seed=number))
        self._finish(room, cameras)

    def _add(self, name: str, view: View) -> None:
        if view.depth.min() < NEAR:
            raise InvalidInput.of(
                f"view {name}", received=f"{view.depth.min():.2f} m", accepted=f"depths from {NEAR} m"
            )
        write_whole(self.folder / IMAGES / f"{name}.png", png(view.image, "all"))
        write_whole(self.folder / TRANSMITTED / f"{name}.png", png(view.transmitted, "all"))
        write_whole(self.folder / DEPTH / f"{name}.png", inverse_depth_png(NEAR / view.depth))
        self._about["noise"][name] = view.noise
        self._about["noise_floor_db"] = round(self.noise_floor, 2)
        write_whole(self._record, json.dumps(self._about, indent=1).encode())

    def _finish(self, room: Room, cameras: Cameras) -> None:
        images = [f"{IMAGES}/{name}.png" for name in cameras.names]
        scene = Scene(self.folder, cameras, tuple(self.folder / image for image in images), near=NEAR)
        points, colours = cloud(scene, room.faces, np.random.default_rng(0))
        write_whole(self.folder / POINTS, _vertices(points, colours))
        write_whole(self.folder / "transforms.json", json.dumps(transforms(cameras, images, POINTS), indent=1).encode())


def kept_light(room: Room, folder: Path, samples: int, progress: Progress) -> list[Map]:
    """The irradiance on each of the room's faces, from the folder's files as far as they are there."""
    paths = [folder / f"{number:03d}.npy" for number in range(len(room.faces))]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    lighting = Lighting(room.faces) if missing else None
    for done, number in enumerate(missing):
        progress(done / len(missing), f"light on face {number}")
        file = BytesIO()
        np.save(file, lighting.irradiance(number, samples))
        write_whole(paths[number], file.getvalue())
    return [np.load(path) for path in paths]


def _vertices(points: Array, colours: Array) -> bytes:
    levels = np.rint(255 * colours).astype(np.uint8)
    columns = dict(zip("xyz", points.T.astype(np.float32), strict=True))
    return written_vertices(Vertices(columns | dict(zip(("red", "green", "blue"), levels.T, strict=True))))
