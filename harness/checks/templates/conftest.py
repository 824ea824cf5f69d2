"""What the tests share: a place to run in, with a squall on the PATH that logs how it is called."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FAKE = Path(__file__).with_name("fake-squall")
SCENARIO = "scenarios/dependency/gateway-down.yaml"

# Logs each command line, then becomes the squall that is given. The real one is asked for two seeds only.
LOGGER = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["FAKE_LOG"], "a") as file:
    file.write(json.dumps({"args": sys.argv[1:]}) + "\\n")
args = sys.argv[1:]
if args and args[0] == "run" and not any(arg.startswith("--runs") for arg in args):
    args.insert(1, "--runs=2")
os.execv(os.environ["REAL_SQUALL"], ["squall", *args])
"""


def pytest_addoption(parser):
    parser.addoption("--squall", help="a real squall, to run the steps with beside the fake one")


def pytest_configure(config):
    config.addinivalue_line("markers", "fake: only with the fake squall, whose end can be told or does not matter")


def pytest_generate_tests(metafunc):
    if "place" in metafunc.fixturenames:
        real = metafunc.config.getoption("squall") and not metafunc.definition.get_closest_marker("fake")
        metafunc.parametrize("place", ["fake"] + (["real"] if real else []), indirect=True)


def finding(cause, name, **more):
    """As `squall explore --report` tells it, with the `text` of its scenario, which the fake squall writes."""
    return {
        "cause": {"first": cause, "all": [cause]}, "summary": f"{cause} is broken", "file": f"{cause}-{name}.yaml",
        "faults": ["crash"], "steps": [1, 3], "events": 100, "tried": 12, "complete": True, "fails": [9, 10],
        "after_runs": 13, "after_ms": 1400, "runs": 1, "drawn_from": "2 of crash", "unstable": None,
        "text": f"# Found by squall explore\nname: {name}\nfaults:\n  - {{ at: 1s, crash: leader }}\n", **more}


class Place:
    """A working copy with the scenarios and the templates, and a squall on the PATH."""

    def __init__(self, folder, real):
        self.real = real is not None
        self.work = folder / "work"
        self.log = folder / "squall.log"
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.work.mkdir()
        shutil.copytree(ROOT / "ci", self.work / "ci")
        scenario = self.work / SCENARIO
        scenario.parent.mkdir(parents=True)
        shutil.copy(ROOT / SCENARIO, scenario)
        if real:
            self.program("squall", LOGGER)
        else:
            (self.bin / "squall").symlink_to(FAKE)
        keep = ("HOME", "LANG", "PATH", "TMPDIR")
        self.env = {name: os.environ[name] for name in keep if name in os.environ}
        self.env |= {"PATH": f"{self.bin}:{self.env['PATH']}", "FAKE_LOG": str(self.log), "REAL_SQUALL": str(real)}

    def program(self, name, text):
        """Puts a program on the PATH."""
        path = self.bin / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def sh(self, script, env=None, check=None, cwd=None, shell=("bash", "-eo", "pipefail")):
        """Runs a script as GitHub does; `check` is the exit code it must have."""
        done = subprocess.run([*shell, "-c", script], env=self.env | (env or {}), cwd=cwd or self.work, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=80)
        if check is not None:
            assert done.returncode == check, f"exit code {done.returncode}\n{script}\n{done.stdout}\n{done.stderr}"
        return done

    def calls(self):
        """The command lines that squall was given since the last look."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [json.loads(line)["args"] for line in lines]


@pytest.fixture
def place(request, tmp_path):
    return Place(tmp_path, request.config.getoption("squall") if request.param == "real" else None)
