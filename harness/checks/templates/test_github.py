"""The GitHub action and the project's own workflow."""

import json
import re
import subprocess
import time

import pytest
import yaml
from conftest import ROOT, SCENARIO, finding
from expressions import Context, evaluate, fill, holds
from github import Runner, load
from test_pages import blocks

ACTION = "ci/github/action.yml"
WORKFLOW = ".github/workflows/ci.yml"
RELEASE = ".github/workflows/release.yml"


@pytest.fixture
def runner(place, tmp_path):
    return Runner(place, tmp_path / "github")


@pytest.mark.parametrize("schema, path", [
    ("vendor.github-actions", ACTION),
    ("vendor.github-workflows", WORKFLOW),
    ("custom.github-workflows-require-timeout", WORKFLOW),
    ("vendor.github-workflows", RELEASE),
    ("custom.github-workflows-require-timeout", RELEASE),
])
def test_schema(schema, path):
    subprocess.run(["check-jsonschema", "--builtin-schema", schema, ROOT / path], check=True)


def test_rules_of_the_house():
    """No injection, strict shells, versions by major, few rights, everything ends."""
    action, workflow = load(ACTION), load(WORKFLOW)
    for step in action["runs"]["steps"]:
        if "run" in step:
            assert "${{" not in step["run"], step["name"]
            assert step["run"].startswith("set -euo pipefail\n"), step["name"]
            assert step["shell"] == "bash"
    assert workflow["permissions"] == {"contents": "read"}
    assert "concurrency" in workflow
    for job in workflow["jobs"].values():
        assert "permissions" not in job and job["timeout-minutes"] <= 60
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
    for step in action["runs"]["steps"] + [step for job in workflow["jobs"].values() for step in job["steps"]]:
        uses = step.get("uses", "./")
        assert uses.startswith("./") or re.fullmatch(r"actions/[a-z/-]+@v\d+", uses), uses


def test_the_release_has_few_rights_and_publishes_only_tags():
    release = load(RELEASE)
    assert release["permissions"] == {"contents": "read"}
    jobs = release["jobs"]
    assert jobs["build"]["permissions"] == {"contents": "read", "packages": "write"}
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'" and jobs["publish"]["needs"] == "build"
    targets = {each["target"].split("-")[0] for each in jobs["build"]["strategy"]["matrix"]["include"]}
    assert targets == {"x86_64", "aarch64"}
    for step in [step for job in jobs.values() for step in job["steps"]]:
        assert "${{" not in step.get("run", "") and re.fullmatch(r"actions/[a-z/-]+@v\d+", step.get("uses", "actions/x@v1"))
        if "run" in step:
            assert step["run"].startswith("set -euo pipefail\n"), step
        if "docker push" in step.get("run", ""):
            assert "$GITHUB_REF_TYPE == tag" in step["run"]


def released(place, ref, version):
    """What the step says that looks whether the tag and the version agree."""
    step, = [step for step in load(RELEASE)["jobs"]["build"]["steps"] if step.get("name") == "The tag and the version agree"]
    (place.work / "Cargo.toml").write_text(f'[workspace]\n\n[workspace.package]\nversion = "{version}"\n')
    return place.sh(step["run"], env={"GITHUB_REF_NAME": ref}).returncode


@pytest.mark.fake
def test_a_release_is_of_its_version(place):
    assert released(place, "v1.2.3", "1.2.3") == 0
    assert released(place, "v1.2.4", "1.2.3") == 1
    assert re.search(r'^version = "[0-9.]+"$', (ROOT / "Cargo.toml").read_text(), re.M)


def test_expressions():
    context = Context(inputs={"a": "x", "b": ""}, steps={"s": {"outputs": {}, "outcome": "skipped"}})
    assert evaluate("inputs.a == 'x' && inputs.b == ''", context)
    assert evaluate("!cancelled() && (inputs.b != '' || steps.s.outcome != 'failure')", context, "failure")
    assert not holds("inputs.a == 'x'", context, "failure")
    assert holds("always() && inputs.a == 'x'", context, "failure")
    assert evaluate("steps.s.outputs.none", context) == ""
    with pytest.raises(KeyError):
        evaluate("inputs.c", context)


