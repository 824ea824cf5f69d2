"""shellcheck over everything that is shell: files, and the steps inside YAML and the page."""

import subprocess

import pytest
import yaml
from conftest import ROOT
from gitlab import jobs
from test_pages import blocks

# What the services set; anything else in capitals must be declared where it is used.
GIVEN = ("RUNNER_TEMP", "RUNNER_OS", "RUNNER_ARCH", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY",
         "GITHUB_ACTION_PATH", "GITHUB_EVENT_NAME", "GITHUB_REF_NAME", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT",
         "GITHUB_REPOSITORY", "GITHUB_REF_TYPE", "GITHUB_ACTOR")


def declared(variables):
    return "".join(f"{name}=x\nexport {name}\n" for name in variables)


def files():
    for path in sorted([*ROOT.glob("ci/**/*"), *ROOT.glob("harness/checks/*"), *ROOT.glob(".ci/*")]):
        if path.is_file() and path.read_bytes().startswith((b"#!/usr/bin/env bash", b"#!/bin/sh")):
            slurm = ("SLURM_SUBMIT_DIR", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID") if path.suffix == ".sbatch" else ()
            # After the head comment and its #SBATCH lines, so that the first line stays the first.
            first, rest = path.read_text().split("\nset -euo pipefail\n", 1)
            yield pytest.param(f"{first}\nset -euo pipefail\n{declared(slurm)}{rest}", "bash",
                               id=str(path.relative_to(ROOT)))


def steps():
    for name in ("ci/github/action.yml", ".github/workflows/ci.yml", ".github/workflows/release.yml"):
        top = yaml.safe_load((ROOT / name).read_text())
        lists = [top["runs"]["steps"]] if "runs" in top else [job["steps"] for job in top["jobs"].values()]
        for number, step in enumerate(step for each in lists for step in each if "run" in step):
            yield pytest.param(declared([*GIVEN, *step.get("env", {})]) + step["run"], "bash", id=f"{name}-{number}")
    found, variables = jobs()
    for name, job in found.items():
        yield pytest.param(declared([*variables, "CI_NODE_INDEX"]) + "\n".join(job["script"]), "bash", id=f"gitlab-{name}")
    for name in ("merge.yaml", "explore.yaml"):
        *_, job = yaml.safe_load_all((ROOT / "ci/kubernetes" / name).read_text())
        container, = job["spec"]["template"]["spec"]["containers"]
        given = ["JOB_COMPLETION_INDEX", *(each["name"] for each in container.get("env", []))]
        yield pytest.param(declared(given) + container["args"][0], "sh", id=name)
    for number, (_, text) in enumerate(blocks("sh")):
        yield pytest.param(text, "bash", id=f"page-{number}")


@pytest.mark.parametrize("text, shell", [*files(), *steps()])
def test_shellcheck(text, shell):
    done = subprocess.run(["shellcheck", "--shell", shell, "--enable", "check-unassigned-uppercase,deprecate-which", "-"],
                          input=text, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_script_is_strict():
    for path in [*ROOT.glob("ci/**/*"), *ROOT.glob("harness/checks/*"), *ROOT.glob(".ci/*")]:
        if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash"):
            assert "\nset -euo pipefail\n" in path.read_text(), path
