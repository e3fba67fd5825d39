"""`tellurion keys`: a key is printed once, listed by its prefix, and revoked by it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tellurion_core.errors import Unauthenticated
from tellurion_core.identity.api_keys import ApiKeys
from tellurion_core.jobs.database import open_engine

PEPPER = b"p" * 32


@pytest.fixture
def keys(tellurion: Any, tmp_path: Path) -> Any:
    (tmp_path / "pepper").write_bytes(PEPPER)

    def asked(*words: str) -> Any:
        pepper = str(tmp_path / "pepper")
        return tellurion("keys", *words, "--state", tmp_path, TELLURION_KEY_PEPPER=pepper)

    return asked


def test_a_key_is_created_listed_and_revoked(keys, tmp_path: Path) -> None:
    words = ("--tenant", "navy", "--subject", "ci", "--role", "viewer", "--scopes", "ocean,agent", "--days", "2")
    made = keys("create", *words)
    assert (made.returncode, made.stderr) == (0, "")
    key = made.stdout.strip()
    prefix = re.fullmatch(r"tell_([a-z0-9]{8})_\S{43}", key)[1]
    engine = open_engine(f"sqlite:///{tmp_path}/jobs.sqlite")
    known = ApiKeys(engine, PEPPER)
    assert (known.identify(key).tenant, known.identify(key).scopes) == ("navy", {"ocean", "agent"})
    listed = keys("list", "--json")
    assert key not in listed.stdout
    (told,) = json.loads(listed.stdout)
    assert (told["prefix"], told["role"], told["revoked"]) == (prefix, "viewer", None)
    assert keys("revoke", prefix).stdout == f"revoked {prefix}\n"
    with pytest.raises(Unauthenticated):
        known.identify(key)
    engine.dispose()
    audited = [json.loads(line)["event"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert audited == [f"keys create {prefix}", f"keys revoke {prefix}"]


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("create", "--tenant", "../x", "--subject", "s"), "tenant"),
        (("create", "--tenant", "navy", "--subject", "s", "--role", "root"), "role"),
        (("create", "--tenant", "navy", "--subject", "s", "--days", "-1"), "days"),
        (("revoke", "aaaaaaaa"), "there is no key"),
    ],
)
def test_what_cannot_be_done_is_one_line(words, field, keys) -> None:
    done = keys(*words)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr.startswith(f"tellurion: {field}")
    assert done.stderr.count("\n") == 1


def test_without_a_pepper_there_are_no_keys(tellurion, tmp_path: Path) -> None:
    done = tellurion("keys", "list", "--state", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "TELLURION_KEY_PEPPER" in done.stderr