def test_run(place, runner):
    steps = runner.action({"squall": "squall", "paths": SCENARIO, "runs": 2, "seed": 7})
    assert runner.jobs["job"] == "success", runner.printed
    assert steps["squall run"] == steps["Keep the reports"] == "success"
    assert steps["Build squall"] == steps["squall merge"] == steps["squall compare"] == "skipped"
    assert place.calls() == [[
        "run", "--no-progress", "--report=squall-report/squall.json", "--html=squall-report/squall.html",
        "--junit=squall-report/junit.xml", "--sarif=squall-report/squall.sarif", "--runs=2", "--seed=7", "--", SCENARIO]]
    assert {path.name for path in (runner.artifacts / "squall").iterdir()} == {
        "squall.json", "squall.html", "squall.sarif", "junit.xml"}
    assert runner.outputs["passed"] == "true"
    if place.real:
        assert "gateway" in runner.summary
    assert runner.outputs["report"] == "squall-report/squall.json"


@pytest.mark.fake
def test_a_run_that_does_not_pass_keeps_its_reports(place, runner):
    runner.action({"squall": "squall", "paths": SCENARIO}, env={"FAKE_EXIT_RUN": "1"})
    assert runner.jobs["job"] == "failure"
    assert runner.outputs["passed"] == "false"
    assert runner.uploads == ["squall"]


def test_shards_and_merge(place, runner):
    for index in range(3):
        runner.action({"squall": "squall", "paths": SCENARIO, "runs": 4, "shard": "auto"}, job=(index, 3),
                      name=f"shard-{index}")
        assert runner.jobs[f"shard-{index}"] == "success", runner.printed
        assert runner.outputs["html"] == ""
    assert runner.uploads == ["squall-shard-1-of-3", "squall-shard-2-of-3", "squall-shard-3-of-3"]
    assert runner.summary == ""
    runner.action({"squall": "squall", "command": "merge"}, name="merge")
    assert runner.jobs["merge"] == "success", runner.printed
    if place.real:
        assert "gateway" in runner.summary
    assert [call[0] for call in place.calls()] == ["run"] * 3 + ["merge"]
    assert (runner.artifacts / "squall" / "squall.html").exists()


def test_shards_by_number_and_balanced(place, runner):
    runner.action({"squall": "squall", "paths": SCENARIO, "runs": 2, "artifact": ""})
    place.calls()
    runner.action({"squall": "squall", "paths": SCENARIO, "runs": 2, "shard": "2/2", "time-budget": "5m",
                   "earlier": "squall-report/squall.json"}, job=(5, 6))
    assert place.calls() == [[
        "run", "--no-progress", "--report=squall-report/shard-2-of-2.json", "--shard=2/2",
        "--runs=2", "--earlier=squall-report/squall.json", "--time-budget=5m", "--", SCENARIO]]
    assert runner.uploads == ["squall-shard-2-of-2"]


def test_a_lost_shard_turns_the_merge_red(place, runner):
    runner.action({"squall": "squall", "paths": SCENARIO, "runs": 4, "shard": "auto"}, job=(0, 2), name="shard")
    runner.action({"squall": "squall", "command": "merge"}, name="merge")
    assert runner.jobs == {"shard": "success", "merge": "failure"}
    runner.artifacts.rename(runner.artifacts.with_name("lost"))
    place.calls()
    runner.action({"squall": "squall", "command": "merge"}, name="merge-of-none")
    assert runner.jobs["merge-of-none"] == "failure" and "no shards" in runner.printed
    assert place.calls() == []


