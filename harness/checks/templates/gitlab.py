"""A small runner of GitLab jobs: each on a machine of its own, with the artifacts of the jobs that it needs."""

import shutil

import yaml
from conftest import ROOT

TEMPLATE = "ci/gitlab/squall.gitlab-ci.yml"


def merged(base, over):
    """How GitLab merges an included file, an `extends` and what a user writes: maps deeply, all else replaced."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return base | {key: merged(base.get(key), value) for key, value in over.items()}


def jobs(user=None):
    """The jobs of the template with a user's changes, `extends` resolved."""
    config = merged(yaml.safe_load((ROOT / TEMPLATE).read_text()), user or {})
    found = {name: job for name, job in config.items() if isinstance(job, dict) and "script" in job}
    return {name: merged(config.get(job.get("extends"), {}), job) for name, job in found.items()}, config["variables"]


class Pipeline:
    def __init__(self, place, folder, variables=None, user=None):
        self.place, self.folder = place, folder
        self.jobs, defaults = jobs(user)
        self.variables = defaults | (variables or {})
        self.codes, self.printed = {}, ""

    def machine(self, name, index=None):
        return self.folder / (name.replace(":", "-") + (f"-{index}" if index else ""))

    def run(self, name, lose=()):
        """Runs a job, each of its parallel parts, unless that part is lost. Exit codes, in order."""
        job, codes = self.jobs[name], []
        total = job.get("parallel", 1)
        for index in range(1, total + 1):
            if index in lose:
                continue
            work = self.machine(name, index if "parallel" in job else None)
            shutil.copytree(self.place.work, work, dirs_exist_ok=True)
            for need in job.get("needs", []):
                of = self.machine(need).name
                for machine in [*self.folder.glob(of), *self.folder.glob(f"{of}-[0-9]*")]:
                    for path in self.jobs[need].get("artifacts", {}).get("paths", []):
                        if (machine / path).is_dir():
                            shutil.copytree(machine / path, work / path, dirs_exist_ok=True)
            env = self.variables | {"CI_NODE_TOTAL": str(total)}
            if "parallel" in job:
                env["CI_NODE_INDEX"] = str(index)
            done = self.place.sh("\n".join(job["script"]), env=env, cwd=work)
            self.printed = done.stdout + done.stderr
            codes.append(done.returncode)
        return codes
