//! What failed while exploring: made again by new processes, made small, and handed over as a file.
//!
//! The file is there before anything is tried, and each simpler scenario that still fails takes its place: whatever ends
//! the explorer, what it found is kept. As long as the time was over too soon, or somebody interrupted it, the file's first
//! line says that it is not small yet; whoever begins with the same folder goes on there.

use super::{
    findings::{Finding, kinds},
    questions::{ExploreError, Questions, Told},
};
use crate::{
    plan::Plan,
    pool::Pool,
    runner,
    scenario::{Scenario, parse},
    shell::defect_options,
    shrink::{Cause, FIRST_SEED, Limits, ShrinkError, broken_by, defects_of, shrink, story},
    system::System,
};
use squall_reports::{Run, Verdict};
use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Instant,
};
use xxhash_rust::xxh3::xxh3_64;

/// A finding is run with so many seeds, to tell how surely it fails.
const SEEDS: u32 = 10;

/// What a finding's file begins with; which seed and run found it stands behind it.
const HEAD: &str = "Found by squall explore (";

/// What the first line of a file says, behind which run found it, as long as it is to be gone on with.
const UNFINISHED: &str = ", not small yet";

/// A failure that was not made small, and where it comes from.
pub(super) struct Failure {
    pub(super) scenario: Scenario,
    pub(super) text: String,
    pub(super) run: Run,
    /// The seed and the number of the run that found it.
    pub(super) found_by: String,
    /// After how many runs, and how many milliseconds, of this explorer; none if another one found it.
    pub(super) after: Option<(u64, u64)>,
    pub(super) drawn_from: String,
    /// Its file, if it has one already.
    pub(super) file: Option<PathBuf>,
}

