"""The secrets of a platform: made once, for its user alone; and the commands for keys."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tellurion_client.cli.main import run
from tellurion_client.identity import api_keys, database, first_key, identity_settings
from tellurion_client.state import State
from tellurion_core.call import LOCAL
from tellurion_core.errors import InvalidInput
from tellurion_core.identity.api_keys import ApiKeys, read_pepper
from tellurion_core.identity.revoked_tokens import RevokedTokens
from tellurion_core.identity.tokens import read_minter, read_verifier


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """A state folder that all commands use."""
    for name in [name for name in os.environ if name.startswith("TELLURION_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path / "state"))
    return State(tmp_path / "state")


def verified(state: State, key: str) -> str:
    """The tenant of a key, as a gateway with the platform's settings knows it."""
    pepper = Path(identity_settings(state)["api_key_pepper"])
    return ApiKeys(database(state), read_pepper(pepper)).verify(key).tenant


def test_secrets_are_made_once_for_nobody_but_their_user(state: State) -> None:
    settings = identity_settings(state)
    files = [Path(settings[name]) for name in ("api_key_pepper", "token_private_key", "token_public_keys")]
    before = [file.read_bytes() for file in files]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert identity_settings(state) == settings
    assert [file.read_bytes() for file in files] == before
    assert {path.name for path in state.folder.iterdir()} == {file.name for file in files} | {"log"}


def test_the_services_key_is_that_of_the_gateway_also_after_it_was_replaced(state: State) -> None:
    for _ in range(2):
        settings = identity_settings(state)
        token = read_minter(Path(settings["token_private_key"]))(LOCAL)
        assert read_verifier(Path(settings["token_public_keys"]))(token) == LOCAL
        Path(settings["token_private_key"]).unlink()


def test_what_the_environment_names_takes_its_place(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY_PEPPER", "TOKEN_PRIVATE_KEY", "AUDIT_LOG"):
        monkeypatch.setenv(f"TELLURION_{name}", "elsewhere")
    assert identity_settings(state) == {}


def test_a_private_key_that_is_none_is_named(state: State) -> None:
    state.make()
    (state.folder / "token.key").write_text("nonsense")
    with pytest.raises(InvalidInput, match=r"token\.key"):
        identity_settings(state)


def test_the_first_key_is_made_where_there_never_was_one(state: State) -> None:
    key = first_key(state)
    assert key is not None
    assert verified(state, key) == "local"
    assert first_key(state) is None
    assert run(["keys", "revoke", key[5:13]]) == 0
    assert first_key(state) is None


def test_keys_are_made_listed_and_revoked(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "create", "--tenant", "navy", "--subject", "ann", "--scope", "ocean", "--days", "1"]) == 0
    key = capsys.readouterr().out.strip()
    assert verified(state, key) == "navy"
    assert run(["keys", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["prefix"], listed["role"], listed["scopes"]) == (key[5:13], "user", ["ocean"])
    assert listed["expires"] - listed["created"] == pytest.approx(86400, abs=1)
    assert run(["keys", "revoke", key[5:13]]) == 0
    assert run(["keys", "list"]) == 0
    told = capsys.readouterr().out
    assert "revoked" in told
    audited = (state.folder / "audit.jsonl").read_text()
    made, revoked = map(json.loads, audited.splitlines())
    assert [(line["event"], line["key"]) for line in (made, revoked)] == [
        ("key made", key[5:13]),
        ("key revoked", key[5:13]),
    ]
    assert (made["tenant"], made["scopes"], made["by"]) == ("navy", ["ocean"], f"uid {os.getuid()}")
    assert key[14:] not in told + audited


def test_a_key_that_cannot_be_noted_is_not_made(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be good, and nobody would have seen it."""
    monkeypatch.setenv("TELLURION_AUDIT_LOG", str(state.folder / "nowhere" / "audit.jsonl"))
    assert run(["keys", "create", "--tenant", "navy", "--subject", "ann"]) == 2
    with pytest.raises(InvalidInput, match="TELLURION_AUDIT_LOG"):
        first_key(state)
    assert not api_keys(state).list()


def test_a_scope_that_is_none_is_named(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "create", "--tenant", "navy", "--subject", "ann", "--scope", "oceans"]) == 2
    assert "scope: received oceans; accepted: agent, assimilation" in capsys.readouterr().err
    assert not api_keys(state).list()
    assert run(["keys", "create", "--tenant", "navy", "--subject", "ann", "--scope", "artifacts"]) == 0


def test_a_token_of_an_identity_provider_is_revoked_by_its_id(state: State) -> None:
    for _ in range(2):
        assert run(["keys", "revoke", "--jti", "a1-b2"]) == 0
    revoked = RevokedTokens(database(state))
    assert "a1-b2" in revoked
    assert "a1-b3" not in revoked


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "prefix: received nothing"),
        (["00000000", "--jti", "x"], 2, "prefix: received both"),
        (["--jti", ""], 2, "jti: received 0 characters"),
        (["00000000"], 1, "there is no key 00000000"),
    ],
)
def test_what_cannot_be_revoked_is_said(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["keys", "revoke", *arguments]) == code
    assert said in capsys.readouterr().err
