"""A key says who calls until it expires or is revoked; the database alone is worth nothing."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from tellurion_core.call import Identity
from tellurion_core.errors import InvalidInput, NotFound, Unauthenticated
from tellurion_core.identity.api_keys import ApiKeys, read_pepper
from tellurion_core.identity.roles import Role
from tellurion_core.identity.tables import api_keys
from tellurion_core.jobs.database import now, open_engine, writing

PEPPER = b"p" * 32


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/jobs.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def keys(engine: Engine) -> ApiKeys:
    return ApiKeys(engine, PEPPER)


def expire(engine: Engine, prefix: str) -> None:
    with writing(engine) as connection:
        connection.execute(update(api_keys).where(api_keys.c.prefix == prefix).values(expires=now() - 1))


def test_a_key_says_who_calls(keys) -> None:
    made, key = keys.create("navy", "ferdinand", Role.VIEWER, ["ocean", "agent"], days=1)
    assert re.fullmatch(rf"tell_{made.prefix}_[A-Za-z0-9_-]{{43}}", key)
    assert keys.identify(key) == Identity("navy", "ferdinand", Role.VIEWER, frozenset({"ocean", "agent"}))
    assert keys.identify(key).may_call("ocean")
    assert not keys.identify(key).may_call("splat")
    assert keys.identify(keys.create("navy", "f")[1]).may_call("splat")


def test_a_key_ends_when_it_expires_or_is_revoked(keys, engine) -> None:
    for end in (lambda prefix: expire(engine, prefix), keys.revoke):
        made, key = keys.create("navy", "f", days=1)
        assert keys.identify(key).tenant == "navy"
        end(made.prefix)
        with pytest.raises(Unauthenticated, match="not valid, or no longer"):
            keys.identify(key)
    keys.revoke(made.prefix)
    with pytest.raises(NotFound):
        keys.revoke("aaaaaaaa")


def test_nothing_else_is_a_key(keys, engine) -> None:
    made, key = keys.create("navy", "f")
    other = keys.create("army", "g")[1]
    swapped = key[:13] + other[13:]
    for wrong in (
        "",
        key[:-1],
        key + "A",
        key.upper(),
        swapped,
        made.prefix,
        f"{key}\n",
        "tell_",
        "\udcff",
        "k" * 10**5,
    ):
        with pytest.raises(Unauthenticated) as caught:
            keys.identify(wrong)
        assert caught.value.message == "the API key is not valid, or no longer"
    with pytest.raises(Unauthenticated):
        ApiKeys(engine, b"q" * 32).identify(key)


def test_the_database_does_not_have_the_key(keys, tmp_path: Path) -> None:
    key = keys.create("navy", "f")[1]
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert key[5:13].encode() in written
    assert key[14:].encode() not in written


def test_keys_are_listed_without_themselves(keys) -> None:
    made, key = keys.create("navy", "f", days=2)
    keys.create("army", "g")
    assert [k.identity.tenant for k in keys.list()] == ["navy", "army"]
    (before,) = keys.list("navy")
    assert before == made
    assert before.used is before.revoked is None
    assert (before.expires - before.created).days == 2
    keys.identify(key)
    (after,) = keys.list("navy")
    assert after.used >= after.created
    assert key not in repr(after)
    assert key[14:] not in repr(keys.__dict__)


def test_a_key_that_is_not_known_takes_as_long_as_one_that_is(keys) -> None:
    key = keys.create("navy", "f")[1]
    keys.identify(key)

    def seconds(asked: str) -> float:
        start = time.perf_counter()
        with suppress(Unauthenticated):
            keys.identify(asked)
        return time.perf_counter() - start

    wrong = [key[:-2] + ("AA" if key[-2:] != "AA" else "BB"), key[:14] + "A" * 43, "tell_aaaaaaaa_" + "A" * 43, "x"]
    times: list[list[float]] = [[] for _ in wrong]
    for _ in range(150):  # in turns, so that whatever else the machine does is the same for all
        for taken, asked in zip(times, wrong, strict=True):
            taken.append(seconds(asked))
    medians = [statistics.median(taken) for taken in times]
    assert max(medians) < 1.5 * min(medians)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("tenant", {"tenant": "../navy"}),
        ("tenant", {"tenant": ""}),
        ("subject", {"subject": "a\nb"}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["ocean splat"]}),
        ("days", {"days": 0}),
        ("days", {"days": float("nan")}),
        ("days", {"days": 1e9}),
    ],
)
def test_what_cannot_be_used_is_named(field, given, keys) -> None:
    with pytest.raises(InvalidInput) as caught:
        keys.create(**({"tenant": "navy", "subject": "f"} | given))
    assert [violation.field for violation in caught.value.violations] == [field]


def test_a_token_of_another_can_be_revoked(keys) -> None:
    assert not keys.token_revoked("j-1")
    for _ in range(2):
        keys.revoke_token("j-1")
    assert keys.token_revoked("j-1")
    assert not keys.token_revoked("j-2")
    with pytest.raises(InvalidInput):
        keys.revoke_token("")


def test_a_pepper_is_long_enough(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_bytes(PEPPER)
    assert read_pepper(tmp_path / "pepper") == PEPPER
    (tmp_path / "pepper").write_bytes(b"short")
    for path in (tmp_path / "pepper", tmp_path / "absent"):
        with pytest.raises(InvalidInput, match="TELLURION_KEY_PEPPER"):
            read_pepper(path)