/// Makes a failure again by new processes, and makes it small.
pub(super) fn make_small(
    questions: &Questions<'_>,
    pool: &mut Pool,
    system: &dyn System,
    failure: Failure,
    told: &mut impl FnMut(Told<'_>),
) -> Result<Finding, ExploreError> {
    let Failure { scenario, text, run, found_by, after, drawn_from, file } = failure;
    let cause = Cause::of(&run).expect("a run that failed has a cause");
    let place = |text: &str| {
        let name = format!("{}-{:08x}.yaml", cause.first, xxh3_64(text.as_bytes()) as u32);
        questions.out.join(name)
    };
    let file = file.unwrap_or_else(|| place(&text));
    let hand_over = |path: &Path, scenario: &Scenario, text: &str, run: &Run, how: &str| {
        let from = format!("{HEAD}{found_by}){how}");
        let head = story(scenario, run, &from, questions.defects, system);
        squall_reports::write_atomically(path, format!("{head}{text}").as_bytes())
            .map_err(io::Error::other)
    };
    hand_over(&file, &scenario, &text, &run, UNFINISHED)?;
    let before = scenario.faults.len();
    let mut finding = Finding {
        summary: summary(&run),
        cause: cause.clone(),
        file: file.clone(),
        faults: kinds(&scenario),
        steps: (before, before),
        events: scenario.workload.events,
        tried: 0,
        complete: false,
        unfinished: questions.tries > 0,
        fails: (1, 1),
        fails_otherwise: 0,
        found_by: found_by.clone(),
        after_runs: after.map(|(runs, _)| runs),
        after_ms: after.map(|(_, ms)| ms),
        runs: 1,
        drawn_from,
        unstable: None,
    };
    let again = runner::verified(&Plan::new(&scenario, FIRST_SEED, system, questions.defects))?;
    if again.verdict == Verdict::Unstable || !cause.is_kept_by(&again) {
        let before = run.reason.as_ref().map_or(String::new(), |why| format!("{why}; "));
        let since = again.reason.as_ref().map_or(String::new(), |why| format!(": {why}"));
        let why = format!("{before}{} in new processes{since}", again.verdict);
        hand_over(&file, &scenario, &text, &run, ", UNSTABLE: it does not replay")?;
        (finding.unstable, finding.unfinished) = (Some(why), false);
        return Ok(finding);
    }
    let over = |moment: Option<Instant>| moment.is_some_and(|moment| moment <= Instant::now());
    if over(questions.until) && !over(questions.latest) {
        told(Told::Late(&cause, questions.latest));
    }
    let limits = Limits { tries: questions.tries, stop: questions.stop, until: questions.latest };
    let mut written = Ok(());
    let shrunk = shrink(
        &scenario,
        &text,
        (FIRST_SEED, questions.defects),
        system,
        pool,
        limits,
        |progress| {
            told(Told::Shrinks(&cause, progress.scenario.faults.len(), progress.tried));
            let kept = hand_over(&file, progress.scenario, progress.text, progress.run, UNFINISHED);
            written = std::mem::replace(&mut written, Ok(())).and(kept);
        },
    );
    written?;
    let shrunk = match shrunk {
        Ok(shrunk) => shrunk,
        Err(ShrinkError::Worker(error)) => return Err(error.into()),
        Err(ShrinkError::Passes(_) | ShrinkError::Stopped) => return Ok(finding),
    };
    let mut scenario = shrunk.scenario;
    finding.summary = summary(&shrunk.run);
    finding.cause = shrunk.cause;
    finding.faults = kinds(&scenario);
    finding.steps = (scenario.faults.len(), before);
    finding.events = scenario.workload.events;
    finding.tried = shrunk.tried;
    finding.complete = shrunk.complete;
    if !shrunk.complete && shrunk.tried < questions.tries {
        return Ok(finding);
    }
    scenario.name = name_of(&cause, &scenario, &shrunk.text);
    let text = scenario.write(system);
    let read = parse("found", text.as_bytes(), system);
    let scenario = read.expect("another name makes no mistake");
    let seeds: Vec<Plan> = (0..u64::from(SEEDS))
        .map(|number| Plan::new(&scenario, FIRST_SEED + number, system, questions.defects))
        .collect();
    let stopped = || questions.stop.load(Ordering::Relaxed);
    let runs = pool.run(&seeds, stopped)?;
    let made: Vec<_> = runs.into_iter().flatten().collect();
    let Ok(all) = u32::try_from(made.len()) else { return Ok(finding) };
    if all == 0 {
        return Ok(finding);
    }
    let number = |of: fn(&Cause, &Run) -> bool| -> u32 {
        made.iter().map(|(run, _)| u32::from(of(&cause, run))).sum()
    };
    finding.fails = (number(Cause::is_kept_by), all);
    finding.fails_otherwise =
        number(|cause, run| Cause::of(run).is_some() && !cause.is_kept_by(run));
    finding.unfinished = false;
    let firmly = format!(", {}", finding.firmness());
    finding.file = place(&text);
    hand_over(&finding.file, &scenario, &text, &shrunk.run, &firmly)?;
    if finding.file != file {
        match std::fs::remove_file(&file) {
            // Another explorer that shares the folder has finished it, too.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(finding)
}

/// Goes on with what an earlier explorer left in the folder of findings before it was small.
pub(super) fn go_on(
    questions: &Questions<'_>,
    pool: &mut Pool,
    system: &dyn System,
    told: &mut impl FnMut(Told<'_>),
) -> Result<Vec<Finding>, ExploreError> {
    let mut findings = Vec::new();
    if questions.tries == 0 {
        return Ok(findings);
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(questions.out)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    // A file that was being written when an explorer was killed has another name.
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    for file in files {
        if questions.is_over() || findings.len() >= questions.findings {
            break;
        }
        if !file.is_file() {
            continue;
        }
        // One that another explorer has just finished is no mistake.
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let Some(Head { found_by, defects, cause }) = unfinished(&text) else { continue };
        if !defects.iter().eq(questions.defects) {
            let with = match &*defect_options(&defects) {
                "" => " no defect".to_owned(),
                options => options.to_owned(),
            };
            told(Told::Left(&file, &format!("was found with{with}")));
            continue;
        }
        // Of another system, or changed by somebody since: left as it is.
        let Ok(scenario) = parse(&file.to_string_lossy(), text.as_bytes(), system) else {
            continue;
        };
        let plan = Plan::new(&scenario, FIRST_SEED, system, questions.defects);
        let done = pool.run(&[plan], || questions.is_over())?.pop().flatten();
        let Some((run, _)) = done else { break };
        match Cause::of(&run) {
            None => {
                told(Told::Left(&file, &format!("{} now", run.verdict)));
                continue;
            }
            Some(now) if now.first != cause => {
                told(Told::Left(&file, &format!("breaks {now} now, not {cause}")));
                continue;
            }
            Some(_) => {}
        }
        let text = scenario.write(system);
        let drawn_from = "what was left to be made small".to_owned();
        let (after, file) = (None, Some(file));
        let failure = Failure { scenario, text, run, found_by, after, drawn_from, file };
        findings.push(make_small(questions, pool, system, failure, told)?);
    }
    Ok(findings)
}

/// What the head of a finding's file tells.
#[derive(Debug, PartialEq)]
struct Head {
    /// Which run found it.
    found_by: String,
    /// The defects that were switched on.
    defects: Vec<String>,
    /// The invariant that is broken, or how it ends.
    cause: String,
}

/// The head of a finding's file, if it is to be gone on with.
fn unfinished(text: &str) -> Option<Head> {
    let mut lines = text.lines();
    let said = lines.next()?.strip_prefix("# ")?.strip_prefix(HEAD)?;
    let (found_by, how) = said.split_once(')')?;
    let how = how.strip_prefix(UNFINISHED)?;
    let cause = lines.find_map(broken_by).unwrap_or(Cause::ERRORED);
    Some(Head { found_by: found_by.to_owned(), defects: defects_of(how), cause: cause.to_owned() })
}

fn summary(run: &Run) -> String {
    run.violations.first().map_or_else(String::new, |violation| violation.summary.clone())
}

/// What a finding is called, in a name that every scenario may have.
fn name_of(cause: &Cause, scenario: &Scenario, text: &str) -> String {
    let names: Vec<String> = kinds(scenario).into_iter().collect();
    let names = match names.as_slice() {
        [] => "nothing goes wrong".to_owned(),
        [_, _, _, _, ..] => format!("{} and {} more", names[..3].join(", "), names.len() - 3),
        few => few.join(", "),
    };
    format!("{} is broken: {names} ({:08x})", cause.first, xxh3_64(text.as_bytes()) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_whether_a_finding_is_to_be_gone_on_with() {
        let of = |how: &str| {
            let told = "# What goes wrong: much.\n# What it breaks: order: e1 after e2\nname: x\n";
            format!("# {HEAD}seed 1, run 5){how}: a system 1.0, with the defect a-b.\n{told}")
        };
        let head = unfinished(&of(UNFINISHED)).unwrap();
        assert_eq!((&*head.found_by, &*head.cause), ("seed 1, run 5", "order"));
        assert_eq!(head.defects, ["a-b"]);
        assert_eq!(unfinished(&of(", fails with 9 of 10 seeds")), None);
        assert_eq!(unfinished(&of(", UNSTABLE: it does not replay")), None);
        assert_eq!(unfinished("name: x\n"), None);
    }
}
