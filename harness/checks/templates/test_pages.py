"""ci/README.md, to the letter: every fenced block is validated, every command executed, in the order of the page."""

import re
import subprocess
from pathlib import Path

import gitlab
import pytest
import yaml
from conftest import ROOT, SCENARIO
from github import inputs
from test_kubernetes import cluster  # noqa: F401: a fixture
from test_slurm import slurm  # noqa: F401: a fixture

PAGE = (ROOT / "ci/README.md").read_text()


def blocks(language):
    """Heading and text of each block."""
    found = []
    for section in re.split(r"^## ", PAGE, flags=re.M)[1:]:
        heading = section.splitlines()[0]
        found += [(heading, text) for text in re.findall(rf"^```{language}\n(.*?)^```$", section, re.M | re.S)]
    return found


def uses(thing):
    """All steps with our action in a workflow or a list of steps."""
    jobs = thing["jobs"].values() if "jobs" in thing else [thing]
    return [step for job in jobs for step in job["steps"] if "squall" in step.get("uses", "")]


def validated(schema, tmp_path, thing):
    path = tmp_path / "block.yml"
    path.write_text(thing if isinstance(thing, str) else yaml.safe_dump(thing))
    subprocess.run(["check-jsonschema", "--builtin-schema", schema, path], check=True)


def test_all_blocks_are_known():
    languages = re.findall(r"^```(\w*)$", PAGE, re.M)
    assert set(languages) == {"yaml", "sh", ""}
    assert languages.count("") == len(blocks("yaml")) + len(blocks("sh"))


@pytest.mark.parametrize("heading, text", [
    pytest.param(*block, id=f"{block[0]}-{number}") for number, block in enumerate(blocks("yaml"))])
def test_yaml(heading, text, tmp_path):
    thing = yaml.safe_load(text)
    if heading == "pre-commit":
        path = tmp_path / ".pre-commit-config.yaml"
        path.write_text(text)
        subprocess.run(["pre-commit", "validate-config", path], check=True)
        hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
        assert {hook["id"] for hook in thing["repos"][0]["hooks"]} <= {hook["id"] for hook in hooks}
    elif heading == "GitLab":
        included = thing.pop("include", [])
        assert all(file["remote"].endswith(f"/$SQUALL_REF/{gitlab.TEMPLATE}") for file in included)
        assert set(thing.get("variables", {})) <= set(gitlab.jobs()[1])
        jobs, variables = gitlab.jobs(thing)
        validated("vendor.gitlab-ci", tmp_path, {"variables": variables, **jobs})
    else:
        assert uses(thing)
        for step in uses(thing):
            assert step["uses"] == "OWNER/squall/ci/github@main"
            assert (ROOT / "ci/github/action.yml").exists()
            assert set(step.get("with", {})) <= set(inputs("ci/github/action.yml"))
        if "jobs" in thing:
            validated("vendor.github-workflows", tmp_path, text)
            validated("custom.github-workflows-require-timeout", tmp_path, text)
            rights = {right: level for job in [thing, *thing["jobs"].values()] for right, level in
                      job.get("permissions", {}).items()}
            tells = {"pull-requests": "comment", "issues": "issues"}
            for right, level in rights.items():
                given = [step.get("with", {}) for step in uses(thing)]
                needed = right == "security-events" and "upload-sarif" in text or any(
                    step.get(tells.get(right)) for step in given)
                assert (right, level) == ("contents", "read") or needed and level == "write", (right, level)
            assert thing["permissions"]["contents"] == "read"


def test_the_page_names_every_input_and_variable():
    section = PAGE[PAGE.index("## GitHub"):PAGE.index("## GitLab")]
    table = re.findall(r"`([\w-]+)`", " ".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `")))
    assert sorted(table) == sorted(inputs("ci/github/action.yml"))
    for variable in gitlab.jobs()[1]:
        assert f"`{variable}" in PAGE or f"{variable}:" in PAGE or variable in ("SQUALL_REF", "SQUALL_IMAGE"), variable


def test_commands(place, cluster, slurm):  # noqa: F811
    """In one folder, in the order of the page, as somebody in a hurry would."""
    place.program("docker", "#!/bin/sh\necho docker \"$@\" >> \"$FAKE_LOG.docker\"\ntest -f \"$3\" || test \"$1\" = push\n")
    for _, text in blocks("sh"):
        if place.real:
            # The fewest runs that say something; one scenario alone is not where the usual defect is noticed.
            text = text.replace("--runs 100", "--runs 8").replace("--time 45m", "--runs 2")
            text = text.replace("--canary", "--canary=breaker-never-opens")
        # A person's shell goes on; ours stops at the first command that fails.
        place.sh(text, shell=("bash", "-euo", "pipefail"), check=0)
    for name in ("squall.json", "squall.html", "junit.xml", "squall.prom", "compare.html", "squall-report/squall.html"):
        assert (place.work / name).exists(), name
    commands = {call[0] for call in place.calls()}
    assert commands == {"run", "merge", "compare", "report", "plan", "explore", "corpus"}
    image = yaml.safe_load((place.work / "ci/kubernetes/job.yaml").read_text())["spec"]["template"]["spec"]["containers"][0]
    assert image["image"] == "registry.example.com/squall"


def test_links():
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        anchors = {re.sub(r"[^\w -]", "", line[3:]).lower().replace(" ", "-") for line in PAGE.splitlines() if
                   line.startswith("## ")}
        if not target.startswith("#"):
            assert (ROOT / "ci" / target).exists(), target
            continue
        assert target.removeprefix("#") in anchors, target
    for path in re.findall(r"`((?:ci|\.ci|harness|\.github)/[\w./-]+)", PAGE):
        if path not in (".github/workflows/squall.yml", ".github/workflows/nightly-squall.yml",
                        ".github/workflows/nightly-explore.yml"):
            assert Path(ROOT / path).exists(), path
    assert SCENARIO
