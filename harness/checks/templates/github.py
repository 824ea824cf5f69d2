"""A small runner of GitHub workflows: runs our composite action, step by step, and our workflow, job by job, on this
machine. Artifacts and the cache are folders; what else an action of GitHub's own does is left out."""

import fnmatch
import shutil
from pathlib import Path

import yaml
from conftest import ROOT
from expressions import Context, fill, holds


def load(path):
    return yaml.safe_load((ROOT / path).read_text())


def inputs(path):
    """The inputs that a composite action takes, with their defaults."""
    return {name: given.get("default", "") for name, given in load(path)["inputs"].items()}


class Runner:
    """What one run of a workflow has: artifacts, a cache, how each job ended."""

    def __init__(self, place, folder):
        self.place = place
        self.folder = folder
        self.artifacts = folder / "artifacts"
        self.cache = folder / "cache"
        self.jobs = {}
        self.outputs = {}
        self.uploads = []

    def action(self, given=None, job=(0, 1), env=None, name="job", number=7):
        """Runs the composite action as one job of the workflow's run with this number. The outcome of each step, by its name."""
        action = load("ci/github/action.yml")
        unknown = set(given or {}) - set(action["inputs"])
        assert not unknown, f"the action has no inputs {unknown}"
        temp = self.folder / f"temp-{name}"
        temp.mkdir(parents=True, exist_ok=True)
        context = Context(
            inputs={key: str(value) for key, value in (inputs("ci/github/action.yml") | (given or {})).items()},
            runner={"temp": str(temp)},
            github={"token": "secret", "run_number": number, "run_attempt": 1,
                    "event": {"repository": {"default_branch": "main"}}},
            strategy={"job-index": job[0], "job-total": job[1]},
            steps={step["id"]: {"outputs": {}, "outcome": "skipped"} for step in action["runs"]["steps"] if "id" in step},
        )
        outcomes, status, self.printed = {}, "success", ""
        for step in action["runs"]["steps"]:
            outcome = "skipped"
            if holds(step.get("if"), context, status):
                outcome, outputs = self.step(step, context, temp, status, env or {})
                if "id" in step:
                    context["steps"][step["id"]]["outputs"] = outputs
            outcomes[step["name"]] = outcome
            if "id" in step:
                context["steps"][step["id"]]["outcome"] = outcome
            if outcome == "failure" and not step.get("continue-on-error"):
                status = "failure"
        self.outputs = {key: fill(out["value"], context) for key, out in action["outputs"].items()}
        self.summary = (temp / "summary").read_text() if (temp / "summary").exists() else ""
        self.jobs[name] = status
        return outcomes

    def step(self, step, context, temp, status, env):
        if "uses" in step:
            given = {key: fill(value, context, status) for key, value in step.get("with", {}).items()}
            return self.foreign(step["uses"], given)
        files = {name: temp / name.removeprefix("GITHUB_").lower()
                 for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        files["GITHUB_STEP_SUMMARY"] = temp / "summary"
        files["GITHUB_OUTPUT"].unlink(missing_ok=True)
        assert "${{" not in step["run"], "an expression in a script is an injection: pass it through env"
        done = self.place.sh(step["run"], shell=("bash", "--noprofile", "--norc", "-eo", "pipefail"), env={
            **{key: str(path) for key, path in files.items()},
            "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF_NAME": "12/merge", "GITHUB_REPOSITORY": "o/r",
            "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "1",
            "RUNNER_TEMP": str(temp), "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.place.work / "ci/github"), **env,
            **{key: fill(value, context, status) for key, value in step.get("env", {}).items()},
        })
        self.printed += done.stdout + done.stderr
        outputs = {}
        if files["GITHUB_OUTPUT"].exists():
            outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        return ("success" if done.returncode == 0 else "failure"), outputs

    def foreign(self, uses, given):
        """What GitHub's own actions do, as far as ours needs it."""
        name = uses.split("@")[0]
        if name == "actions/upload-artifact":
            target = self.artifacts / given["name"]
            assert given["overwrite"] == "True" or not target.exists()
            shutil.rmtree(target, ignore_errors=True)
            source = self.place.work / given["path"]
            if source.exists() and any(source.iterdir()):
                shutil.copytree(source, target)
                self.uploads.append(given["name"])
            # Every job has a machine of its own.
            shutil.rmtree(source, ignore_errors=True)
        elif name == "actions/download-artifact":
            Path(given["path"]).mkdir(parents=True, exist_ok=True)
            for artifact in sorted(self.artifacts.glob("*")):
                if fnmatch.fnmatch(artifact.name, given["pattern"]):
                    into = "" if given["merge-multiple"] == "True" else artifact.name
                    shutil.copytree(artifact, Path(given["path"], into), dirs_exist_ok=True)
        elif name == "actions/cache/restore":
            if (self.cache / given["key"]).exists():
                shutil.copytree(self.cache / given["key"], given["path"])
                return "success", {"cache-hit": "true"}
            begins = given.get("restore-keys")
            found = [path for path in self.cache.glob("*") if begins and path.name.startswith(begins)]
            if found:
                shutil.copytree(max(found, key=lambda path: path.stat().st_mtime_ns), given["path"], dirs_exist_ok=True)
        elif name == "actions/cache/save":
            # What is there already stays, and what is not there is not saved: warnings, no errors.
            if Path(given["path"]).exists() and not (self.cache / given["key"]).exists():
                shutil.copytree(given["path"], self.cache / given["key"])
        else:
            raise AssertionError(f"what does {uses} do?")
        return "success", {}
