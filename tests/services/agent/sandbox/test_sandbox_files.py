"""A script reads what it was given, writes into its output, and reaches no other file, whoever runs it."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from tellurion_agent.sandbox.sandbox import Reason, check_places
from tellurion_core.errors import InvalidInput

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def secret(tmp_path):
    """A file outside of the run that whoever runs the tests may read and write."""
    path = tmp_path / "elsewhere" / "secret"
    path.parent.mkdir()
    path.write_text(SECRET)
    return path


def forbidden(what) -> bool:
    return what.run.reason is Reason.FORBIDDEN and SECRET not in what.run.stdout + what.run.stderr


def test_a_script_reads_its_inputs_and_writes_into_its_output(ran, tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("one", "folder/two"):
        (tmp_path / name).write_text(name)
    what = ran(
        """
import pathlib, sys
one, folder = map(pathlib.Path, sys.argv[1:])
pathlib.Path("both.json").write_text(one.read_text() + " " + (folder / "two").read_text())
""",
        [tmp_path / "one", tmp_path / "folder"],
    )
    assert what.run.reason is None
    assert what.run.exit_code == 0
    assert [path.name for path in what.output.iterdir()] == ["both.json"]
    assert (what.output / "both.json").read_text() == "one folder/two"


READS = {
    "/etc/shadow": "open('/etc/shadow').read()",
    "a secret of another tenant": "open({secret!r}).read()",
    "a folder of another tenant": "import os\nos.listdir(os.path.dirname({secret!r}))",
    "a secret by a path upwards": "import os\nopen(os.path.relpath({secret!r})).read()",
    "a secret through /proc": "open('/proc/self/root' + {secret!r}).read()",
    "the parent's environment": "import os\nopen(f'/proc/{{os.getppid()}}/environ').read()",
    "the parent's memory": "import os\nopen(f'/proc/{{os.getppid()}}/mem', 'rb').read(1)",
    "the parent's open files": "import os\nprint(os.listdir(f'/proc/{{os.getppid()}}/fd'))",
    "the list of processes": "import os\nprint(os.listdir('/proc'))",
    "the root": "import os\nos.listdir('/')",
    "the disk itself": "import os\nprint(os.listdir('/dev'))",
    "the home of the service": "import os\nos.listdir({home!r})",
    "by the dunders of a tuple": """
for kind in ().__class__.__base__.__subclasses__():
    if kind.__name__ == "_wrap_close":
        kind.__init__.__globals__["__builtins__"]["open"]({secret!r})
""",
}


@pytest.mark.parametrize("attempt", READS)
def test_other_files_are_not_read(ran, secret, attempt):
    assert forbidden(ran(READS[attempt].format(secret=str(secret), home=str(Path.home()))))


def test_a_token_of_the_service_is_not_read(ran, tmp_path):
    token = tmp_path / "var/run/secrets/kubernetes.io/serviceaccount/token"
    token.parent.mkdir(parents=True)
    token.write_text(SECRET)
    assert forbidden(ran(f"print(open({str(token)!r}).read())"))
    assert ran("open('/var/run/secrets/kubernetes.io/serviceaccount/token')").run.reason is not None


def test_a_secret_of_the_environment_is_not_there(ran, monkeypatch):
    monkeypatch.setenv("API_KEY", SECRET)
    run = ran("import os\nprint(sorted(os.environ))\nprint(os.environ)").run
    assert run.reason is None
    assert SECRET not in run.stdout
    assert "API_KEY" not in run.stdout


def test_a_descriptor_that_the_service_let_be_inherited_is_closed(ran, secret):
    held = os.open(secret, os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        run = ran(
            """
import os
for number in range(3, 1024):
    try: os.fstat(number)
    except OSError: continue
    print(number)