def test_compare(place, runner):
    given = {"squall": "squall", "paths": SCENARIO, "runs": 2, "baseline": "base.json"}
    runner.action(given)
    assert runner.jobs["job"] == "success" and "does not exist yet" in runner.printed
    (runner.artifacts / "squall" / "squall.json").rename(place.work / "base.json")
    place.calls()
    runner.action(given)
    assert runner.jobs["job"] == "success", runner.printed
    assert [call[0] for call in place.calls()] == ["run", "compare", "compare"]
    assert runner.summary
    assert {"compare.md", "compare.html"} <= {path.name for path in (runner.artifacts / "squall").iterdir()}
    if not place.real:
        runner.action(given, env={"FAKE_EXIT_COMPARE": "1"})
        assert runner.jobs["job"] == "failure" and "worse than the baseline" in runner.printed
        # What did not pass is compared all the same.
        steps = runner.action(given, env={"FAKE_EXIT_RUN": "1"})
        assert steps["squall compare"] == "success" and runner.jobs["job"] == "failure"


def test_the_baseline_is_the_last_of_the_default_branch_that_passed(place, runner):
    """A job on main keeps it, a pull request's finds it; what did not pass is no baseline."""
    given = {"squall": "squall", "paths": SCENARIO, "runs": 2, "baseline": "auto", "artifact": "nightly"}
    main = {"GITHUB_EVENT_NAME": "push", "GITHUB_REF_NAME": "main"}
    steps = runner.action(given, name="first")
    assert runner.jobs["first"] == "success" and "does not exist yet" in runner.printed, runner.printed
    assert steps["Keep the report as the next baseline"] == "skipped", "a pull request is no baseline"
    if not place.real:
        steps = runner.action(given, env=main | {"FAKE_EXIT_RUN": "1"}, name="red")
        assert steps["Keep the report as the next baseline"] == "skipped" and runner.jobs["red"] == "failure"
    steps = runner.action(given, env=main | {"GITHUB_RUN_ID": "78"}, name="main")
    assert steps["Keep the report as the next baseline"] == "success", runner.printed
    assert [path.name for path in runner.cache.iterdir()] == ["squall-baseline-nightly-78-1"]
    place.calls()
    runner.action(given, name="request")
    compared = [call for call in place.calls() if call[0] == "compare"]
    assert len(compared) == 2 and compared[0][-2].endswith("squall-baseline/squall.json"), compared
    # Shards neither look for it nor keep it: the merge does.
    steps = runner.action({**given, "shard": "1/1"}, env=main, name="shard")
    assert steps["Find the baseline"] == steps["Keep the report as the next baseline"] == "skipped"
    steps = runner.action({**given, "command": "merge"}, name="merge")
    assert steps["Find the baseline"] == "success" and runner.jobs["merge"] == "success", runner.printed


# GitHub's side: comments.json and issues.json in the folder gh beside it are what there is, and what is posted is there from
# then on; what is asked is in log.
GH = """#!/usr/bin/env python3
import json, os, sys
folder = os.path.join(os.path.dirname(os.path.dirname(sys.argv[0])), "gh")
assert os.environ["GH_TOKEN"] == "secret" and sys.argv[1:3] == ["api", "--method"], sys.argv
method, path = sys.argv[3:5]
body = json.loads(sys.stdin.read()) if "--input" in sys.argv else None
with open(folder + "/log", "a") as file:
    file.write(json.dumps([method, path, body]) + "\\n")
if os.path.exists(folder + "/refuses"):
    sys.exit("HTTP 403: Resource not accessible by integration")
there = folder + ("/comments.json" if "/comments" in path else "/issues.json")
with open(there) as file:
    known = json.load(file)
if method == "GET":
    assert "--paginate" in sys.argv and "--slurp" in sys.argv
    print(json.dumps([known, []]))
else:
    if method == "POST":
        with open(there, "w") as file:
            json.dump([*known, {"number": 9 + len(known), **body}], file)
    print(json.dumps({"number": 9 + len(known), "id": 3}))
"""


class GitHub:
    """A gh, and what it was asked since the last look."""

    def __init__(self, place):
        self.folder = place.bin.parent / "gh"
        self.folder.mkdir()
        place.program("gh", GH)
        place.env["GITHUB_EVENT_PATH"] = str(self.folder / "event.json")
        self.event({"pull_request": {"number": 12}})
        self.there_are()

    def event(self, event):
        (self.folder / "event.json").write_text(json.dumps(event))

    def there_are(self, comments=(), issues=()):
        (self.folder / "comments.json").write_text(json.dumps(list(comments)))
        (self.folder / "issues.json").write_text(json.dumps(list(issues)))

    def asked(self):
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]


