"""One evaluation by the command: where its report goes, waiting for it, and going on with it later.

    DIR/evaluation.json     {"operations": [NAME, …]}: what DIR is of, the latest last; written at each submission
    DIR/report.json, …      what came of it, shown when all of it is there

A report without the file beside it was not made by a run: nothing can be gone on with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from tellurion_client.benchmark_results import Report
from tellurion_client.cli import display
from tellurion_client.cli.waiting import command
from tellurion_client.evaluation import FILES, PREDICTIONS, REPORT, RUN, Evaluation
from tellurion_core.errors import InvalidInput, PermissionDenied, Unavailable

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

BEGUN = "evaluation.json"

Submit = Callable[[Sequence[str], "Progress | None"], Evaluation]
"""From the names of the evaluations to go on with to the one that was submitted."""


@dataclass(frozen=True)
class Output:
    """Where a report goes."""

    folder: Path
    """Folder of its files."""
    report: str
    """Name of the figures among them."""
    earlier: tuple[str, ...]
    """Names of the evaluations that the folder is of and that are to be gone on with, the latest last."""
    keeps: bool
    """Whether names of evaluations are kept in the folder."""
    predicts: bool
    """Whether predictions are among its files; a file of that name may else be what is scored."""

    @classmethod
    def of(cls, path: Path, *, resumes: bool | None = None, overwrites: bool = False, predicts: bool = True) -> Output:
        """What `-o` names; `resumes` is None for what cannot be gone on with.

        Raises:
            InvalidInput: it cannot be written, or holds a report that is not to be replaced or gone on with.
        """
        is_file = path.suffix == ".json" and not path.is_dir()
        folder, report = (path.parent, path.name) if is_file else (path, REPORT)
        output = cls(folder, report, (), resumes is not None, predicts)
        output._check_names(path)
        output._check_folder()
        if resumes and (output.folder / BEGUN).exists():
            return replace(output, earlier=output._begun())
        for name in () if overwrites else output._names():
            if (output.folder / name).exists():
                again = ("" if resumes is not False else "--resume, ") + "--overwrite or another place"
                raise InvalidInput.of("output", received=f"{name}, which is there: {output.folder}", accepted=again)
        return output

    def remember(self, *names: str) -> None:
        """Keeps the names of the evaluations that the folder is of, beside the earlier ones."""
        if self.keeps:
            self.folder.mkdir(exist_ok=True)
            new = self.folder / f".{BEGUN}.new"
            new.write_text(json.dumps({"operations": list(dict.fromkeys(self.earlier + names))}) + "\n")
            new.replace(self.folder / BEGUN)

    def forget(self) -> None:
        """Leaves nothing of an evaluation that could not even begin."""
        if self.earlier:
            self.remember()
        elif self.keeps:
            (self.folder / BEGUN).unlink(missing_ok=True)
            if not any(self.folder.iterdir()):
                self.folder.rmdir()

    def _names(self) -> tuple[str, ...]:
        """The files that are written."""
        results = [self.report if name == REPORT else name for name in FILES if self.predicts or name != PREDICTIONS]
        return (BEGUN, *results) if self.keeps else tuple(results)

    def _check_names(self, path: Path) -> None:
        if self.report != REPORT and self.report in (BEGUN, *FILES):
            raise InvalidInput.of("output", received=f"{path.name}, the name of another file", accepted="another name")

    def _check_folder(self) -> None:
        accepted = "a folder that can be written, or a new one in such"
        if not self.folder.parent.exists():
            raise InvalidInput.of("output", received=f"no folder {self.folder.parent}", accepted=accepted)
        if self.folder.exists() and not self.folder.is_dir():
            raise InvalidInput.of("output", received=f"no folder: {self.folder}", accepted=accepted)
        try:
            with TemporaryDirectory(
                prefix=".tellurion-", dir=self.folder if self.folder.exists() else self.folder.parent
            ):
                pass
        except OSError as error:
            received = f"{error.strerror}: {self.folder}"
            raise InvalidInput.of("output", received=received, accepted=accepted) from error
        for name in self._names():
            target = self.folder / name
            if target.exists() and not target.is_file():
                raise InvalidInput.of("output", received=f"no file: {target}", accepted="a place for a file")

    def _begun(self) -> tuple[str, ...]:
        """The names of the evaluations that the folder is of."""
        begun = self.folder / BEGUN
        try:
            names = json.loads(begun.read_bytes())["operations"]
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                return tuple(names)
            received = f"something else in {begun}"
        except OSError as error:
            received = f"{error.strerror}: {begun}"
        except (ValueError, KeyError, TypeError, RecursionError):
            received = f"something else in {begun}"
        raise InvalidInput.of("resume", received=received, accepted="the folder of an evaluation that was begun")


def carry_out(
    client: Client,
    output: Output,
    submit: Submit,
    *,
    state: Path | None,
    again: str,
    bounded: bool = False,
    as_json: bool,
) -> None:
    """Submits an evaluation, waits for it, writes its report and shows it; `again` says how to go on with it.

    What a budget bounded is not asked again under the same one.
    """
    with display.progress("sending") as progress:
        evaluation = submit(output.earlier, progress)
    try:
        output.remember(evaluation.name)
        with display.progress("evaluating") as progress:
            status = evaluation.operation.wait(progress=progress)
    except (KeyboardInterrupt, Unavailable) as error:
        cancel = f"`{command('operations', 'cancel', evaluation.name, state=state)}` ends it"
        display.note(f"{evaluation.name} is not cancelled: the same command {again} goes on with it, {cancel}")
        if isinstance(error, Unavailable):
            raise
        raise typer.Exit(1) from None
    if status.error is not None:
        if isinstance(status.error, InvalidInput | PermissionDenied):
            output.forget()
        raise status.error
    try:
        report = fetch(evaluation, output, as_json=as_json)
    except InvalidInput:
        again = command("benchmark", "report", evaluation.name, "-o", "DIR", state=state)
        display.note(f"it has succeeded: `{again}` fetches its report")
        raise
    if output.keeps and not report.whole:
        again += " and another budget" if bounded else ""
        display.note(
            f"{report.given_up} questions got no answer{_trouble(output)}; the same command {again} asks them again"
        )


def fetch(evaluation: Evaluation, output: Output, *, as_json: bool) -> Report:
    """Writes the report of an evaluation that has succeeded, and shows it."""
    report = Report.of(evaluation.result().report)
    files = evaluation.download(output.folder, report=output.report)
    if as_json:
        display.json_line({"operation": evaluation.name, "output": [str(path) for path in files], **asdict(report)})
    else:
        display.report(report)
        display.line(f"{evaluation.name}: {files[-1]}, and {', '.join(path.name for path in files[:-1])} beside")
    return report


def _trouble(output: Output) -> str:
    """What an endpoint that answered nothing met most questions with, as run.json has it; empty where none did."""
    try:
        trouble = json.loads((output.folder / RUN).read_bytes())["trouble"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""  # a service of another version may say nothing of it
    return f", most often since {trouble}" if isinstance(trouble, str) else ""
