"""Volumes of pods as folders of this machine, owned as the kubelet would have them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .adapter import Given, Object


@dataclass(frozen=True)
class Volumes:
    """Where they are: claims and empty folders on a disk; Secrets, and what asks for memory, in memory."""

    disk: Path
    memory: Path
    given: Given

    def claim(self, name: str) -> Path:
        """The folder of a claim."""
        return self.disk / "claims" / name

    def made(self, pod: str, volume: Object, group: int) -> Path:
        """The folder of a pod's volume. Raises ValueError where it is of a kind that the chart does not use."""
        here, in_memory = (root / "pods" / pod / volume["name"] for root in (self.disk, self.memory))
        match volume:
            case {"persistentVolumeClaim": {"claimName": name}}:
                # What is there already stays as it is, as `fsGroupChangePolicy: OnRootMismatch` has it.
                return _folder(self.claim(name), 0o2775, group)
            case {"emptyDir": {"medium": "Memory"}}:
                return _folder(in_memory, 0o777, group)
            case {"emptyDir": _}:
                return _folder(here, 0o777, group)
            case {"configMap": {"name": name}}:
                files = {key: text.encode() for key, text in self.given.config_maps[name].items()}
                return _filled(here, files, 0o644, group)
            case {"secret": {"secretName": name, **more}}:
                files = dict(self.given.secrets[name])
                if "items" in more:
                    files = {item["path"]: files[item["key"]] for item in more["items"]}
                return _filled(in_memory, files, more.get("defaultMode", 0o644), group)
        accepted = "persistentVolumeClaim, emptyDir, configMap, secret"
        raise ValueError(f"volume {volume['name']}: received {', '.join(set(volume) - {'name'})}; accepted: {accepted}")

    def forget(self, pod: str) -> None:
        """Removes what was of one pod alone."""
        for root in (self.disk, self.memory):
            shutil.rmtree(root / "pods" / pod, ignore_errors=True)


def _folder(path: Path, mode: int, group: int) -> Path:
    if not path.exists():
        path.mkdir(parents=True)
        os.chown(path, 0, group)
        path.chmod(mode)  # mkdir's own is cut by the mask
    return path


def _filled(folder: Path, files: dict[str, bytes], mode: int, group: int) -> Path:
    _folder(folder, 0o755, group)
    for name, content in files.items():
        file = folder / name
        file.touch(0o600)
        file.write_bytes(content)
        os.chown(file, 0, group)
        file.chmod(mode)
    return folder