@pytest.fixture
def github(place):
    return GitHub(place)


def test_a_pull_request_has_one_comment_that_is_updated(place, runner, github):
    given = {"squall": "squall", "paths": SCENARIO, "runs": 2, "comment": "true"}
    runner.action(given)
    assert runner.jobs["job"] == "success", runner.printed
    (get, _, _), (post, path, data) = github.asked()
    assert (get, post, path) == ("GET", "POST", "repos/o/r/issues/12/comments")
    assert data["body"].startswith("<!-- squall squall -->\n") and "/o/r/actions/runs/77" in data["body"]
    github.there_are(comments=[{"id": 4, "body": "unrelated <!-- squall squall -->"}, {"id": 5, "body": data["body"]}])
    runner.action(given)
    _, (method, path, data) = github.asked()
    assert (method, path) == ("PATCH", "repos/o/r/issues/comments/5") and len(data["body"]) < 65_536
    # Of another batch in the same pull request there is another.
    runner.action(given | {"artifact": "slow"})
    assert github.asked()[1][0] == "POST"
    # A push has nobody to comment to, and a fork's token may not.
    github.event({})
    runner.action(given)
    assert github.asked() == [] and runner.jobs["job"] == "success"
    github.event({"pull_request": {"number": 12}})
    (github.folder / "refuses").touch()
    runner.action(given)
    assert runner.jobs["job"] == "success", runner.printed
    assert "::warning title=squall::GitHub does not take the comment: HTTP 403" in runner.printed


@pytest.mark.fake
def test_each_cause_is_one_issue(place, runner, github):
    given = {"squall": "squall", "paths": SCENARIO, "issues": "true"}
    told = (("no_loss", "a: e1 is lost"), ("drains", "```b"), ("no_loss", "c: e2 is lost"))
    results = [{"ruleId": rule, "message": {"text": text}} for rule, text in told]
    env = {"FAKE_EXIT_RUN": "1", "FAKE_SARIF": json.dumps({"runs": [{"results": results}]})}
    github.there_are(issues=[{"number": 3, "body": "<!-- squall squall drains -->\nold"},
                             {"number": 4, "body": "<!-- squall squall no_loss -->", "pull_request": {}}])
    runner.action(given, env=env)
    assert runner.jobs["job"] == "failure", "what did not pass is red all the same"
    _, again, new = github.asked()
    assert again[:2] == ["POST", "repos/o/r/issues/3/comments"] and "````text\n```b\n````\n" in again[2]["body"], "a block is not ended by what is in it"
    assert new[:2] == ["POST", "repos/o/r/issues"] and new[2]["labels"] == ["squall"]
    assert new[2]["title"] == "squall: no_loss in 2 scenarios"
    assert new[2]["body"].startswith("<!-- squall squall no_loss -->\n") and "e2 is lost" in new[2]["body"]
    runner.action(given)
    assert github.asked() == [], "nothing was found"


def test_issues_of_a_real_report(place, github):
    if not place.real:
        pytest.skip("it is about what squall writes")
    bad = "run --runs 4 --no-progress --defect breaker-never-opens --report bad.json"
    place.sh(f"squall {bad} {SCENARIO}", check=1)
    env = {"GH_TOKEN": "secret", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "1", "GITHUB_SERVER_URL": "https://github.com"}
    place.sh("ci/github/tell issues squall bad.json squall", env=env, check=0)
    asked = github.asked()
    assert len(asked) > 1 and all(data["title"].startswith("squall: ") for _, _, data in asked[1:])
    assert any("breaker" in data["title"] and "squall replay" in data["body"] for _, _, data in asked[1:]), asked


