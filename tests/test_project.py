"""The README, and the files by which the project is built, checked and listed elsewhere."""

import re
import shlex
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile
import yaml
from click.testing import CliRunner
from pages import blocks

import dap
from dap.cli import main
from dap.data.corruptions.quantization import cells

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def commands(page):
    """The lines of a page's blocks that have no language."""
    return [line for language, text in blocks(page) if not language for line in text.splitlines()]


@pytest.fixture
def recordings(tone, hiss, tmp_path, monkeypatch):
    """A folder with the recordings that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    dropout = np.tile(tone, 8)
    dropout[19200:21600] = 0.0
    for name, signal in {
        "noisy": tone[:2000] + hiss[:2000],
        "dropout": dropout,
        "coarse": cells(tone, 16, "mid-rise")[0],
    }.items():
        soundfile.write(f"{name}.wav", signal, 16000, subtype="FLOAT")
    return tmp_path


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 90


@pytest.mark.usefixtures("few_iterations")
@pytest.mark.parametrize("command", [*commands("README.md"), *commands("docs/restoring.md")])
def test_commands_that_are_shown(command, recordings):
    program, *arguments = shlex.split(command)
    if program == "make":
        assert set(arguments) <= TARGETS
        return
    if program == "pip":
        assert arguments == ["install", "."]
        return
    assert program == "dap"
    if arguments[:2] == ["study", "check"]:  # tests/commands/test_study_command.py plans one
        arguments = ["study", "check", "--quick", str(ROOT / arguments[2]), *arguments[3:]]
    if "--dequantize" in arguments or "dap-best" in arguments:  # a network is fitted
        options = ["--method", "dap-best", "--iterations", "2", "--width", "0.05"]
        arguments += options if "dap-best" not in arguments else options[2:]
    before = set(recordings.iterdir())
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    if arguments[0] == "restore" and "-h" not in arguments:
        (written,) = set(recordings.iterdir()) - before
        assert soundfile.info(written).frames == soundfile.info(arguments[1]).frames


@pytest.mark.usefixtures("recordings")
def test_the_program_that_is_shown(capsys):
    (program,) = [text for language, text in blocks("docs/restoring.md") if language == "python"]
    exec(program, {})
    assert soundfile.info("restored.wav").frames == 2000
    assert "wiener-tracked" in capsys.readouterr().out


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


STEP = {
    "type": "object",
    "additionalProperties": False,
    "oneOf": [{"required": ["run"]}, {"required": ["uses"]}],
    "properties": {
        "run": {"type": "string"},
        "uses": {"type": "string", "pattern": r"^actions/[a-z-]+@v\d+$"},
        "with": {"type": "object"},
    },
}
WORKFLOW = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "on", "permissions", "jobs"],
    "properties": {
        "name": {"type": "string"},
        "on": {"type": "object"},
        "permissions": {"const": {"contents": "read"}},
        "jobs": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["runs-on", "timeout-minutes", "steps"],
                "properties": {
                    "runs-on": {"type": "string"},
                    "timeout-minutes": {"type": "integer"},
                    "strategy": {"type": "object"},
                    "steps": {"type": "array", "items": STEP, "minItems": 1},
                },
            },
        },
    },
}


def parsed(path):
    # YAML 1.1 reads `on` as true
    text = re.sub(r"^on:", '"on":', path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return yaml.safe_load(text)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_of_the_code_host(path):
    workflow = parsed(path)
    jsonschema.validate(workflow, WORKFLOW)
    for step in steps(workflow):
        if (command := step.get("run", "")).startswith("make "):
            assert command.split()[1] in TARGETS
        else:
            assert not command or command.startswith("sudo apt-get ")


def test_they_do_what_ci_does():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    ran = [step.get("run", "") for path in WORKFLOWS for step in steps(parsed(path))]
    targets = {command.split()[1] for command in ran if command.startswith("make ")}
    assert targets == set(re.findall(r"\bmake ([a-z]+)", run)) == {"test", "demo", "lint", "docs"}
    packages = {name for line in re.findall(r"^provide .+", run, re.M) for name in line.split()}
    installed = {name for command in ran for name in command.rpartition("-qq ")[2].split()}
    for name in ("slurm-wlm", "munge", "clang", "libomp-dev", "fluidsynth", "fluid-soundfont-gm"):
        assert name in packages
        assert name in installed


def test_they_test_the_versions_that_are_allowed():
    (tests,) = [path for path in WORKFLOWS if path.stem == "tests"]
    versions = parsed(tests)["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]
    assert f">={versions[0]}" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


# https://snakemake.github.io/snakemake-workflow-catalog, "usage"
CATALOG = {
    "type": "object",
    "additionalProperties": False,
    "required": ["usage"],
    "properties": {
        "usage": {
            "type": "object",
            "additionalProperties": False,
            "required": ["software-stack-deployment", "report"],
            "properties": {
                "mandatory-flags": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["desc", "flags"],
                    "properties": {"desc": {"type": "string"}, "flags": {"type": "string"}},
                },
                "software-stack-deployment": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["conda"],
                    "properties": {
                        name: {"type": "boolean"}
                        for name in ("conda", "apptainer", "apptainer+conda")
                    },
                },
                "report": {"type": "boolean"},
            },
        }
    },
}


def test_the_entry_of_the_workflow_catalog():
    entry = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    jsonschema.validate(entry, CATALOG)
    option, study = entry["usage"]["mandatory-flags"]["flags"].split()
    assert option == "--configfile"
    assert (ROOT / study).is_file()
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert ("conda:" in rules) == entry["usage"]["software-stack-deployment"]["conda"]
    assert ("report(" in rules) == entry["usage"]["report"]


def test_the_changelog_is_kept():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", each) for each in headings[1:]]
    assert all(released)
    kinds = re.findall(r"^### (.+)$", text, re.MULTILINE)
    order = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    assert kinds == [kind for kind in order if kind in kinds]
    # the version that is being worked on has no heading yet
    assert f"[{dap.__version__}]" not in text


def test_make_names_all_targets():
    listed = set(re.findall(r"^# make ([a-z-]+) ", MAKEFILE, re.MULTILINE))
    assert listed == TARGETS - {"help"}
