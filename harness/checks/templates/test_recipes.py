"""docs/ci.md: Jenkins, Buildkite, Azure. The YAML by the schemas of whom it is for, and every squall command of them executed,
in order, as the service would: the shards each with its number, then the merge."""

import re
import subprocess

import pytest
import yaml
from conftest import ROOT, SCENARIO

PAGE = (ROOT / "docs/ci.md").read_text()
SHARDS = 2


def section(name):
    return re.split(r"^## ", PAGE.split(f"\n## {name}\n")[1], flags=re.M)[0]


def block(name, language):
    text, = re.findall(rf"^```{language}\n(.*?)^```$", section(name), re.M | re.S)
    return text


@pytest.mark.parametrize("name, schema", [
    ("Buildkite", "vendor.buildkite"), ("Azure Pipelines", "vendor.azure-pipelines")])
def test_schema(name, schema, tmp_path):
    path = tmp_path / "pipeline.yml"
    path.write_text(block(name, "yaml"))
    # Azure's has patterns that are none with the flag for Unicode.
    given = ["--regex-variant", "nonunicode", "--builtin-schema", schema]
    subprocess.run(["check-jsonschema", *given, path], check=True)


def commands(name):
    """The command of a shard, and that of the merge."""
    if name == "Jenkins":
        return re.findall(r"^\s*sh '(squall [^']*)'$", block(name, "groovy"), re.M)
    steps = yaml.safe_load(block(name, "yaml"))
    if name == "Buildkite":
        run, merge = steps["steps"]
        return [run["command"].replace("$$", "$"), next(c for c in merge["commands"] if c.startswith("squall "))]
    return [step["bash"] for job in steps["jobs"] for step in job["steps"] if "bash" in step]


def environment(name, index, folder):
    return {
        "Jenkins": {"SHARD": str(index + 1)},
        "Buildkite": {"BUILDKITE_PARALLEL_JOB": str(index), "BUILDKITE_PARALLEL_JOB_COUNT": str(SHARDS)},
        "Azure Pipelines": {
            "SYSTEM_JOBPOSITIONINPHASE": str(index + 1), "SYSTEM_TOTALJOBSINPHASE": str(SHARDS),
            "BUILD_ARTIFACTSTAGINGDIRECTORY": str(folder), "PIPELINE_WORKSPACE": str(folder.parent)},
    }[name]


@pytest.mark.parametrize("name", ["Jenkins", "Buildkite", "Azure Pipelines"])
def test_commands(name, place):
    run, merge = commands(name)
    for index in range(SHARDS):
        folder = place.work / f"shard-{index + 1}"
        folder.mkdir()
        command = run.replace("/4", f"/{SHARDS}").replace("run scenarios", f"run {SCENARIO}")
        place.sh(command, env=environment(name, index, folder), check=0)
    place.sh(merge, env=environment(name, 0, place.work / "merge"), check=0)
    assert [call[0] for call in place.calls()] == ["run"] * SHARDS + ["merge"]
    assert (place.work / "squall.html").exists() and (place.work / "junit.xml").exists()
    # What is published is what was written.
    for path in re.findall(r"(?:publish: |testResultsFiles: |pattern: ')(squall\.\w+|junit\.xml)", section(name)):
        assert (place.work / path).exists(), path