def nightly():
    """What the page's workflow gives to the action, in its run with this number."""
    text, = [text for heading, text in blocks("yaml") if heading == "GitHub" and "command: explore" in text]
    step = yaml.safe_load(text)["jobs"]["explore"]["steps"][-1]
    given = {key: str(value).lower() if isinstance(value, bool) else value for key, value in step["with"].items()}
    return lambda number: {key: fill(value, Context(github={"run_number": number})) for key, value in given.items()}


def test_a_night_goes_on_from_the_night_before(place, runner):
    given = nightly()
    for number in (7, 8):
        # A second is as good as three quarters of an hour, here.
        steps = runner.action({**given(number), "squall": "squall", "time": "1s"}, name=f"night-{number}", number=number)
        assert runner.jobs[f"night-{number}"] == "success" and runner.outputs["passed"] == "true", runner.printed
        assert steps["Open or update issues"] == "success" and steps["squall run"] == "skipped"
        temp = runner.folder / f"temp-night-{number}"
        assert place.calls() == [["explore", "--no-progress", "--report=squall-report/explored.json",
                                  "--out=squall-report/found", f"--corpus={temp}/squall-corpus", "--time=1s",
                                  f"--seed={number}"]]
    first, second = (runner.cache / f"squall-corpus-squall-explored-run-{number}-1" for number in (7, 8))
    assert {path.name for path in first.iterdir()} <= {path.name for path in second.iterdir()}
    assert len(list(first.iterdir())) < len(list(second.iterdir())) or place.real
    assert runner.uploads == ["squall-explored"] * 2
    assert (runner.artifacts / "squall-explored/explored.json").exists()


@pytest.mark.fake
def test_each_cause_that_a_night_finds_is_one_issue(place, runner, github):
    given = nightly()

    def night(number, *found):
        env = {"FAKE_FOUND": json.dumps(found), "GITHUB_RUN_ID": str(number)}
        runner.action({**given(number), "squall": "squall"}, env=env, name=f"night-{number}", number=number)
        assert runner.jobs[f"night-{number}"] == ("failure" if found else "success"), runner.printed
        assert (runner.cache / f"squall-corpus-squall-explored-run-{number}-1").exists(), "the corpus is kept all the same"
        return [(path, data) for method, path, data in github.asked() if method == "POST"]

    larger = finding("no_loss", "b", steps=[2, 5], text="name: larger\n# ```\n")
    new = night(7, larger, finding("no_loss", "a"), finding("drains", "c", unstable="its end differs"))
    assert [path for path, _ in new] == ["repos/o/r/issues"] * 2, "one a cause"
    (_, drains), (_, no_loss) = new
    assert no_loss["title"] == "squall: no_loss in 2 scenarios" and no_loss["labels"] == ["squall"]
    body = no_loss["body"]
    assert body.startswith("<!-- squall squall-explored no_loss -->\n`no_loss-a.yaml`\n"), "the smallest is first"
    assert "```yaml\n" + finding("no_loss", "a")["text"] + "```\n" in body, "as it was found, to be saved"
    assert "````yaml\nname: larger\n# ```\n````\n" in body
    assert "```sh\nsquall run no_loss-a.yaml --runs 1\n```\n" in body and "/o/r/actions/runs/7)" in body
    assert "`found/no_loss-a.yaml` in the artifact `squall-explored`" in body
    assert (runner.artifacts / "squall-explored/found/no_loss-a.yaml").exists()
    assert "UNSTABLE" in drains["body"] and "its end differs" in drains["body"] and "UNSTABLE" not in body

    # The night after: a comment with what is new, and no issue.
    (path, again), = night(8, finding("no_loss", "a"), finding("no_loss", "d"))
    assert path == "repos/o/r/issues/10/comments" and again["body"].startswith("Found again.\n\n`no_loss-d.yaml`\n")
    assert "no_loss-a" not in again["body"] and "/o/r/actions/runs/8)" in again["body"]
    (path, again), = night(9, finding("no_loss", "d"))
    assert path == "repos/o/r/issues/10/comments" and again["body"].startswith("Found again, and nothing that is not told")
    assert "```" not in again["body"]
    assert night(10) == [], "nothing was found"
    # Nobody's issue that is closed is opened again: another is.
    github.there_are()
    (path, _), = night(11, finding("no_loss", "a"))
    assert path == "repos/o/r/issues"


