"""API keys: what is kept of them, and which may be used."""

from __future__ import annotations

import hmac
import random
import re
import sqlite3
import statistics
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tellurion_core.call import Identity
from tellurion_core.errors import InvalidInput, NotFound, Unauthenticated
from tellurion_core.identity.api_keys import ApiKeys, read_pepper
from tellurion_core.identity.roles import Role
from tellurion_core.jobs.database import open_engine

PEPPER = b"p" * 32


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_engine(f"sqlite:///{tmp_path / 'jobs.sqlite'}")


@pytest.fixture
def keys(engine: Engine) -> ApiKeys:
    return ApiKeys(engine, PEPPER)


def test_a_key_tells_whose_it_is_and_what_it_is_for(keys: ApiKeys) -> None:
    known = keys.verify(keys.create("navy", "ann", Role.VIEWER, ["ocean"]))
    assert known.identity == Identity("navy", "ann", Role.VIEWER, frozenset({"ocean"}))
    assert known.identity.may_call("ocean")
    assert not known.identity.may_call("splat")
    assert known.scopes == ("ocean",)


def test_scopes_that_the_database_has_no_room_for_are_refused(keys: ApiKeys) -> None:
    for scopes in ([f"service{number}" for number in range(200)], []):
        with pytest.raises(InvalidInput, match="1 to 1000"):
            keys.create("navy", "ann", scopes=scopes)
    assert keys.verify(keys.create("navy", "ann", scopes=["ocean"] * 200)).scopes == ("ocean",)


def test_a_key_has_a_public_prefix_and_256_random_bits(keys: ApiKeys) -> None:
    made = {keys.create("navy", "ann") for _ in range(20)}
    assert len(made) == 20
    assert all(re.fullmatch(r"tell_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", key) for key in made)


def test_nothing_but_the_hmac_of_a_key_is_kept(keys: ApiKeys, tmp_path: Path) -> None:
    key = keys.create("navy", "ann")
    with sqlite3.connect(tmp_path / "jobs.sqlite") as database:
        row = database.execute("SELECT * FROM api_keys").fetchone()
    assert hmac.digest(PEPPER, key.encode(), "sha256") in row
    assert key[14:] not in repr(row)
    assert key[14:] not in repr(keys.list())


def test_a_key_is_worth_nothing_under_another_pepper(keys: ApiKeys, engine: Engine) -> None:
    key = keys.create("navy", "ann")
    with pytest.raises(Unauthenticated):
        ApiKeys(engine, b"q" * 32).verify(key)


def test_what_is_no_key_expired_or_revoked_is_refused_in_the_same_words(keys: ApiKeys) -> None:
    right = keys.create("navy", "ann")
    expired = keys.create("navy", "ann", seconds=0.001)
    revoked = keys.create("navy", "ann")
    keys.verify(revoked)
    keys.revoke(revoked[5:13])
    time.sleep(0.01)
    other = right[:-1] + ("A" if right[-1] != "A" else "B")
    for key in (
        expired,
        revoked,
        other,
        right + "A",
        right[:-1],
        right.upper(),
        f" {right}",
        "",
        "é\0" * 28,
        "x" * 10**6,
    ):
        with pytest.raises(Unauthenticated, match=r"^this API key is not valid$"):
            keys.verify(key)
    keys.verify(right)


def test_it_is_known_when_a_key_was_last_used(keys: ApiKeys) -> None:
    key = keys.create("navy", "ann")
    assert keys.list()[0].used is None
    keys.verify(key)
    used = keys.list()[0].used
    assert used == pytest.approx(time.time(), abs=5)


def test_a_key_works_where_that_cannot_be_noted(keys: ApiKeys, tmp_path: Path) -> None:
    key = keys.create("navy", "ann")
    with sqlite3.connect(tmp_path / "jobs.sqlite") as database:
        database.execute("CREATE TRIGGER busy BEFORE UPDATE ON api_keys BEGIN SELECT 1 FROM missing; END")
    assert keys.verify(key).tenant == "navy"


def test_a_revoked_key_stays_listed_and_an_unknown_one_cannot_be_revoked(keys: ApiKeys) -> None:
    key = keys.create("navy", "ann")
    keys.revoke(key[5:13])
    first = keys.list()[0].revoked
    keys.revoke(key[5:13])
    assert first is not None
    assert keys.list()[0].revoked == first
    for prefix in ("00000000", "%", "' OR 1=1"):
        with pytest.raises(NotFound):
            keys.revoke(prefix)


def test_a_key_is_revoked_by_whatever_somebody_has_of_it(keys: ApiKeys) -> None:
    for cut in (slice(5, 13), slice(13), slice(14), slice(30), slice(None)):
        key = keys.create("navy", "ann")
        assert keys.revoke(key[cut]) == key[5:13]
        with pytest.raises(Unauthenticated):
            keys.verify(key)


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("tenant", {"tenant": "../navy"}),
        ("tenant", {"tenant": ""}),
        ("subject", {"subject": "ann\n"}),
        ("scope", {"scopes": ["ocean splat"]}),
        ("seconds", {"seconds": 0}),
        ("seconds", {"seconds": float("nan")}),
    ],
)
def test_a_key_of_nobody_cannot_be_made(keys: ApiKeys, field: str, changed: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}: "):
        keys.create(**{"tenant": "navy", "subject": "ann", **changed})
    assert not keys.list()


def test_time_does_not_tell_how_much_of_a_key_is_right(keys: ApiKeys) -> None:
    """A key wrong in its public part, in its first or in its last character: pairs, one right after the other."""
    right = keys.create("navy", "ann")
    wrong = {at: right[:at] + ("A" if right[at] != "A" else "B") + right[at + 1 :] for at in (5, 14, 56)}
    took: dict[int, list[float]] = {at: [] for at in wrong}
    for _ in range(300):
        for at, key in random.sample(list(wrong.items()), 3):
            began = time.perf_counter()
            with pytest.raises(Unauthenticated):
                keys.verify(key)
            took[at].append(time.perf_counter() - began)
    for at in (5, 14):
        more = statistics.median(one - other for one, other in zip(took[at], took[56], strict=True))
        assert abs(more) < 0.1 * statistics.median(took[56])


def test_a_pepper_that_is_short_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"x" * 31)
    for name in ("short", "missing"):
        with pytest.raises(InvalidInput, match="TELLURION_API_KEY_PEPPER"):
            read_pepper(tmp_path / name)
