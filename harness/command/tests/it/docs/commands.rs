//! Every command of the pages is executed, in the order of its page, and does what the page says.
//!
//! Blocks marked `sh` hold commands, those marked `console` commands after `$ ` with what they print. A command exits with
//! 0, unless a comment behind it says `# exit code 1` or `$ echo $?` shows another; what is printed must be there, line by
//! line, where `…` stands for lines that are left out. What differs from machine to machine (times of work, speed, and what
//! `--expect` names, in which the build has a part) is not compared.
//!
//! In comments of HTML before a block: `saved as FILE` writes the block to a file first, `not executed: WHY` leaves it out.
//! A page runs in a folder of its own with three of the scenarios. Where it does not say how many runs there are, each
//! scenario is run once; and `cargo run --release --` is the `squall` that the tests were built with.

use super::{pages, read, root};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

macro_rules! executed {
    ($($name:ident: $page:literal,)*) => {
        const EXECUTED: &[&str] = &[$($page),*];
        $(#[test]
        fn $name() {
            execute($page);
        })*
    };
}

executed! {
    readme: "README.md",
    alerts: "docs/alerts.md",
    scenarios: "docs/scenarios.md",
    reports: "docs/reports.md",
    comparing: "docs/comparing.md",
    audit: "docs/audit.md",
    exploring: "docs/exploring.md",
    performance: "docs/performance.md",
    tutorial: "docs/tutorial.md",
    maelstrom: "docs/maelstrom.md",
    your_system: "docs/your-system.md",
    pipelines: "ci/README.md",
    checks: "harness/checks/README.md",
}

/// A fenced block.
#[derive(Debug, Default)]
struct Block {
    line: usize,
    language: String,
    text: String,
    saved_as: Option<String>,
    not_executed: bool,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut all = Vec::new();
    let mut next = Block::default();
    let mut open = false;
    for (number, line) in page.lines().enumerate() {
        if let Some(language) = line.strip_prefix("```") {
            if open {
                all.push(std::mem::take(&mut next));
            } else {
                next.line = number + 1;
                next.language = language.to_owned();
            }
            open = !open;
        } else if open {
            next.text += line;
            next.text.push('\n');
        } else if let Some(comment) = line.strip_prefix("<!-- ") {
            let comment = comment.trim_end_matches(" -->");
            if let Some(file) = comment.strip_prefix("saved as ") {
                next.saved_as = Some(file.to_owned());
            }
            next.not_executed |=
                comment.strip_prefix("not executed: ").is_some_and(|why| why.len() > 9);
        } else if !line.trim().is_empty() {
            next = Block::default();
        }
    }
    assert!(!open, "a block is not closed");
    all
}

/// A command, what it should exit with and what it should print.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    code: i32,
    prints: Option<Vec<String>>,
}

fn steps(block: &Block) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::new();
    let mut goes_on = false;
    for (number, line) in block.text.lines().enumerate() {
        let line_of_page = block.line + number + 1;
        let command = if block.language == "sh" { Some(line) } else { line.strip_prefix("$ ") };
        match (command, all.last_mut()) {
            (_, Some(last)) if goes_on => {
                goes_on = line.ends_with('\\');
                last.command += &format!(" {}", line.trim_end_matches('\\').trim());
            }
            (Some(command), _) => {
                if command.trim().is_empty() || command.starts_with('#') {
                    continue;
                }
                let (command, comment) = command.split_once("  # ").unwrap_or((command, ""));
                let code = comment.strip_prefix("exit code ").unwrap_or("0");
                let code = code.split([':', ' ', ',']).next().unwrap().parse().unwrap();
                goes_on = command.ends_with('\\');
                let command = command.trim_end_matches('\\').trim().to_owned();
                let prints = (block.language == "console").then(Vec::new);
                all.push(Step { line: line_of_page, command, code, prints });
            }
            (None, Some(last)) => last.prints.get_or_insert_default().push(line.to_owned()),
            (None, None) => panic!("line {line_of_page}: what printed this?"),
        }
    }
    // `echo $?` tells what the command before it exits with.
    for at in (1..all.len()).rev() {
        if all[at].command == "echo $?" {
            let asked = all.remove(at);
            all[at - 1].code = asked.prints.unwrap()[0].parse().unwrap();
        }
    }
    all
}

/// A line without what differs from machine to machine.
fn comparable(line: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in line.split_whitespace() {
        let number = word.strip_suffix('x').is_some_and(|rest| rest.parse::<f64>().is_ok());
        let word = match words.as_slice() {
            [.., "--expect"] => "WHAT",
            // The time of work: `in 4.0s of work: 7.6x`.
            [.., "in"] if line.contains(" of work: ") => "TIME",
            // The name of a scenario is cut by what the columns behind it need.
            _ if word.ends_with('…') => "…",
            _ if word.chars().all(|c| c == '─') => "─",
            _ if number && !line.contains('%') => "SPEED",
            _ => word,
        };
        words.push(word);
    }
    words.join(" ")
}

/// The first line that is told and not printed, if there is one.
fn missing(told: &[String], printed: &str) -> Option<String> {
    // How far a command has come is for those who wait.
    let is_progress = |line: &str| line.contains(" cells in ");
    let printed = printed.lines().filter(|line| !is_progress(line));
    let mut printed = printed.map(speedless).filter(|line| !line.is_empty());
    let mut may_skip = false;
    for line in told.iter().map(|line| speedless(line)).filter(|line| !line.is_empty()) {
        if line == "…" {
            may_skip = true;
            continue;
        }
        let found = if may_skip {
            printed.any(|one| one == line)
        } else {
            printed.next().is_some_and(|one| one == line)
        };
        if !found {
            return Some(line);
        }
        may_skip = false;
    }
    let rest = printed.next().filter(|_| !may_skip);
    rest.map(|line| format!("(nothing more is told, and printed is) {line}"))
}