@pytest.mark.fake
def test_an_issue_holds_what_github_takes(place, github):
    found = [finding("no_loss", f"{n:02}", text="x" * 4_000) for n in range(25)]
    env = {"GH_TOKEN": "secret", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "1", "GITHUB_SERVER_URL": "https://github.com",
           "FAKE_FOUND": json.dumps(found)}
    place.sh("squall explore --report r.json --defect a-b", env=env, check=1)
    place.sh("ci/github/tell issues squall r.json squall", env=env, check=0)
    _, (_, _, data) = github.asked()
    assert data["title"].endswith(" 25 scenarios") and 50_000 < len(data["body"]) < 65_536
    told = data["body"].count("```yaml")
    assert data["body"].count("```sh\nsquall run ") == told and f"\n{25 - told} more scenarios are in the report" in data["body"]
    assert "squall run no_loss-00.yaml --runs 1 --defect a-b\n" in data["body"]


def test_issues_of_what_is_really_found(place, runner, github):
    """The scenario and the command that stand in an issue fail as it says, in a folder that has nothing else."""
    if not place.real:
        pytest.skip("it is about what squall writes")
    place.sh("squall explore --runs 48 --max-findings 1 --shrink 20 --no-progress --defect ack-before-fsync"
             " --report r.json --out found", check=1)
    env = {"GH_TOKEN": "secret", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "1", "GITHUB_SERVER_URL": "https://github.com"}
    place.sh("ci/github/tell issues squall r.json squall", env=env, check=0)
    _, (_, _, issue) = github.asked()
    command, = re.findall(r"^```sh\n(.*?)\n```$", issue["body"], re.M | re.S)
    scenario, = re.findall(r"^```yaml\n(.*?)^```$", issue["body"], re.M | re.S)
    elsewhere = place.work / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / command.split()[2]).write_text(scenario)
    done = place.sh(command, cwd=elsewhere, check=1)
    assert issue["title"].split()[1] in done.stdout, done.stdout


def test_canary(place, runner):
    defect = "breaker-never-opens"
    runner.action({"squall": "squall", "paths": SCENARIO, "canary": defect, "runs": 2})
    assert f"--canary={defect}" in place.calls()[0]
    assert runner.jobs["job"] == "success", runner.printed
    runner.action({"squall": "squall", "paths": SCENARIO, "canary": "true", "artifact": ""})
    assert "--canary" in place.calls()[0]


def test_check(place, runner):
    folder = SCENARIO.rsplit("/", 1)[0]
    runner.action({"squall": "squall", "command": "check", "paths": f"{SCENARIO}\n{folder}\n"})
    assert runner.jobs["job"] == "success", runner.printed
    assert place.calls() == [["check", "--", SCENARIO, folder]]
    runner.action({"squall": "squall", "command": "check", "paths": "not-there.yaml"})
    assert runner.jobs["job"] == "failure"


@pytest.mark.fake
@pytest.mark.parametrize("given", [
    {"command": "shoot"}, {"shard": "1of2"}, {"shard": "0/2"}, {"output": ""}, {"artifact": "a\nb=c"},
    {"squall": "./not-there"},
])
def test_wrong_inputs(place, runner, given):
    steps = runner.action({"squall": "squall", **given})
    assert steps["Settle what is to be done"] == "failure" and "::error" in runner.printed
    assert place.calls() == [] and runner.uploads == []


@pytest.mark.fake
def test_inputs_are_not_code(place, runner):
    evil = "'; touch pwned; \"$(touch pwned)`touch pwned`\" #"
    for name in ("paths", "runs", "seed", "time-budget", "canary", "output", "artifact", "baseline", "fail-on", "earlier",
                 "shard", "command", "squall", "allow-partial", "rules", "comment", "issues", "time", "base"):
        given = {"squall": "squall", "artifact": "", name: evil}
        for command in ("run", "explore"):
            runner.action({"command": command, **given}, name=f"{command}-{name}")
        assert not list(place.work.glob("**/pwned")), name
    runner.action({"squall": "squall", "paths": "--report=/etc/passwd", "artifact": ""})
    assert runner.jobs["job"] == "failure"


