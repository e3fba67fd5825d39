"""CMIP6 is found as it is published: in its folders, by model, experiment and member, in its latest version."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellurion_core.errors import InvalidInput
from tellurion_ocean.training.cmip6 import digest, find, split
from tellurion_ocean.training.corpus import Corpus

from .archive import TARGET, Archive, only


def test_runs_are_found_by_model_experiment_and_member_without_opening_a_file(archive: Archive) -> None:
    for source, experiment, member in [
        ("B-2", "historical", "r1i1p1f1"),
        ("A-1", "ssp245", "r2i1p1f1"),
        ("A-1", "historical", "r2i1p1f1"),
        ("A-1", "historical", "r1i1p1f1"),
    ]:
        archive.path(source=source, experiment=experiment, member=member).write_bytes(b"never opened")
    runs = find(archive.root)
    labels = [(run.source, run.experiment, run.member) for run in runs]
    assert labels == [
        ("A-1", "historical", "r1i1p1f1"),
        ("A-1", "historical", "r2i1p1f1"),
        ("A-1", "ssp245", "r2i1p1f1"),
        ("B-2", "historical", "r1i1p1f1"),
    ]
    assert find(archive.root, models=["A-1"]) == runs[:3]
    assert find(archive.root, experiments=["ssp245"]) == runs[2:3]
    assert len(Corpus(runs, TARGET)) == 4 * 3


def test_of_several_versions_the_latest_that_has_files_counts_and_its_files_come_in_time(archive: Archive) -> None:
    for version in ("v20190101", "v20200513"):
        for period in ("195001-201412", "185001-194912"):
            archive.path(period, version=version).touch()
    archive.path("185001-185001", version="v20210101").with_suffix(".nc.part").touch()
    (archive.path("185001-185001", version="v20200513").parent / "._thetao.nc").touch()
    (archive.path().parent.parent / "latest").symlink_to("v20190101")
    (run,) = find(archive.root)
    assert run.version == "v20200513"
    assert [path.name[-16:-3] for path in run.files] == ["185001-194912", "195001-201412"]
    moments = Corpus([run], TARGET).moments
    assert len(moments) == 165 * 12
    assert (moments[1200].year, moments[1200].month, moments[1200].nth) == (1950, 1, 0)


def test_a_file_under_another_members_folder_is_refused(archive: Archive) -> None:
    path = archive.path(member="r1i1p1f1")
    (path.parent / path.name.replace("r1i1p1f1", "r2i1p1f1")).touch()
    with pytest.raises(InvalidInput, match="thetao_Omon_MODEL-1_historical_r2i1p1f1_gr_200001-200003"):
        find(archive.root)


def test_a_folder_without_cmip6_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="CMIP6/<activity>") as error:
        find(tmp_path)
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize(
    ("periods", "wrong"),
    [
        (["200001-200112", "200112-200212"], "200112-200212"),
        (["200012-200001"], "200012-200001"),
        (["20000101-20001231"], "20000101-20001231"),
    ],
    ids=["overlapping", "backwards", "daily"],
)
def test_dates_that_are_no_months_in_order_are_refused(archive: Archive, periods: list[str], wrong: str) -> None:
    for period in periods:
        archive.path(period).touch()
    with pytest.raises(InvalidInput, match=f"gr_{wrong}.nc"):
        only(archive)


def test_held_out_members_are_kept_apart(archive: Archive) -> None:
    for member in ("r1i1p1f1", "r2i1p1f1", "r3i1p1f1"):
        for source in ("A-1", "B-2"):
            archive.path("199901-200112", member=member, source=source).touch()
    training, held_out = split(find(archive.root), held_out=["r3i1p1f1"])
    assert {run.member for run in training} == {"r1i1p1f1", "r2i1p1f1"}
    assert [(run.source, run.member) for run in held_out] == [("A-1", "r3i1p1f1"), ("B-2", "r3i1p1f1")]
    with pytest.raises(InvalidInput, match="at least one month"):
        Corpus([], TARGET)
    with pytest.raises(InvalidInput, match="r3i1p1f1"):
        split(training, held_out=["r3i1p1f1"])


def test_runs_are_the_same_wherever_they_lie_and_others_when_a_file_is_there_or_newer(tmp_path: Path) -> None:
    digests = []
    for nth, (version, periods) in enumerate(
        [
            ("v20200101", ["200001-200003", "200004-200006"]),
            ("v20200101", ["200001-200003", "200004-200006"]),
            ("v20200101", ["200001-200003"]),
            ("v20210101", ["200001-200003", "200004-200006"]),
        ]
    ):
        copy = Archive(tmp_path / f"{nth}")
        for period in periods:
            copy.path(period, version=version).touch()
        digests.append(digest(find(copy.root)))
    assert digests[0] == digests[1] == digest(reversed(find(tmp_path / "0")))
    assert len(set(digests)) == 3
