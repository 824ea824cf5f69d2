"""How soon exploring finds each known mistake: see `explore`, which calls this."""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import textwrap

PAGE = pathlib.Path("docs/exploring.md")
BEGIN, END = "<!-- found: made by harness/checks/explore -->\n", "<!-- /found -->\n"


def explored(args, defect, seed, uniform, shrink):
    """One exploration until the first finding: what it was, or none."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.json")
        command = [args.squall, "explore", "--defect", defect, "--seed", str(seed), "--no-progress"]
        command += ["--max-findings", "1", "--shrink", str(shrink), "--out", folder, "--report", str(report)]
        command += [f"--{name}={value}" for name in ("runs", "time", "jobs") if (value := getattr(args, name))]
        command += ["--uniform"] if uniform else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return next(iter(json.loads(report.read_text())["findings"]), None)


class Results:
    """What was measured, a line each in a file if there is one: whoever is interrupted goes on there."""

    def __init__(self, path, limits):
        self.path, self.limits, self.known = path, limits, {}
        if path and path.exists():
            for line in path.read_text().splitlines():
                one = json.loads(line)
                if one["limits"] == limits:
                    self.known[one["defect"], one["seed"], one["uniform"]] = one["finding"]

    def add(self, defect, seed, uniform, finding):
        self.known[defect, seed, uniform] = finding
        if self.path:
            one = {"defect": defect, "seed": seed, "uniform": uniform, "limits": self.limits, "finding": finding}
            with self.path.open("a") as file:
                file.write(json.dumps(one) + "\n")

    def rounds(self, defects, uniform):
        """How many repetitions there are of all defects."""
        seed = 1
        while all((defect, seed, uniform) in self.known for defect in defects):
            seed += 1
        return seed - 1

    def of(self, defect, rounds, uniform):
        return [self.known[defect, seed, uniform] for seed in range(1, rounds + 1)]


def median(findings, key):
    """Of two in the middle the larger. What was not found took longer than all that was."""
    return statistics.median_high([float("inf") if one is None else one[key] for one in findings])


def cell(findings):
    """Median of runs and of seconds until something was found, and in how many repetitions it was."""
    if not findings:
        return "-"
    found = sum(one is not None for one in findings)
    of = f"{found} of {len(findings)} times"
    runs = median(findings, "after_runs")
    if runs == float("inf"):
        return f"found {of}"
    told = f"{runs} runs, {median(findings, 'after_ms') / 1000:.1f} s"
    return told if found == len(findings) else f"{told}, {of}"


def table(args, results, defects):
    """The page's section."""
    guided, uniform = results.rounds(defects, False), results.rounds(defects, True)
    if not guided:
        return "Not one repetition of all mistakes was made.\n"
    rows, medians, steps, both = [], [], [], []
    for defect in defects:
        found, plain = results.of(defect, guided, False), results.of(defect, uniform, True)
        small = next((one for one in found if one is not None and one["tried"]), None)
        faults = [] if small is None else small["steps"]
        smallest = "-" if small is None else f"{faults[0]} of {faults[1]} faults, `{small['cause']['first']}`"
        rows.append(f"| `{defect}` | {cell(found)} | {cell(plain)} | {smallest} |\n")
        medians.append((median(found, "after_runs"), median(found, "after_ms") / 1000))
        steps += [] if small is None else [small["steps"][0]]
        both += [(median(found, "after_runs"), median(plain, "after_runs"))] if plain else []
    count = len(defects)
    soon = sum(seconds <= 30 for _, seconds in medians)
    limits = " and ".join(f"{value} {name}" if name == "runs" else value for name, value in results.limits.items() if value)
    times = lambda number: f"{number} repetition" + ("" if number == 1 else "s")
    text = (
        f"Runs and seconds until the first finding, from an empty start, medians of {times(guided)} with guidance"
        + (f" and {times(uniform)} of drawing every fault as often as every other" if uniform else "")
        + f", at most {limits} each. "
        f"{sum(runs < float('inf') for runs, _ in medians)} of {count} mistakes were found in most repetitions, {soon} in a "
        f"median of 30 s or less. {sum(step <= 3 for step in steps)} of {len(steps)} were made small to "
        "three faults or fewer. "
    )
    if both:
        sooner, later = sum(g < u for g, u in both), sum(u < g for g, u in both)
        text += (
            f"Guidance needed fewer runs for {sooner} mistakes, more for {later} and as many for {len(both) - sooner - later}: "
            "what a single fault shows, whoever draws at random finds as soon. "
        )
    text += args.note
    head = "\n\n| mistake | guided | uniform | smallest scenario |\n|---|---|---|---|\n"
    return textwrap.fill(text, 124) + head + "".join(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("squall")
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--uniform-repetitions", type=int)
    parser.add_argument("--time", help="each takes this long at most")
    parser.add_argument("--runs", help="each makes so many runs at most; without --time the same is found by every machine")
    parser.add_argument("--jobs")
    parser.add_argument("--defect", action="append")
    parser.add_argument("--results", type=pathlib.Path, help="keep what was measured in this file, and go on from there")
    parser.add_argument("--page", action="store_true", help="write the table into docs/exploring.md")
    parser.add_argument("--note", default="", help="a sentence for the page: on which machine, beside what")
    args = parser.parse_args()
    if not args.time and not args.runs:
        args.time = "60s"
    uniform_repetitions = args.repetitions if args.uniform_repetitions is None else args.uniform_repetitions
    listed = subprocess.run([args.squall, "list", "defects", "--json"], capture_output=True, text=True, check=True)
    defects = args.defect or [word["name"] for word in json.loads(listed.stdout)["words"]]
    results = Results(args.results, {"runs": args.runs, "time": args.time})
    # A repetition of all after the other, guided and not by turns: whenever it ends, there is a table.
    for seed in range(1, max(args.repetitions, uniform_repetitions) + 1):
        for uniform, repetitions in ((False, args.repetitions), (True, uniform_repetitions)):
            for defect in defects if seed <= repetitions else []:
                if (defect, seed, uniform) in results.known:
                    continue
                # The first that finds it makes it small; when it was found is not changed by that.
                found = any(results.known.get((defect, earlier, False)) for earlier in range(1, seed))
                shrink = 0 if uniform or found else 600
                results.add(defect, seed, uniform, explored(args, defect, seed, uniform, shrink))
                how = "uniform" if uniform else "guided"
                print(f"{defect} {how} {seed}: {cell([results.known[defect, seed, uniform]])}", flush=True)
    text = table(args, results, defects)
    if args.page:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        _, after = rest.split(END)
        heading = "\n## How soon known mistakes are found\n\n"
        PAGE.write_text(before + BEGIN + heading + text + "\n" + END + after)
    else:
        print(text)


main()
