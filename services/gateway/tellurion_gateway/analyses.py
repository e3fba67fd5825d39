"""Analyses as files: CF NetCDF, or a Zarr group in a zip archive, as zarr's own ZipStore has them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from tellurion_client.ocean_wire import Reconstruction
from tellurion_core.errors import Internal, InvalidInput
from tellurion_gateway.media import NETCDF, ZARR
from tellurion_geo import write_zarr
from tellurion_geo.provenance import provenance


def file_name(analysis: Reconstruction, form: str = NETCDF) -> str:
    """The name that a download of this form offers."""
    return f"analysis-{analysis.report.month:02d}.{'zarr.zip' if form == ZARR else 'nc'}"


@contextmanager
def written(analysis: Reconstruction, form: str = NETCDF) -> Iterator[Path]:
    """The file, for as long as the context lasts; the same analysis has the same bytes.

    Raises:
        Internal: it cannot be written.
    """
    with TemporaryDirectory(prefix="tellurion-") as folder:
        path = Path(folder) / file_name(analysis, form)
        try:
            if form == ZARR:
                _write_zipped(analysis, path)
            else:
                analysis.write(path)
        except (InvalidInput, OSError) as error:
            raise Internal("the analysis could not be written; is the temporary folder full?") from error
        yield path


def opened(analysis: Reconstruction, form: str) -> BinaryIO:
    """The open file, which has no name any more: closing it, or dying, deletes it. Raises as `written`."""
    with written(analysis, form) as path:
        return path.open("rb")


def _write_zipped(analysis: Reconstruction, path: Path) -> None:
    folder = path.with_suffix("")
    write_zarr(
        *(folder, analysis.grid, analysis.report.month, analysis.mean, analysis.std, analysis.members),
        provenance(analysis.report),
    )
    with ZipFile(path, "w") as archive:  # not compressed once more: chunks are
        for source in sorted(filter(Path.is_file, folder.rglob("*"))):
            # Of the time of writing, which would make each archive another one, nothing is told.
            with source.open("rb") as file, archive.open(ZipInfo(str(source.relative_to(folder))), "w") as part:
                shutil.copyfileobj(file, part)
