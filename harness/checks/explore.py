"""How soon exploring finds each known mistake: see `explore`, which calls this."""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

PAGE = pathlib.Path("docs/exploring.md")
BEGIN, END = "<!-- found: made by harness/checks/explore -->\n", "<!-- /found -->\n"


def explored(squall, defect, seed, time, uniform, shrink):
    """One exploration until the first finding: its report."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.json")
        command = [squall, "explore", "--defect", defect, "--seed", str(seed), "--time", time, "--no-progress"]
        command += ["--max-findings", "1", "--shrink", str(shrink), "--out", folder, "--report", str(report)]
        command += ["--uniform"] if uniform else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return json.loads(report.read_text())


def cell(reports, repetitions):
    """Median of runs and of seconds until something was found, and in how many repetitions it was."""
    found = [report["findings"][0] for report in reports if report["findings"]]
    if len(found) * 2 <= repetitions:
        return f"found {len(found)} of {repetitions} times"
    # What was not found in time took longer than all that was.
    late = [float("inf")] * (repetitions - len(found))
    runs = statistics.median_low([one["after_runs"] for one in found] + late)
    seconds = statistics.median_low([one["after_ms"] / 1000 for one in found] + late)
    missed = f", {len(found)} of {repetitions} times" if late else ""
    return f"{runs} runs, {seconds:.1f} s{missed}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("squall")
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--uniform-repetitions", type=int)
    parser.add_argument("--time", default="60s")
    parser.add_argument("--defect", action="append")
    parser.add_argument("--page", action="store_true")
    args = parser.parse_args()
    uniform_repetitions = args.repetitions if args.uniform_repetitions is None else args.uniform_repetitions
    listed = subprocess.run([args.squall, "list", "defects", "--json"], capture_output=True, text=True, check=True)
    known = [word["name"] for word in json.loads(listed.stdout)["words"]]
    lines = ["| mistake | guided | uniform | smallest scenario |", "|---|---|---|---|"]
    medians, small, all_found = [], 0, 0
    for defect in args.defect or known:
        # The first repetition makes what it finds small; the time until it is found is the same.
        guided = [
            explored(args.squall, defect, seed, args.time, False, 600 if seed == 1 else 0)
            for seed in range(1, args.repetitions + 1)
        ]
        uniform = [
            explored(args.squall, defect, seed, args.time, True, 0) for seed in range(1, uniform_repetitions + 1)
        ]
        first = next((report["findings"][0] for report in guided if report["findings"]), None)
        steps = "-" if first is None else f"{first['steps'][0]} faults, `{first['cause']['first']}`"
        small += first is not None and first["steps"][0] <= 3
        seconds = [report["findings"][0]["after_ms"] / 1000 if report["findings"] else float("inf") for report in guided]
        medians.append(statistics.median_low(seconds))
        all_found += medians[-1] < float("inf")
        told = cell(uniform, uniform_repetitions) if uniform else "-"
        lines.append(f"| `{defect}` | {cell(guided, args.repetitions)} | {told} | {steps} |")
        print(lines[-1], flush=True)
    count = len(medians)
    soon = sum(median <= 30 for median in medians)
    said = (
        f"Runs and seconds until the first finding, medians of {args.repetitions} repetitions from an empty start "
        f"({uniform_repetitions} without guidance), two workers, at most {args.time} each: {all_found} of {count} mistakes "
        f"found in most repetitions, {soon} in a median of 30 s or less; {small} made small to three faults or fewer.\n"
    )
    table = "\n".join([said, *lines]) + "\n"
    if args.page:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        _, after = rest.split(END)
        heading = "\n## How soon known mistakes are found\n\n"
        PAGE.write_text(before + BEGIN + heading + table + "\n" + END + after)
    else:
        print(said)


main()
