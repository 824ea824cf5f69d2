//! `squall new`: a scenario to begin with, for each failure mode.

use super::shared::{
    files::{replace, writable},
    stop::Stop,
    terminal::say,
};
use crate::{
    exit::PASSED,
    system::{Role, System},
};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// What goes wrong
    #[arg(value_parser = modes())]
    mode: String,
    /// Write it to this file, which must not exist [default: standard output]
    file: Option<PathBuf>,
    /// What it is called [default: what the file is called, else what goes wrong]
    #[arg(long)]
    name: Option<String>,
}

/// A failure mode.
struct Mode {
    key: &'static str,
    about: &'static str,
    /// Lines of a scenario without its name. `CLIENT`, `SERVER` and `WORKER` stand for roles, `PRIMARY` for who matters
    /// most: the leader, if one is elected.
    body: &'static str,
}

const MODES: &[Mode] = &[
    Mode {
        key: "broker",
        about: "who holds the data dies and comes back",
        body: "faults:\n  - at: 500ms\n    crash: PRIMARY\n    restart_after: 1s\n  - every: 900ms\n    restart: any SERVER\nexpect:\n  - no_loss\n  - recovers_within: 10s\nmust_see: [crash_felt]\n",
    },
    Mode {
        key: "producer",
        about: "who publishes cannot be answered, and dies",
        body: "faults:\n  - at: 600ms\n    hold: { between: [CLIENTS, SERVERS] }\n    for: 600ms\n  - at: 1500ms\n    crash: any CLIENT\n    restart_after: 500ms\nexpect: [no_loss, idempotency]\nmust_see: [crash_felt]\n",
    },
    Mode {
        key: "consumer",
        about: "who handles events dies, and is slow",
        body: "faults:\n  - at: 500ms\n    crash: any WORKER\n    restart_after: 500ms\n  - at: 1s\n    slow_consumer: { node: any WORKER, by: 20ms }\n    for: 500ms\nexpect: [no_loss, idempotency]\nmust_see: [crash_felt]\n",
    },
    Mode {
        key: "network",
        about: "links are cut and slow, and messages come twice",
        body: "faults:\n  - at: 500ms\n    partition: { isolate: PRIMARY }\n    for: 600ms\n  - at: 1300ms\n    latency: { delay: 30ms..60ms }\n    for: 400ms\n  - every: 300ms\n    duplicate: { messages: 10% }\nexpect:\n  - no_loss\n  - recovers_within: 10s\nmust_see: [partition_felt, latency_felt]\n",
    },
    Mode {
        key: "message",
        about: "messages come that nobody can handle",
        body: "faults:\n  - at: 500ms\n    poison: 10%\n    for: 800ms\nexpect: [no_loss]\nmust_see: [poison_felt]\n",
    },
    Mode {
        key: "resource",
        about: "disks are full, slow and lose what was not synced",
        body: "faults:\n  - at: 400ms\n    slow_disk: { node: any SERVER, by: 10ms }\n    for: 400ms\n  - at: 900ms\n    disk_full: any SERVER\n    for: 300ms\n  - at: 1400ms\n    power_failure: { node: SERVERS, within: 300ms }\nexpect: [no_loss]\nmust_see: [power_failure_felt]\n",
    },
    Mode {
        key: "clock",
        about: "clocks are wrong and jump",
        body: "faults:\n  - at: 400ms\n    clock_offset: { node: all, by: 2s }\n    for: 500ms\n  - at: 1s\n    clock_jump: { node: all, by: 5s }\nexpect: [no_loss]\n",
    },
    Mode {
        key: "dependency",
        about: "what others depend on is down, and answers late",
        body: "faults:\n  - at: 500ms\n    dependency_down: SERVERS\n    for: 400ms\n  - at: 1200ms\n    dependency_late: { node: SERVERS, by: 300ms }\n    for: 400ms\nexpect:\n  - no_loss\n  - recovers_within: 10s\nmust_see: [dependency_down_felt]\n",
    },
    Mode {
        key: "load",
        about: "load multiplies while somebody is down",
        body: "faults:\n  - at: 500ms\n    spike: { factor: 3, lasting: 500ms }\n  - at: 700ms\n    restart: PRIMARY\nexpect:\n  - no_loss\n  - drains: { within: 20s }\nmust_see: [spike_felt, restart_felt]\n",
    },
];

fn modes() -> PossibleValuesParser {
    MODES
        .iter()
        .map(|mode| PossibleValue::new(mode.key).help(mode.about))
        .collect::<Vec<_>>()
        .into()
}

pub(super) fn new(args: &NewArgs, system: &dyn System) -> Result<u8, Stop> {
    let mode = MODES.iter().find(|mode| mode.key == args.mode);
    let mode = mode.ok_or_else(|| Stop::input(format!("no template of {}", args.mode)))?;
    let stem = args.file.as_ref().and_then(|file| file.file_stem());
    let stem = stem.map(|stem| stem.to_string_lossy().replace(['-', '_'], " "));
    let name = args.name.clone().or(stem).unwrap_or_else(|| mode.about.to_owned());
    let Some(file) = &args.file else {
        say(&text(mode, &name, "", system));
        return Ok(PASSED);
    };
    if file.exists() {
        return Err(Stop::input(format!("{} exists; it is not overwritten", file.display())));
    }
    writable(file)?;
    replace(file, text(mode, &name, &modeline(file), system).as_bytes())?;
    say(&format!("{}: {}\n", squall_reports::printable(&file.to_string_lossy()), mode.about));
    Ok(PASSED)
}

/// The scenario, for the roles of a system.
fn text(mode: &Mode, name: &str, modeline: &str, system: &dyn System) -> String {
    let roles = system.roles();
    let first =
        |which: &dyn Fn(&&Role) -> bool| roles.iter().find(|role| which(role)).or(roles.first());
    let client = first(&|role| role.client);
    let server = first(&|role| role.replica).filter(|role| role.replica || !role.client);
    let server = server.or_else(|| first(&|role| !role.client));
    let worker = first(&|role| !role.client && Some(*role) != server).or(server);
    let worker = worker.filter(|role| !role.client).or(server);
    let elects = server.is_some_and(|role| role.replica && role.default > 1);
    let one = |role: Option<&Role>| role.map_or("node", |role| role.name);
    let all = |role: Option<&Role>| role.map_or("all", |role| role.plural);
    let primary = if elects { "leader".to_owned() } else { format!("any {}", one(server)) };
    let body = mode
        .body
        .replace("CLIENTS", all(client))
        .replace("SERVERS", all(server))
        .replace("CLIENT", one(client))
        .replace("SERVER", one(server))
        .replace("WORKER", one(worker))
        .replace("PRIMARY", &primary);
    let name = serde_json::Value::from(name).to_string();
    let about = mode.about;
    format!(
        "{modeline}# {}{}: say here which outage it is modelled on.\nname: {name}\nworkload: {{ events: 500, rate: 250/s }}\n{body}",
        about[..1].to_uppercase(),
        &about[1..]
    )
}

/// Leads editors to the schema, if one is in the file's folder or above it.
fn modeline(file: &Path) -> String {
    const SCHEMA: &str = "scenario.schema.json";
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut folder = folder.unwrap_or(Path::new(".")).canonicalize().ok();
    let mut up = String::new();
    for _ in 0..4 {
        let Some(here) = folder else { break };
        if here.join(SCHEMA).is_file() {
            return format!("# yaml-language-server: $schema={up}{SCHEMA}\n");
        }
        up.push_str("../");
        folder = here.parent().map(Path::to_path_buf);
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    #[test]
    fn each_template_is_a_scenario() {
        for mode in MODES {
            let text = text(mode, "a \"name\": it", "", &Sample);
            let read = parse("x", text.as_bytes(), &Sample);
            assert_eq!(read.map_err(|told| told.render(false)).err(), None, "{text}");
        }
    }
}
