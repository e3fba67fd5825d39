"""The Containerfile, read: what must hold of every image whoever builds it, and however."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(folder.name for folder in (ROOT / "services").iterdir() if (folder / "pyproject.toml").is_file())
IMAGES = [*SERVICES, "triton"]


@dataclass
class Stage:
    """From one FROM to the next."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def words(self, instruction: str) -> list[str]:
        return [words for each, words in self.steps if each == instruction]


def stages(text: str) -> dict[str, Stage]:
    """By name; comments dropped, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found: dict[str, Stage] = {}
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        instruction, _, words = line.partition(" ")
        if instruction == "FROM":
            base, _, name = words.partition(" AS ")
            found[name] = stage = Stage(name, base)
        elif found:
            stage.steps.append((instruction, words.strip()))
    return found


STAGES = stages((ROOT / "Containerfile").read_text(encoding="utf-8"))


def line_of(name: str) -> list[Stage]:
    """A stage and those that it is built upon, itself first."""
    line = []
    while name in STAGES:
        line.append(STAGES[name])
        name = STAGES[name].base
    return line


def script(name: str) -> ModuleType:
    """A module of containers/."""
    found = spec_from_file_location(name, ROOT / "containers" / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


REQUIREMENTS = script("requirements")


def wanted(service: str) -> list[str]:
    """The folders, with extras, whose distributions the image is asked to have."""
    (command,) = (run for run in STAGES[f"{service}-code"].words("RUN") if "/build/code.sh" in run)
    return [word.strip("'") for word in command.partition("/build/code.sh")[2].split()]


def closure(service: str) -> tuple[set[str], set[str]]:
    """Names of our distributions in an image, and of those of others that they require themselves."""
    asked = [REQUIREMENTS.named(ROOT, folder) for folder in wanted(service)]
    ours, others = REQUIREMENTS.closure(REQUIREMENTS.distributions(ROOT), asked)
    return ours, {Requirement(each).name.lower() for each in others}


def required(names: set[str]) -> set[str]:
    """These distributions and all that they require, as they are installed here."""
    found, waiting = set[str](), [Requirement(name) for name in names]
    while waiting:
        name = (requirement := waiting.pop()).name.lower().replace("_", "-")
        wanted = {f"{name}[{extra}]" for extra in requirement.extras} | {name}
        if wanted <= found:
            continue
        found |= wanted
        for line in metadata.requires(name) or []:
            needed = Requirement(line)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return found


def test_every_service_has_a_target_of_its_own_name() -> None:
    assert set(SERVICES) <= set(STAGES)


def test_everything_comes_from_one_base_that_can_be_chosen() -> None:
    outside = {stage.base for stage in STAGES.values() if stage.base not in STAGES}

    assert outside == {"${BASE}"}


@pytest.mark.parametrize("service", IMAGES)
def test_an_image_ends_as_a_numeric_user_without_privilege(service: str) -> None:
    users = STAGES[service].words("USER")

    assert users == ["65532:65532"]
    assert [step for step, _ in STAGES[service].steps][-2:] == ["USER", "CMD"]


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_starts_its_service_without_a_shell(service: str) -> None:
    assert STAGES[service].words("CMD") == [f'["python", "-m", "tellurion_{service}"]']
    assert not STAGES[service].words("ENTRYPOINT")


@pytest.mark.parametrize("service", IMAGES)
def test_an_image_says_what_it_is(service: str) -> None:
    labels = " ".join(words for stage in line_of(service) for words in stage.words("LABEL"))

    for label in ("title", "description", "licenses", "vendor", "base.name"):
        assert f"org.opencontainers.image.{label}=" in labels


@pytest.mark.parametrize("service", IMAGES)
def test_an_image_takes_files_from_other_stages_only(service: str) -> None:
    copied = [words for stage in line_of(service) for words in stage.words("COPY")]

    assert copied
    assert all(words.startswith("--from=") for words in copied)


@pytest.mark.parametrize("service", IMAGES)
def test_the_folders_of_all_distributions_of_an_image_are_copied_and_no_other(service: str) -> None:
    copied = {
        words.split()[0]
        for stage in line_of(f"{service}-code")
        for words in stage.words("COPY")
        if words.split()[0].startswith(("protos", "libs/", "services/"))
    }
    names = {
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
        for folder in copied
    }

    ours, _ = closure(service)
    assert names == ours


def test_a_distribution_that_is_needed_and_not_copied_is_named() -> None:
    projects = REQUIREMENTS.distributions(ROOT)
    del projects["tellurion-geo"]

    with pytest.raises(LookupError, match="tellurion-geo is needed and not copied"):
        REQUIREMENTS.closure(projects, [Requirement("tellurion-ocean")])


def test_requirements_follow_extras_through_our_distributions() -> None:
    projects = {
        "tellurion-a": {"dependencies": ["tellurion-b[x]", "numpy>=2"], "optional-dependencies": {}},
        "tellurion-b": {"dependencies": [], "optional-dependencies": {"x": ["torch"], "y": ["ray"]}},
    }

    ours, others = REQUIREMENTS.closure(projects, [Requirement("tellurion-a")])

    assert ours == {"tellurion-a", "tellurion-b"}
    assert others == {"numpy>=2", "torch"}


@pytest.mark.parametrize("service", ["agent", "gateway"])
def test_nothing_that_the_agent_or_the_gateway_installs_requires_torch(service: str) -> None:
    ours, others = closure(service)
    assert [stage.name for stage in line_of(service)] == [service, "python"]
    assert "tellurion-diffusion" not in ours

    assert "grpcio" in required(others - REQUIREMENTS.FILES_ALONE)
    assert not required(others - REQUIREMENTS.FILES_ALONE) & {"torch", "ray", "numba", "jax"}


def test_weights_alone_would_bring_torch() -> None:
    assert all("torch" in required({name}) for name in REQUIREMENTS.FILES_ALONE)


def test_only_services_that_do_long_work_have_the_engine_of_jobs() -> None:
    with_jobs = {service for service in SERVICES if "celery" in closure(service)[1]}

    assert with_jobs == {"ocean", "assimilation", "splat", "benchmark", "agent", "gateway"}


def with_models() -> set[str]:
    """Services that have models for inference servers."""
    return {
        service
        for service in SERVICES
        if "tellurion.models" in (ROOT / "services" / service / "pyproject.toml").read_text(encoding="utf-8")
    }


def test_ray_is_where_models_are_that_it_serves() -> None:
    assert {service for service in SERVICES if "ray" in closure(service)[1]} == with_models()


def test_triton_has_all_models_and_the_command_that_exports_them_without_ray() -> None:
    ours, others = closure("triton")

    assert ours & {f"tellurion-{service}" for service in SERVICES} == {f"tellurion-{each}" for each in with_models()}
    assert "tellurion-client" in ours
    assert "tritonclient" in others
    assert "ray" not in required(others)
    assert not {stage.name for stage in line_of("triton")} & {"ray"}


def test_tests_and_image_have_one_triton() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (server,) = (run for run in STAGES["tritonserver"].words("RUN") if "/build/pip.sh" in run)

    assert re.search(r"^nvidia-pytriton==[0-9.]+$", pins, re.MULTILINE)
    assert re.search(r"--constraint \$< nvidia-pytriton$", makefile, re.MULTILINE)
    assert re.search(r"/opt/tellurion/lib/triton nvidia-pytriton\s", server)


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_nothing_is_fetched_by_address_and_no_secret_is_named(stage: Stage) -> None:
    assert not stage.words("ADD")
    assert not [run for run in stage.words("RUN") if re.search(r"\b(curl|wget)\s+-?\S*\s*http|git\s+clone", run)]
    named = " ".join(stage.words("ARG") + stage.words("ENV"))
    assert not re.search(r"(?i)(password|secret|token|credential|api_?key)", named)


def test_all_that_is_installed_is_held_to_the_constraints() -> None:
    installing = [
        line
        for file in (ROOT / "Containerfile", *(ROOT / "containers").glob("*.sh"))
        for line in re.sub(r"\\\n\s*", "", file.read_text(encoding="utf-8")).splitlines()
        if re.search(r"/pip\b.* install\b", line) and not line.lstrip().startswith("#")
    ]

    assert len(installing) == 2
    assert all("--constraint /build/constraints.txt" in line for line in installing)


@pytest.mark.parametrize("service", IMAGES)
def test_what_an_image_requires_is_pinned(service: str) -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", pins, re.MULTILINE))

    assert {name.replace("_", "-") for name in closure(service)[1]} <= pinned


def test_what_builds_is_pinned() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tools = (ROOT / "containers/build-requirements.txt").read_text(encoding="utf-8").splitlines()

    for tool in (line for line in tools if not line.startswith("#")):
        assert f"\n{tool}==" in pins


def test_the_context_has_no_more_than_what_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        word.split("/")[0]
        for stage in STAGES.values()
        for words in stage.words("COPY")
        if not words.startswith("--from=")
        for word in words.split()[:-1]
    }

    assert lines[1] == "*"
    assert kept == copied