"""
        ).run
    finally:
        os.close(held)
    assert (run.reason, run.stdout) == (None, "")


WRITES = {
    "above the output": "open('../planted', 'w')",
    "at an absolute path": "open({folder!r} + '/planted', 'w')",
    "in the system's folder for temporary files": "open('/tmp/planted-by-a-script', 'w')",
    "in shared memory": "open('/dev/shm/planted-by-a-script', 'w')",
    "over a secret": "open({secret!r}, 'w')",
    "over the end of a secret": "import os\nos.truncate({secret!r}, 0)",
    "away with a secret": "import os\nos.unlink({secret!r})",
    "a secret into the output": "import os\nos.rename({secret!r}, 'stolen.json')",
    "a second name of a secret": "import os\nos.link({secret!r}, 'stolen.json')",
    "over an input": "import sys\nopen(sys.argv[1], 'r+').write('forged')",
    "an input cut": "import os, sys\nos.truncate(sys.argv[1], 0)",
    "away with an input": "import os, sys\nos.unlink(sys.argv[1])",
    "over the script": "open(__file__, 'w')",
    "a sitecustomize for all who come after": "open({site!r} + '/sitecustomize.py', 'w')",
    "a link for the service to follow": "import os\nos.symlink({secret!r}, 'link.json')",
    "a pipe for the service to wait at": "import os\nos.mkfifo('pipe.json')",
    "a device": "import os, stat\nos.mknod('disk.nc', stat.S_IFBLK | 0o666, os.makedev(254, 0))",
    "a folder among the results": "import os\nos.mkdir('folder')",
    "its owner": "import os, sys\nos.chown(sys.argv[1], 12345, 12345)",
}


@pytest.mark.parametrize("attempt", WRITES)
def test_nothing_is_written_but_files_in_the_output(ran, secret, tmp_path, attempt):
    given = tmp_path / "given.nc"
    given.write_text("measured")
    kept = {path: path.stat() for path in (secret, given)}
    names = {"secret": str(secret), "folder": str(secret.parent), "site": sysconfig.get_paths()["purelib"]}
    what = ran(WRITES[attempt].format(**names), [given])
    assert forbidden(what)
    assert not list(what.output.iterdir())
    assert not list(tmp_path.rglob("planted*"))
    assert not Path("/tmp/planted-by-a-script").exists()
    for path, before in kept.items():
        after = path.stat()
        assert [after.st_size, after.st_mtime_ns, after.st_uid] == [before.st_size, before.st_mtime_ns, before.st_uid]


def test_modes_times_and_attributes_of_files_stay_as_they_are(ran, secret):
    before = secret.stat()
    run = ran(
        f"""
import os
os.chmod({str(secret)!r}, 0o777)
os.utime({str(secret)!r}, (0, 0))
try: os.setxattr({str(secret)!r}, "user.planted", b"x")
except OSError as error: print(error.errno)
"""
    ).run
    after = secret.stat()
    assert run.stdout == "95\n"  # ENOTSUP
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert os.listxattr(secret) == []


def test_a_sitecustomize_that_lies_about_is_not_run(ran, tmp_path):
    planted = "print('planted')"
    (tmp_path / "inputs").mkdir()
    for folder in (tmp_path, tmp_path / "inputs"):
        for name in ("sitecustomize.py", "usercustomize.py", "json.py"):
            (folder / name).write_text(planted)
    first = ran("for name in ('sitecustomize', 'json'): open(name + '.py', 'w').write(\"print('planted')\")")
    second = ran("import json\nprint('clean')", [tmp_path / "inputs"])
    assert first.run.reason is None
    assert second.run.stdout == "clean\n"


def test_what_a_script_keeps_for_itself_is_gone_afterwards(ran):
    what = ran(
        """
import os, tempfile
with open(os.path.join(tempfile.mkdtemp(), "scratch"), "w") as file: file.write("x")
os.mkdir(os.path.join(tempfile.gettempdir(), "closed"), mode=0)
"""
    )
    assert what.run.reason is None
    assert not list(what.output.iterdir())


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("script", lambda places: places["script"].unlink()),
        ("inputs[0]", lambda places: places["inputs"][0].unlink()),
        ("output", lambda places: (places["output"] / "result.json").write_text("{}")),
        ("output", lambda places: places["output"].rmdir()),
        ("output", lambda places: (places["output"].rmdir(), places["output"].symlink_to("/tmp"))),
    ],
    ids=["no script", "no input", "output not empty", "no output", "output a link"],
)
def test_places_that_cannot_be_used_are_named(tmp_path, field, change):
    places = {"script": tmp_path / "script.py", "inputs": [tmp_path / "input"], "output": tmp_path / "output"}
    places["output"].mkdir()
    for path in (places["script"], *places["inputs"]):
        path.touch()
    check_places(**places)
    change(places)
    with pytest.raises(InvalidInput) as caught:
        check_places(**places)
    assert caught.value.violations[0].field == field
