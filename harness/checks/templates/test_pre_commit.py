"""The pre-commit hook, run by pre-commit itself."""

import shutil
import subprocess

from conftest import ROOT, SCENARIO

GIT = "git -c user.name=x -c user.email=x@example.com"


def test_schema():
    subprocess.run(["pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=True)


def hooked(place, tmp_path):
    """A repository with the hook, and one that uses it."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copytree(ROOT / "ci/pre-commit", hooks / "ci/pre-commit")
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    place.env["PRE_COMMIT_HOME"] = str(tmp_path / "home")
    place.sh(f"cd '{hooks}' && git init --quiet && git add --all && {GIT} commit --quiet --message x && git tag v1", check=0)
    place.sh(f"git init --quiet && printf 'repos:\\n- repo: {hooks}\\n  rev: v1\\n  hooks: [{{id: squall-check}}]\\n' "
             "> .pre-commit-config.yaml && git add --all && pre-commit validate-config", check=0)


def test_only_changed_scenarios_are_checked(place, tmp_path):
    hooked(place, tmp_path)
    done = place.sh(f"{GIT} commit --quiet --message all; pre-commit run --verbose", check=0)
    assert "no files to check" in done.stdout and place.calls() == []
    place.sh(f"echo '# changed' >> {SCENARIO} && echo x > README && git add --all && pre-commit run --verbose", check=0)
    assert place.calls() == [["check", "--", SCENARIO]]


def test_a_mistake_stops_the_commit(place, tmp_path):
    hooked(place, tmp_path)
    place.env["FAKE_EXIT_CHECK"] = "2"
    place.sh(f"echo 'fautls: []' >> {SCENARIO} && git add --all && pre-commit install && {GIT} commit --message x", check=1)
    assert place.calls() == [["check", "--", SCENARIO]]


def test_without_squall_it_is_built_once(place, tmp_path):
    """With a cargo that copies the squall at hand."""
    hooked(place, tmp_path)
    (place.bin / "squall").rename(place.bin / "other-name")
    place.program("cargo", """#!/bin/sh
echo built >> "$FAKE_LOG.cargo"
mkdir -p "$CARGO_TARGET_DIR/release" && cp -L "$(command -v other-name)" "$CARGO_TARGET_DIR/release/squall"
""")
    for _ in range(2):
        place.sh("pre-commit run --all-files", check=0)
    assert place.calls() == [["check", "--", SCENARIO]] * 2
    assert place.log.with_name(place.log.name + ".cargo").read_text() == "built\n"
