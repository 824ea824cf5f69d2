"""The Kubernetes manifests, and the script that runs them."""

import importlib.machinery
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, SCENARIO, finding

MANIFESTS = sorted((ROOT / "ci/kubernetes").glob("*.yaml"))
KUBECTL = Path(__file__).with_name("fake-kubectl")


def load(name):
    """The Job of a file."""
    *_, job = yaml.safe_load_all((ROOT / "ci/kubernetes" / name).read_text())
    return job


@pytest.fixture
def cluster(place, tmp_path):
    """The fake kubectl on the PATH."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    explore = place.work / "ci/kubernetes/explore.yaml"
    explore.write_text(explore.read_text().replace("value: 45m", "value: 1s"))
    place.program("kubectl", f"#!/bin/sh\nexec '{sys.executable}' '{KUBECTL}' \"$@\"\n")
    place.env |= {"FAKE_CLUSTER": str(folder), "FAKE_SCENARIOS": str(place.work / SCENARIO)}
    return folder


@pytest.mark.parametrize("version", ["1.33", "1.37"])
def test_schema(version):
    subprocess.run(["kubernetes-validate", "--strict", "-k", version, *MANIFESTS], check=True)


def test_rules_of_the_house():
    for path, thing in [(path, thing) for path in MANIFESTS for thing in yaml.safe_load_all(path.read_text())]:
        if thing["kind"] == "PersistentVolumeClaim":
            continue
        pod = thing["spec"]["template"]["spec"] if thing["kind"] == "Job" else thing["spec"]
        assert pod["restartPolicy"] == "Never", path
        assert pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] and rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]) == {"requests", "limits"}
    job = load("job.yaml")["spec"]
    shards = next(env for env in job["template"]["spec"]["containers"][0]["env"] if env["name"] == "SQUALL_SHARDS")
    assert int(shards["value"]) == job["completions"]
    assert job["template"]["spec"]["terminationGracePeriodSeconds"] >= 30


@pytest.mark.parametrize("code, conditions, shard, merge", [
    (1, (), "FailIndex", "FailJob"),
    (2, (), "FailJob", "FailJob"),
    (3, (), "Count", "Count"),
    (137, (), "Count", "Count"),
    (1, ("DisruptionTarget",), "Ignore", "Ignore"),
    (143, ("DisruptionTarget",), "Ignore", "Ignore"),
    (None, ("DisruptionTarget",), "Ignore", "Ignore"),
])
def test_what_a_failure_does(code, conditions, shard, merge, monkeypatch):
    monkeypatch.setenv("FAKE_CLUSTER", "/nowhere")
    loader = importlib.machinery.SourceFileLoader("fake_kubectl", str(KUBECTL))
    kubectl = importlib.util.module_from_spec(importlib.util.spec_from_loader("fake_kubectl", loader))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(kubectl)
    assert kubectl.action(load("job.yaml")["spec"]["podFailurePolicy"], code, conditions) == shard
    assert kubectl.action(load("explore.yaml")["spec"]["podFailurePolicy"], code, conditions) == shard
    assert kubectl.action(load("merge.yaml")["spec"]["podFailurePolicy"], code, conditions) == merge


def test_run(place, cluster):
    place.sh("ci/kubernetes/run", check=0)
    calls = place.calls()
    assert [call[0] for call in calls] == ["run"] * 4 + ["merge"]
    assert "--resume" in calls[0] and "--shard=auto" in calls[0]
    assert {path.name for path in (place.work / "squall-report").iterdir()} == {"squall.json", "squall.html", "junit.xml"}
    # A second batch has a volume of its own; a namespace arrives.
    place.sh("ci/kubernetes/run elsewhere", env={"KUBECTL": "kubectl -n chaos"}, check=0)
    assert [call[0] for call in place.calls()] == ["run"] * 4 + ["merge"]
    assert (place.work / "elsewhere/squall.json").exists()


def test_a_lost_machine_is_replaced(place, cluster):
    place.sh("ci/kubernetes/run", env={"FAKE_DISRUPT": "squall:2 squall-merge:None"}, check=0)
    codes = [(one["index"], one["code"]) for one in json.loads((cluster / "squall.json").read_text())["attempts"]]
    assert codes == [(0, 0), (1, 0), (2, 1), (2, 0), (3, 0)]


@pytest.mark.fake
@pytest.mark.parametrize("code, tried, status", [(1, 4, 1), (2, 1, 2), (3, 12, 2)])
def test_what_does_not_pass(place, cluster, code, tried, status):
    """1 is not repeated, 2 stops the Job, 3 is tried three times; the merge always has the last word."""
    done = place.sh("ci/kubernetes/run", env={"FAKE_EXIT_RUN": str(code)}, check=status)
    assert "not every shard passed" in done.stdout
    assert len(json.loads((cluster / "squall.json").read_text())["attempts"]) == tried


def test_two_batches_on_one_volume_are_refused(place, cluster):
    place.sh("kubectl apply -f ci/kubernetes/volume.yaml -f ci/kubernetes/job.yaml", check=0)
    shards = cluster / "claims/squall"
    for path in list(shards.iterdir()):
        shutil.copy(path, shards / path.name.replace("uid", "older"))
    place.sh("kubectl apply -f ci/kubernetes/merge.yaml && kubectl wait --for=condition=Failed job/squall-merge", check=0)
    assert json.loads((cluster / "squall-merge.json").read_text())["attempts"] == [{"index": None, "code": 2}]


EXPLORE = "kubectl delete --ignore-not-found job/squall-explore && kubectl apply -f ci/kubernetes/explore.yaml"


def test_explore(place, cluster):
    """Each index has a seed and a corpus of its own; the volume stays, and the second Job begins with what all had."""
    for _ in (1, 2):
        place.sh(EXPLORE, check=0)
        calls = place.calls()
        assert [call[0] for call in calls] == ["corpus", "explore"] * 4, (cluster / "squall-explore.json").read_text()
        assert len({word for call in calls for word in call if word.startswith("--seed=")}) == 4
        assert all("--time=1s" in call for call in calls[1::2])
    volume = cluster / "claims/squall-explore"
    corpora = [{path.name for path in (volume / f"corpus-{index}").iterdir()} for index in range(4)]
    assert set.intersection(*corpora), "the second Job began with what all had"
    assert (volume / "explored-3.json").exists() and not (cluster / "claims/squall").exists()


@pytest.mark.fake
def test_what_a_machine_finds(place, cluster):
    """It is a result: nothing is repeated, the others go on."""
    place.sh(EXPLORE, env={"FAKE_FOUND": json.dumps([finding("no_loss", "a")])}, check=0)
    told = json.loads((cluster / "squall-explore.json").read_text())
    assert told["condition"] == "Failed" and [one["code"] for one in told["attempts"]] == [1] * 4
    assert (cluster / "claims/squall-explore/found/no_loss-a.yaml").exists()


def test_image(tmp_path):
    """There is no Docker engine here: the file is linted, and what it copies is a workspace that has squall in it."""
    dockerfile = ROOT / "ci/docker/Dockerfile"
    subprocess.run(["hadolint", dockerfile], check=True)
    assert "\nUSER 65532:65532\n" in dockerfile.read_text()
    for line in dockerfile.with_name("Dockerfile.dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / line[1:])
    if not shutil.which("cargo"):
        pytest.skip("no cargo")
    told = subprocess.run(["cargo", "metadata", "--no-deps", "--locked", "--format-version=1"], cwd=tmp_path, check=True,
                          capture_output=True, text=True)
    squall, = [package for package in json.loads(told.stdout)["packages"] if package["name"] == "squall-command"]
    assert "squall" in [target["name"] for target in squall["targets"] if target["kind"] == ["bin"]]