@pytest.mark.fake
def test_a_cancelled_job_tells_squall(place):
    """GitHub signals the step's own process and no other: that must be squall by then."""
    place.program("waiting", "#!/bin/bash\ntrap 'touch told; exit 1' INT TERM\ntouch began\nwhile :; do sleep 0.1; done\n")
    step, = [step for step in load(ACTION)["runs"]["steps"] if step["name"] == "squall run"]
    env = dict.fromkeys(step["env"], "") | {"SQUALL": "waiting", "PATHS": "scenarios"}
    process = subprocess.Popen(["bash", "-c", step["run"]], env=place.env | env, cwd=place.work)
    deadline = time.monotonic() + 20
    while not (place.work / "began").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    assert process.wait(20) == 1
    assert (place.work / "told").exists()


def test_squall_is_built_once(place, runner):
    """With a cargo that copies the squall at hand: first built, then from the cache, again when a source changes."""
    place.program("rustup", "#!/bin/sh\necho \"rustup $*\" >> \"$FAKE_LOG.cargo\"\n")
    place.program("cargo", """#!/bin/sh
test -f Cargo.toml && test -f .cargo/config.toml || exit 101
echo "cargo $*" >> "$FAKE_LOG.cargo"
mkdir -p "$CARGO_TARGET_DIR/release" && cp -L "$(command -v squall)" "$CARGO_TARGET_DIR/release/squall"
""")
    for folder in (".cargo", "harness", "reference-system", "reports"):
        (place.work / folder).mkdir()
        (place.work / folder / "config.toml").write_text("a")
    (place.work / "Cargo.toml").write_text("")
    (place.work / "Cargo.lock").write_text("")

    def built(name):
        log = place.log.with_name(place.log.name + ".cargo")
        log.unlink(missing_ok=True)
        runner.action({"paths": SCENARIO, "runs": 2}, name=name)
        assert runner.jobs[name] == "success", runner.printed
        return log.exists() and log.read_text().splitlines()[-1]

    assert built("first") == "cargo build --release --locked --package squall-command --bin squall"
    assert not built("second")
    (place.work / "reports/config.toml").write_text("b")
    assert built("third")
    runner.action({"command": "install"}, name="install")
    path = (runner.folder / "temp-install/path").read_text().strip()
    place.sh(f"'{path}/squall' check -- {SCENARIO}", check=0)


def test_the_project_uses_it_so(place, runner):
    """The jobs of our own workflow, in the order of their needs, each on its own machine."""
    workflow = load(WORKFLOW)
    done = {}
    while len(done) < len(workflow["jobs"]):
        for name, job in workflow["jobs"].items():
            needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            if name in done or not all(need in done for need in needs):
                continue
            total = len(job.get("strategy", {}).get("matrix", {}).get("shard", [1]))
            for step in job["steps"]:
                if step.get("uses") != "./ci/github":
                    continue
                given = {key: value for key, value in step.get("with", {}).items()} | {"squall": "squall"}
                given["paths"] = SCENARIO
                if "canary" in given:
                    # The usual defect is noticed elsewhere.
                    given["canary"] = "breaker-never-opens"
                for index in range(total):
                    runner.action(given, job=(index, total), name=f"{name}-{index}")
                    assert runner.jobs[f"{name}-{index}"] == "success", runner.printed
            done[name] = True
    assert sorted(runner.uploads) == ["squall", *(f"squall-shard-{i}-of-4" for i in (1, 2, 3, 4))]
    assert workflow["jobs"]["merged"]["if"] == "always()" and workflow["jobs"]["merged"]["needs"] == "chaos"
    assert workflow["jobs"]["chaos"]["strategy"]["fail-fast"] is False
