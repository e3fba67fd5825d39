"""The contracts: their wheel holds stubs that import, and they keep buf's rules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

PROTOS = Path(__file__).parents[2] / "protos"
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from tellurion.common.v1 import field_pb2
from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
month = ocean_pb2.ReconstructSpec.DESCRIPTOR.fields_by_name["month"]
print(ocean_pb2.__file__)
print(month.GetOptions().Extensions[field_pb2.field].max)
print(ocean_pb2_grpc.OceanServiceStub.__name__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "--wheel-dir", str(folder), str(PROTOS)], check=True)
    [built] = folder.glob("tellurion_protos-*.whl")
    return built


def test_the_installed_wheel_alone_gives_messages_rules_and_stubs(wheel: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path), str(wheel)]
    subprocess.run(pip, check=True)
    program = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    path, most, stub = subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()
    assert Path(path).is_relative_to(tmp_path)
    assert (float(most), stub) == (12, "OceanServiceStub")


def test_the_namespace_is_left_open_for_other_distributions(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    assert not names & {"tellurion/__init__.py", "tellurion/ocean/__init__.py", "tellurion/common/__init__.py"}
    stubs = ("__init__.py", "py.typed", "ocean_pb2.py", "ocean_pb2.pyi", "ocean_pb2_grpc.py", "ocean_pb2_grpc.pyi")
    assert {f"tellurion/ocean/v1/{name}" for name in stubs} <= names


def test_buf_finds_nothing() -> None:
    buf = Path(sys.executable).with_name("buf")
    answer = subprocess.run([buf, "lint"], cwd=PROTOS, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr
