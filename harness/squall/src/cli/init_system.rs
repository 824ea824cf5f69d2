//! `squall init --system NAME`: a folder to begin with for a team that runs that broker: its description, scenarios, and CI.

use super::init::{enter, vacant, write};
use super::shared::{stop::Stop, terminal::say};
use crate::{
    exit::PASSED,
    live::{self, KnownSystem},
};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

const README: &str = include_str!("../../init/template/system/README.md");
const WORKFLOW: &str = include_str!("../../init/template/system/workflow.yml");

/// Writes the folder; `source` is where CI takes squall from, a URL for git.
pub(super) fn init(dir: &Path, source: Option<&str>, system: &KnownSystem) -> Result<u8, Stop> {
    vacant(dir)?;
    let source = match source {
        Some(url) if url.contains("://") => url,
        Some(path) => {
            return Err(Stop::input(format!(
                "{path}: the workflow takes squall from a URL for git, such as https://…"
            )));
        }
        None => env!("CARGO_PKG_REPOSITORY"),
    };
    write(dir, &files(system, source)?)?;
    let enter = enter(dir);
    let owner = if source.contains("/OWNER/") {
        "put the URL of squall's repository into .github/workflows/squall.yml in place of OWNER's\n"
    } else {
        ""
    };
    say(&format!(
        "{}: its description, {} scenarios, and a workflow for GitHub\n{owner}\n{enter}  squall run --system system.yaml\n\n\
         runs them (as root); README.md goes on from there\n",
        system.name,
        system.scenarios.len(),
    ));
    Ok(PASSED)
}

/// Everything that is written: paths within the folder, and contents.
fn files(system: &KnownSystem, source: &str) -> Result<Vec<(String, String)>, Stop> {
    let described = live::load(&PathBuf::from(system.name), &[*system]).map_err(Stop::Mistakes)?;
    let programs: Vec<&str> =
        described.programs.iter().map(|program| program.name.as_str()).collect();
    let variable = described.programs.first().map(live::Program::variable).unwrap_or_default();
    let run = "sudo -E env \"PATH=$PATH\" squall run --system system.yaml";
    let (mut variants, mut compare) = (String::new(), String::new());
    for variant in &described.variants {
        // Writing to a String cannot fail.
        let _ = writeln!(variants, "# {}\n{run} --variant {}", variant.about, variant.id);
        if compare.is_empty() {
            let _ =
                writeln!(compare, "{run} --runs 5 --variant {} --report after.json", variant.id);
        }
    }
    let fill = |text: &str| {
        text.replace("{{name}}", system.name)
            .replace("{{programs}}", &programs.join(", "))
            .replace("{{install}}", system.install)
            .replace("{{source}}", source)
            .replace("{{variable}}", &variable)
            .replace("{{variants}}", &variants)
            .replace("{{compare}}", &compare)
    };
    let mut files = vec![
        ("system.yaml".to_owned(), system.description.to_owned()),
        ("README.md".to_owned(), fill(README)),
        (".github/workflows/squall.yml".to_owned(), fill(WORKFLOW)),
        (".gitignore".to_owned(), "squall-runs/\nsquall-report/\n".to_owned()),
    ];
    let scenarios = system.scenarios.iter();
    files.extend(
        scenarios.map(|(name, text)| (format!("scenarios/{name}.yaml"), (*text).to_owned())),
    );
    Ok(files)
}
