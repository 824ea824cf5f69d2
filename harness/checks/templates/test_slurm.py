"""The Slurm scripts, as far as they go without Slurm; harness/checks/slurm-check goes all the way."""

import json
import re
from pathlib import Path

import pytest
from conftest import ROOT, SCENARIO, finding


@pytest.fixture
def slurm(place, tmp_path):
    (place.bin / "sbatch").symlink_to(Path(__file__).with_name("fake-sbatch"))
    for name in ("squall.sbatch", "merge.sbatch", "explore.sbatch"):
        # As Slurm does: it reads a script, and needs no right to execute it.
        (place.work / "ci/slurm" / name).chmod(0o755)
    place.env["FAKE_SPOOL"] = str(tmp_path / "spool")


def test_submit(place, slurm):
    done = place.sh(f"ci/slurm/submit 3 {SCENARIO} --runs 4", check=0)
    calls = place.calls()
    assert [call[0] for call in calls] == ["run"] * 3 + ["merge"]
    assert calls[0][-3:] == [SCENARIO, "--runs", "4"] and "--shard=auto" in calls[0] and "--resume" in calls[0]
    assert {"shard-0.json", "shard-2.json", "squall.json", "squall.html", "junit.xml"} <= {
        path.name for path in (place.work / "squall-1").iterdir()}
    assert "shards: job 1, tasks 0 to 2" in done.stdout


@pytest.mark.fake
def test_submit_is_the_merge(place, slurm):
    for code, status in ((1, 1), (2, 2)):
        place.sh(f"ci/slurm/submit 2 {SCENARIO}", env={"FAKE_EXIT_RUN": str(code)}, check=status)


@pytest.mark.fake
def test_wrong_usage(place, slurm):
    place.sh("ci/slurm/submit", check=2)
    place.sh("ci/slurm/submit scenarios", check=2)
    place.sh("ci/slurm/submit 2", env={"SQUALL": "not-there"}, check=2)


def test_explore(place, slurm):
    """Each task has a seed and a corpus of its own, and begins with what the others had."""
    for night in (1, 2):
        place.sh("sbatch --wait --array=0-1 ci/slurm/explore.sbatch --runs 16", check=0)
        calls = place.calls()
        assert [call[0] for call in calls] == ["corpus", "explore"] * 2
        seeds = [word for call in calls for word in call if word.startswith("--seed=")]
        assert len(set(seeds)) == 2 and all("--runs" in call and "16" in call for call in calls[1::2])
    all_of_it = place.work / "squall-explored"
    one, two = ({path.name for path in (all_of_it / f"corpus-{task}").iterdir()} for task in (0, 1))
    assert one & two, "the second night began with what both had"
    assert {"explored-0.json", "explored-1.json", "found"} <= {path.name for path in all_of_it.iterdir()}


@pytest.mark.fake
def test_what_a_machine_finds(place, slurm):
    env = {"FAKE_FOUND": json.dumps([finding("no_loss", "a")])}
    place.sh("sbatch --wait --array=0-1 ci/slurm/explore.sbatch --time 45m", env=env, check=1)
    assert [path.name for path in (place.work / "squall-explored/found").iterdir()] == ["no_loss-a.yaml"]
    # What cannot be merged is not explored from.
    place.calls()
    place.sh("sbatch --wait --array=0-0 ci/slurm/explore.sbatch", env={"FAKE_EXIT_CORPUS": "2"}, check=2)
    assert [call[0] for call in place.calls()] == ["corpus"]


@pytest.mark.parametrize("script", ["squall.sbatch", "explore.sbatch"])
def test_what_is_asked_of_slurm(script):
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=?(.*)$", (ROOT / "ci/slurm" / script).read_text(), re.M))
    assert options["signal"] == "B:TERM@60" and "requeue" in options and options["open-mode"] == "append"
    assert "time" in options and "mem" in options