/// As [`comparable`], without the speed at the end of a sum.
fn speedless(line: &str) -> String {
    let line = comparable(line);
    match line.split_once(" of work: ") {
        Some((before, _)) => before.to_owned(),
        None => line,
    }
}

/// A folder to run a page in.
fn place(folder: &Path) {
    let bin = folder.join("bin");
    let work = folder.join("work");
    fs::create_dir_all(&bin).unwrap();
    for scenario in [
        "consumer/dies-between-effect-and-mark.yaml",
        "dependency/gateway-down.yaml",
        "producer/acks-lost.yaml",
        "broker/power-failure.yaml",
    ] {
        let to = work.join("scenarios").join(scenario);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join("scenarios").join(scenario), to)
            .unwrap_or_else(|error| panic!("{scenario}: {error}"));
    }
    for shared in ["reports", "harness", "ci", "Cargo.toml"] {
        symlink(fs::canonicalize(root().join(shared)).unwrap(), work.join(shared)).unwrap();
    }
    let squall = env!("CARGO_BIN_EXE_squall");
    program(
        &bin.join("squall"),
        &format!(
            "if [ \"$1\" = run ]; then\n  case \" $* \" in\n    *' --runs '* | *--help*) ;;\n    \
             *) shift; set -- run --runs 1 --verify none \"$@\" ;;\n  esac\nfi\nexec -a squall '{squall}' \"$@\"\n"
        ),
    );
    // Builds nothing: the tests run while cargo does.
    program(
        &bin.join("cargo"),
        "case \"$*\" in\n  'run --release -- '*) shift 3; exec squall \"$@\" ;;\n  \
         'install --path harness/command') grep -q 'name = \"squall\"' harness/command/Cargo.toml ;;\n  \
         *) echo \"what is cargo $*?\" >&2; exit 99 ;;\nesac\n",
    );
}

fn program(path: &Path, text: &str) {
    fs::write(path, format!("#!/usr/bin/env bash\n{text}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn execute(page: &str) {
    let folder = tempfile::tempdir().unwrap();
    place(folder.path());
    let path =
        format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").unwrap());
    for block in blocks(&read(page)) {
        if let Some(file) = &block.saved_as {
            fs::write(folder.path().join("work").join(file), &block.text).unwrap();
        }
        if block.not_executed || !["sh", "console"].contains(&block.language.as_str()) {
            continue;
        }
        for step in steps(&block) {
            let place = format!("{page}:{}: {}", step.line, step.command);
            let done = Command::new("bash")
                .args(["-c", &step.command])
                .current_dir(folder.path().join("work"))
                .env("PATH", &path)
                // Narrow or coloured output is for terminals, annotations for GitHub.
                .env_remove("COLUMNS")
                .env_remove("GITHUB_ACTIONS")
                .output()
                .unwrap();
            let (out, err) =
                (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            assert_eq!(done.status.code(), Some(step.code), "{place}\n{out}\n{err}");
            let missing = step.prints.and_then(|told| missing(&told, &format!("{out}{err}")));
            assert_eq!(missing, None, "{place}\nprints:\n{out}\n{err}");
        }
    }
}

#[test]
fn no_page_with_commands_is_left_out() {
    for page in pages() {
        let commands =
            blocks(&read(&page)).iter().any(|b| ["sh", "console"].contains(&b.language.as_str()));
        assert_eq!(commands, EXECUTED.contains(&page.as_str()), "{page}: see `executed!`");
        let plain = blocks(&read(&page)).iter().find(|b| b.language.is_empty()).map(|b| b.line);
        assert_eq!(plain, None, "{page}: a block of what? sh, console, yaml, rust, text, …");
    }
}

#[test]
fn few_blocks_are_not_executed() {
    let (mut all, mut left_out) = (0, 0);
    for block in EXECUTED.iter().flat_map(|page| blocks(&read(page))) {
        if ["sh", "console"].contains(&block.language.as_str()) {
            all += 1;
            left_out += usize::from(block.not_executed);
        }
    }
    assert!(left_out * 3 < all, "{left_out} of {all} are not executed");
}

#[test]
fn a_block_is_read() {
    let page = "Text.\n<!-- not executed: it needs a cluster -->\n```sh\nsquall a \\\n  b\n```\n\n```console\n$ false\n$ echo $?\n1\n$ squall x\none\n…\n```\n";
    let found = blocks(page);
    assert!(found[0].not_executed && !found[1].not_executed);
    assert_eq!(steps(&found[0])[0].command, "squall a b");
    let steps = steps(&found[1]);
    assert_eq!((steps[0].code, steps[1].code), (1, 0));
    let told = steps[1].prints.as_ref().unwrap();
    assert_eq!(missing(told, "one\ntwo\n"), None);
    assert!(missing(told, "two\none\n").is_some());
    assert!(missing(&["one".to_owned()], "one\ntwo\n").is_some());
    let same =
        ["a 3 7x 1s in 4.0s of work: 7.6x)", "a  3 122x 1s in 9.1s of work: 84x)"].map(speedless);
    assert_eq!(same[0], same[1]);
}
