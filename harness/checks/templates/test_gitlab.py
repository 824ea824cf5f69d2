"""The GitLab template."""

import json
import subprocess
from xml.etree import ElementTree

import pytest
import yaml
from conftest import ROOT, SCENARIO
from gitlab import TEMPLATE, Pipeline, jobs


@pytest.fixture
def pipeline(place, tmp_path):
    def make(variables=None, user=None):
        given = {"SQUALL": "squall", "SQUALL_SCENARIOS": SCENARIO, "SQUALL_RUNS": "4",
                 # The usual defect is noticed elsewhere.
                 "SQUALL_CANARY": "breaker-never-opens"}
        return Pipeline(place, tmp_path / "gitlab", given | (variables or {}), user)
    return make


def test_schema():
    subprocess.run(["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", ROOT / TEMPLATE], check=True)


def test_rules_of_the_house():
    for name, job in jobs()[0].items():
        assert job["script"][0].startswith("set -euo pipefail\n"), name
        assert job["timeout"] and job["retry"]["exit_codes"] == [3] and job["interruptible"]
        if name != "squall:build":
            assert job["artifacts"]["when"] == "always", name
    merge = jobs()[0]["squall:merge"]
    assert merge["when"] == "always" and "squall" in merge["needs"]
    assert set(merge["artifacts"]["reports"]) == {"junit", "codequality"}
    for path in merge["artifacts"]["reports"].values():
        assert f"={path}" in merge["script"][0]


def test_shards_and_merge(place, pipeline):
    pipeline = pipeline(user={"squall": {"parallel": 3}})
    assert pipeline.run("squall:build") == [0]
    assert pipeline.run("squall") == [0, 0, 0], pipeline.printed
    assert pipeline.run("squall:merge") == [0], pipeline.printed
    calls = place.calls()
    assert calls[0] == ["run", "--no-progress", "--shard=auto", "--report=squall-shards/shard-1.json", "--runs=4",
                        "--canary=breaker-never-opens", "--", SCENARIO]
    assert [call[0] for call in calls] == ["run"] * 3 + ["merge"]
    report = pipeline.machine("squall:merge") / "squall-report"
    assert {"squall.json", "squall.html", "junit.xml", "gl-code-quality-report.json"} == {p.name for p in report.iterdir()}
    if place.real:
        junit = ElementTree.parse(report / "junit.xml")
        assert list(junit.iter("testcase")) and not list(junit.iter("failure"))
        assert json.loads((report / "gl-code-quality-report.json").read_text()) == []


def test_lost_shards_turn_the_merge_red(place, pipeline):
    pipeline = pipeline()
    pipeline.run("squall", lose=[2])
    assert pipeline.run("squall:merge") == [2], pipeline.printed


@pytest.mark.fake
def test_no_shards_turn_the_merge_red(place, pipeline):
    pipeline = pipeline()
    assert pipeline.run("squall:merge") == [2] and "no shards" in pipeline.printed
    assert place.calls() == []


@pytest.mark.fake
def test_exit_codes_arrive(place, pipeline):
    pipeline = pipeline()
    for code in (1, 2, 3):
        place.env["FAKE_EXIT_RUN"] = str(code)
        assert pipeline.run("squall") == [code] * 4
    place.env["FAKE_EXIT_RUN"] = "1"
    pipeline.run("squall")
    assert pipeline.run("squall:merge") == [1]


def test_compare(place, pipeline):
    pipeline = pipeline({"SQUALL_BASELINE": "base.json"})
    pipeline.run("squall")
    assert pipeline.run("squall:merge") == [0] and "does not exist yet" in pipeline.printed
    (pipeline.machine("squall:merge") / "squall-report/squall.json").rename(place.work / "base.json")
    place.calls()
    pipeline.run("squall")
    assert pipeline.run("squall:merge") == [0], pipeline.printed
    calls = place.calls()
    assert "--earlier=base.json" in calls[0]
    assert [call[0] for call in calls[4:]] == ["merge", "compare", "compare"]
    if not place.real:
        place.env["FAKE_EXIT_COMPARE"] = "1"
        assert pipeline.run("squall:merge") == [1]


def test_time_budget(place, pipeline):
    pipeline = pipeline({"SQUALL_TIME_BUDGET": "1m", "SQUALL_SEED": "7"})
    pipeline.run("squall")
    assert {"--time-budget=1m", "--seed=7"} <= set(place.calls()[0])
    assert pipeline.run("squall:merge") == [0], pipeline.printed
    assert "--allow-partial" in place.calls()[0]


@pytest.mark.parametrize("canary, flag", [("true", "--canary"), ("", None), ("false", None)])
def test_canary(place, pipeline, canary, flag):
    pipeline({"SQUALL_CANARY": canary}).run("squall", lose=[2, 3, 4])
    call, = place.calls()
    assert [word for word in call if word.startswith("--canary")] == ([flag] if flag else [])


def test_squall_is_built_once(place, pipeline, tmp_path):
    """From a repository in a folder, with a cargo that copies the squall at hand."""
    source = tmp_path / "source"
    place.program("cargo", """#!/bin/sh
test -f .cargo/config.toml || exit 101
echo built >> "$FAKE_LOG.cargo"
mkdir -p target/release && cp -L "$(command -v squall)" target/release/squall
""")
    commit = ("git add --all && git -c user.name=x -c user.email=x@example.com commit --quiet --message x "
              "--allow-empty")
    place.sh(f"git init --quiet --initial-branch main '{source}' && cd '{source}' && mkdir .cargo "
             f"&& touch .cargo/config.toml && {commit}", check=0)
    pipeline = pipeline({"SQUALL": "", "SQUALL_REPOSITORY": f"file://{source}"})
    log = place.log.with_name(place.log.name + ".cargo")

    def built():
        log.unlink(missing_ok=True)
        assert pipeline.run("squall:build") == [0], pipeline.printed
        return log.exists()

    assert built()
    assert not built()
    place.sh(f"cd '{source}' && {commit}", check=0)
    assert built()
    assert pipeline.run("squall") == [0] * 4, pipeline.printed
    assert pipeline.run("squall:merge") == [0], pipeline.printed
    pipeline.variables["SQUALL_REF"] = "not-there"
    assert pipeline.run("squall:build") == [2]


def test_a_user_may_add_rules(tmp_path):
    """The page says how; the result is valid, and reaches every job."""
    rules = [{"if": "$CI_COMMIT_BRANCH"}]
    found, _ = jobs({".squall": {"rules": rules}})
    assert all(job["rules"] == rules for job in found.values())
    path = tmp_path / "all.yml"
    path.write_text(yaml.safe_dump(found))
    subprocess.run(["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", path], check=True)
