"""The file that a training goes on from: written whole or not at all, read without trusting it with code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch

from tellurion_core.errors import DataCorrupted
from tellurion_core.whole_files import placed


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Replaces the file by one of this state: tensors, numbers, strings, and lists and dictionaries of them."""
    with placed(path) as place, place.open("wb") as file:
        torch.save(state, file)


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """The state of a file that `write_checkpoint` wrote, its tensors on `device`.

    Raises:
        DataCorrupted: the file is damaged, or holds anything else than such a state.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError, BadZipFile) as error:
        raise DataCorrupted(f"checkpoint {path.name} cannot be read: it is damaged or not a checkpoint") from error
    if not isinstance(state, dict):
        raise DataCorrupted(f"checkpoint {path.name} holds no training state")
    return state
