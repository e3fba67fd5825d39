"""Files made to do harm: truncated, damaged, swollen, of two kinds at once. None is more than refused."""

from __future__ import annotations

import gzip
import io
import os
import random
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest

URL = "/v1/ocean:reconstruct"
NETCDF = {"Content-Type": "application/x-netcdf"}
DAMAGED = int(os.environ.get("TELLURION_DAMAGED_FILES", "50"))
"""Files of each kind; acceptance asks for more."""
MIB = 1 << 20


def refused(answer: httpx.Response) -> None:
    """Nothing but a refusal that says nothing of the inside."""
    assert answer.status_code in (200, 422), answer.text
    assert "Traceback" not in answer.text
    assert "/tmp" not in answer.text


def damaged(content: bytes, seed: int) -> bytes:
    """The bytes cut off somewhere, with some changed, doubled or exchanged."""
    chance = random.Random(seed)
    changed = bytearray(content)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at : at + 4] = chance.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])
            case 2:
                changed[at:at] = changed[at : at + chance.randrange(64)]
            case _:
                del changed[at : at + chance.randrange(64)]
    return bytes(changed[: chance.randrange(len(changed))] if chance.random() < 0.3 else changed)


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF4"])
def test_damaged_files_are_refused_and_break_nothing(
    client: httpx.Client, gateway: Any, write_observations: Callable[..., Path], form: str
) -> None:
    whole = write_observations()
    if form == "NETCDF3_CLASSIC":
        with netCDF4.Dataset(whole) as source, netCDF4.Dataset(whole.with_suffix(".3"), "w", format=form) as copy:
            copy.createDimension("obs", 2)
            for name, variable in source.variables.items():
                copy.createVariable(name, "f8", ("obs",))[:] = variable[:]
                copy[name].setncatts(variable.__dict__)
        whole = whole.with_suffix(".3")
    content = whole.read_bytes()
    options = {"month": "2", "method": "echo"}
    assert client.post(URL, params=options, content=content, headers=NETCDF).status_code == 200
    for seed in range(DAMAGED):
        refused(client.post(URL, params=options, content=damaged(content, seed), headers=NETCDF))
    assert gateway.process.poll() is None


def swollen(folder: Path) -> Iterator[bytes]:
    """Small files that would unpack to gigabytes."""
    yield gzip.compress(bytes(64 * MIB))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../.zgroup", bytes(64 * MIB))
    yield packed.getvalue()
    for size, chunk in ((None, 100 * MIB), (1 << 40, 1000)):
        path = folder / f"{chunk}.nc"
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("obs", size)
            for name, units in (("temperature", "degC"), ("latitude", "degrees_north"), ("longitude", "degrees_east")):
                variable = file.createVariable(name, "f8", ("obs",), chunksizes=(chunk,), zlib=True)
                variable.units = units
                if size is None:
                    variable.set_auto_maskandscale(False)
            if size is None:
                file.createDimension("one", 1)
        yield path.read_bytes()


def test_what_unpacks_to_gigabytes_takes_no_memory(gateway: Any, client: httpx.Client, tmp_path: Path) -> None:
    before = gateway.peak_memory()
    for content in swollen(tmp_path):
        assert len(content) < MIB
        answer = client.post(URL, params={"month": "2"}, content=content, headers=NETCDF)
        refused(answer)
        assert answer.status_code == 422
    assert gateway.peak_memory() - before < 64 * MIB


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a/*CDF\x01*/=1;alert(1)//",
        b"%PDF-1.4\n\x89HDF\r\n\x1a\n",
        b"PK\x03\x04\x89HDF\r\n\x1a\n",
        b"\x89HDF\r\n\x1a\n<script>alert(1)</script>",
        b"CDF\x01<html><script>alert(1)</script>",
        bytes(512) + b"\x89HDF\r\n\x1a\n",  # HDF5 may begin behind a block of the user's
    ],
)
def test_a_file_of_two_kinds_is_refused_as_either(client: httpx.Client, content: bytes) -> None:
    answer = client.post(URL, params={"month": "2"}, content=content, headers=NETCDF)
    refused(answer)
    assert answer.status_code == 422
    assert "<script>" not in answer.text


@pytest.mark.parametrize("kind", ["external storage", "an external link", "a virtual data set"])
def test_a_file_whose_values_lie_in_another_shows_nothing_of_it(
    client: httpx.Client, elsewhere: ModuleType, tmp_path: Path, kind: str
) -> None:
    content = elsewhere.write(tmp_path / "hostile.nc", kind, bytes(range(119))).read_bytes()
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    url = client.post("/v1/uploads", headers={**tus, "Upload-Length": str(len(content))}).headers["Location"]
    artifact = client.patch(url, content=content, headers={**tus, "Upload-Offset": "0"}).headers["Tellurion-Artifact"]
    for answer in (
        client.get(f"/v1/artifacts/{artifact}/picture"),
        client.post(URL, params={"method": "echo"}, content=content, headers=NETCDF),
    ):
        refused(answer)
        assert answer.status_code == 422
        assert kind in answer.json()["errors"][0]["received"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\x00b", "C:\\\\x", "\u202egpj.nc", "x" * 5000])
def test_the_name_of_a_forms_file_names_no_place(
    client: httpx.Client, gateway: Any, write_observations: Callable[..., Path], name: str
) -> None:
    files = {"file": (name, write_observations().read_bytes(), "application/x-netcdf")}
    answer = client.post(URL, files=files, data={"method": "echo"})
    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        assert answer.json()["artifact"]["name"] == "analysis-02.nc"
    assert not gateway.left()


def test_what_a_page_could_run_is_served_as_a_file_and_nothing_else(client: httpx.Client) -> None:
    page = b"<script>alert(1)</script>"
    declared = f"filename {b64encode(b'x.html').decode()},filetype {b64encode(b'text/html').decode()}"
    tus = {"Tus-Resumable": "1.0.0"}
    begun = client.post(
        "/v1/uploads", headers={**tus, "Upload-Length": str(len(page)), "Upload-Metadata": declared}
    ).headers["Location"]
    sent = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    artifact = client.patch(begun, content=page, headers=sent).headers["Tellurion-Artifact"]
    answer = client.get(f"/v1/artifacts/{artifact}/content")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_random_bytes_and_headers_to_an_upload_break_nothing(client: httpx.Client, gateway: Any) -> None:
    chance = np.random.default_rng(5)
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    url = client.post("/v1/uploads", headers={**tus, "Upload-Length": "100000"}).headers["Location"]
    for _ in range(DAMAGED):
        offset = str(chance.choice(["0", "-1", "1e3", "9" * 18, "", "abc", str(chance.integers(100_000))]))
        checksum = str(chance.choice(["sha256 AAAA", "sha1", "md5 x", "-", "sha256 " + "A" * 44]))
        headers = {**tus, "Upload-Offset": offset, "Upload-Checksum": checksum}
        answer = client.patch(url, content=chance.bytes(int(chance.integers(2000))), headers=headers)
        assert answer.status_code in (400, 409, 422, 460), answer.text
    assert client.head(url, headers=tus).headers["Upload-Offset"] == "0"
    assert gateway.process.poll() is None
