//! Reads the description of a system from YAML; all mistakes at once, each where it is.

use super::described::{
    Described, DescribedDefect, DescribedRole, Program, Promised, PromisedDelivery, PromisedOrder,
    READERS, Ready, Variant,
};
use crate::syntax::{
    self, Diagnostic, Fields, Key, Node, Problems, Reader, Span, Value, Words, value,
};
use std::{fs, path::Path, process::ExitCode, time::Duration};

const KEYS: &[&str] = &[
    "name",
    "version",
    "roles",
    "groups",
    "promises",
    "reads",
    "pace",
    "ready_within",
    "env",
    "programs",
    "variants",
    "defects",
];
const ROLE: &[&str] = &["start", "client", "count", "plural", "about", "replica", "ready", "env"];
const READY: &[&str] = &["connect", "run", "says"];
const PROMISES: &[&str] = &["delivery", "order", "deduplicates", "groups"];
const PROGRAM: &[&str] = &["version", "get"];
const VERSION: &[&str] = &["run"];
const VARIANT: &[&str] = &["about", "env"];
const DEFECT: &[&str] = &["about", "breaks", "env"];
/// What has no list of its own in the command.
const BOOK: &str = "explain --help, and docs/live.md";

/// How long a system may take until it is ready, if it does not say.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A system that a command knows by its name, beside the one that it is for.
#[derive(Clone, Copy, Debug)]
pub struct KnownSystem {
    /// As after `--system`.
    pub name: &'static str,
    /// Its description, as it would stand in a file (docs/live.md).
    pub description: &'static str,
    /// Its client program, which its description starts with `exec "$SQUALL" __client NAME`. It speaks lines of JSON until its
    /// standard input ends.
    pub client: fn() -> ExitCode,
    /// Scenarios for it, by the names of their files, as `squall init --system NAME` writes them.
    pub scenarios: &'static [(&'static str, &'static str)],
    /// How a workflow gets its programs, on Debian or Ubuntu: a line for the shell.
    pub install: &'static str,
}

/// Reads the description in a file, or of a system that is known by its name.
///
/// # Errors
/// Every mistake in it.
pub(crate) fn load(path: &Path, known: &[KnownSystem]) -> Result<Described, Problems> {
    let name = path.to_string_lossy();
    let one = |diagnostic| Problems { diagnostics: vec![diagnostic] };
    let itself = known.iter().find(|system| system.name == name);
    if let Some(system) = itself.filter(|_| !path.is_file()) {
        let described = parse(&name, system.description.as_bytes(), Path::new("."))?;
        return Ok(Described { file: name.into_owned(), ..described });
    }
    let bytes = fs::read(path).map_err(|error| {
        let known: Vec<&str> = known.iter().map(|system| system.name).collect();
        let known = match known.as_slice() {
            [] => String::new(),
            known => format!("; known by name are {}", known.join(", ")),
        };
        let message = format!("cannot be read: {error}{known}");
        one(Diagnostic::of_file(&name, "squall::unreadable", message))
    })?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let described = parse(&name, &bytes, folder)?;
    Ok(Described { file: name.into_owned(), ..described })
}

/// Reads a description; its commands run in `folder`.
///
/// # Errors
/// Every mistake in it.
pub(crate) fn parse(path: &str, bytes: &[u8], folder: &Path) -> Result<Described, Problems> {
    let one = |diagnostic| Problems { diagnostics: vec![diagnostic] };
    let tree = syntax::parse(path, bytes, &["roles"]).map_err(one)?;
    let mut mistakes = tree.mistakes.clone();
    let mut found = None;
    for root in &tree.roots {
        let mut reader = Reader::new(path, tree.source.clone(), |_, _, _, _| None);
        found = document(&mut reader, root, folder);
        mistakes.extend(reader.into_told().0);
    }
    mistakes.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    mistakes.dedup();
    match found {
        Some(described) if mistakes.is_empty() => Ok(described),
        None if mistakes.is_empty() => {
            let message = "the file is empty: it should describe a system";
            Err(one(Diagnostic::of_file(path, "squall::missing", message)))
        }
        _ => Err(Problems { diagnostics: mistakes }),
    }
}

fn document(reader: &mut Reader<'_>, root: &Node, folder: &Path) -> Option<Described> {
    let mut fields = reader.fields(root, "the description of a system", KEYS, BOOK)?;
    let name = match fields.take("name") {
        Some((_, node)) => word(reader, node, "a name"),
        None => missing(reader, root.span, "the system has no name", "name: …"),
    };
    let version = match fields.take("version") {
        Some((_, node)) => reader.text(node, "a version").map(|text| text.trim().to_owned()),
        None => Some("unknown".to_owned()),
    };
    let roles = match fields.take("roles") {
        Some((_, node)) => roles(reader, node),
        None => missing(reader, root.span, "the system has no roles", "roles: …"),
    };
    let groups = fields.take("groups").map_or_else(
        || Some(vec![READERS.to_owned()]),
        |(_, node)| {
            let items = reader.list(node, "groups")?;
            items.iter().map(|item| word(reader, item, "the name of a group")).collect()
        },
    );
    let promises = match fields.take("promises") {
        Some((_, node)) => promises(reader, node),
        None => Some(default_promises()),
    };
    let reads = match fields.take("reads") {
        Some((_, node)) => truth(reader, node),
        None => Some(true),
    };
    let pace = match fields.take("pace") {
        Some((_, node)) => reader.scalar(node, "a pace", |text| match text.parse::<f64>() {
            Ok(pace) if (0.1..=1_000.0).contains(&pace) => Ok(pace),
            _ => Err("how many times as long everything takes, from 0.1 to 1000".to_owned()),
        }),
        None => Some(1.0),
    };
    let ready_within = match fields.take("ready_within") {
        Some((_, node)) => reader.scalar(node, "a time", value::duration),
        None => Some(READY_WITHIN),
    };
    let env = settings(reader, fields.take("env"));
    let programs = match fields.take("programs") {
        Some((_, node)) => programs(reader, node),
        None => Some(Vec::new()),
    };
    let variants = match fields.take("variants") {
        Some((_, node)) => variants(reader, node),
        None => Some(Vec::new()),
    };
    let defects = match fields.take("defects") {
        Some((_, node)) => defects(reader, node),
        None => Some(Vec::new()),
    };
    Some(Described {
        name: name?,
        version: version?,
        file: String::new(),
        folder: folder.to_owned(),
        roles: roles?,
        groups: groups?,
        promises: promises?,
        reads: reads?,
        pace: pace?,
        ready_within_ms: u64::try_from(ready_within?.as_millis()).ok()?,
        env: env?,
        programs: programs?,
        variants: variants?,
        variant: None,
        defects: defects?,
    })
}

fn missing<T>(reader: &mut Reader<'_>, span: Span, message: &str, label: &str) -> Option<T> {
    reader.tell("squall::missing", span, message, label);
    None
}

/// One word, as it can stand in the name of a node.
fn word(reader: &mut Reader<'_>, node: &Node, expected: &str) -> Option<String> {
    reader.scalar(node, expected, |text| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > 40 || !text.chars().all(fits) {
            return Err("letters, digits, - _ and . and at most 40 of them".to_owned());
        }
        Ok(text.to_owned())
    })
}

fn truth(reader: &mut Reader<'_>, node: &Node) -> Option<bool> {
    reader.scalar(node, "true or false", |text| match text {
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    })
}

/// The entries of a mapping whose keys are the author's own.
fn entries<'n>(reader: &mut Reader<'_>, node: &'n Node, what: &str) -> Option<&'n [(Key, Node)]> {
    let Value::Mapping(entries) = &node.value else {
        let message = format!("{what} is {}, not a mapping", node.value.kind());
        reader.tell("squall::wrong_type", node.span, message, "expected a mapping");
        return None;
    };
    Some(entries)
}

fn settings(
    reader: &mut Reader<'_>,
    field: Option<(&Key, &Node)>,
) -> Option<Vec<(String, String)>> {
    let Some((_, node)) = field else { return Some(Vec::new()) };
    let mut all = Vec::new();
    for (key, node) in entries(reader, node, "env")? {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.text.is_empty() || !key.text.chars().all(fits) {
            let label = "letters, digits and _";
            reader.tell("squall::bad_value", key.span, "no name of a variable", label);
        }
        let text = reader.text(node, "the value of a variable")?;
        all.push((key.text.clone(), text.to_owned()));
    }
    Some(all)
}

fn roles(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<DescribedRole>> {
    let before = reader.mistakes();
    let mut all: Vec<DescribedRole> = Vec::new();
    for (key, node) in entries(reader, node, "roles")? {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if key.text.is_empty() || key.text.len() > 20 || !key.text.chars().all(fits) {
            let label = "small letters, digits and _, at most 20, such as server";
            reader.tell("squall::bad_value", key.span, "this is no name for a role", label);
            continue;
        }
        all.extend(role(reader, &key.text, node));
    }
    if reader.mistakes() == before && !all.iter().any(|role| role.client) {
        let message = "no role is a client: nobody would publish anything";
        reader
            .tell("squall::missing", node.span, message, "add one")
            .help("such as client: { client: exec python3 client.py }");
    }
    (reader.mistakes() == before).then_some(all)
}

fn role(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<DescribedRole> {
    let mut fields = reader.fields(node, "a role", ROLE, BOOK)?;
    let (start, client) = (fields.take("start"), fields.take("client"));
    let (command, is_client) = match (start, client) {
        (Some((_, node)), None) => (reader.text(node, "a command")?, false),
        (None, Some((_, node))) => (reader.text(node, "a command")?, true),
        (None, None) => {
            let message = format!("nothing says how a {name} is started");
            let label = "start: COMMAND, or client: COMMAND";
            return missing(reader, node.span, &message, label);
        }
        (Some(_), Some((key, _))) => {
            let message = "a role is started, or is a client, not both";
            return missing(reader, key.span, message, "make it a role of its own");
        }
    };
    let count = match fields.take("count") {
        Some((_, node)) => reader.number(node, "a number of nodes", 1, 50)?,
        None => 1,
    };
    let plural = match fields.take("plural") {
        Some((_, node)) => word(reader, node, "a plural")?,
        None => format!("{name}s"),
    };
    let about = match fields.take("about") {
        Some((_, node)) => reader.text(node, "a line of text")?.trim().to_owned(),
        None if is_client => "Publishes the workload".to_owned(),
        None => format!("Runs {command}"),
    };
    let replica = match fields.take("replica") {
        Some((_, node)) => truth(reader, node)?,
        None => false,
    };
    let ready = match fields.take("ready") {
        Some((_, node)) => ready(reader, node)?,
        None => Ready::AtOnce,
    };
    let env = settings(reader, fields.take("env"))?;
    Some(DescribedRole {
        name: name.to_owned(),
        plural,
        count,
        about,
        command: command.to_owned(),
        client: is_client,
        replica,
        ready,
        env,
    })
}

fn ready(reader: &mut Reader<'_>, node: &Node) -> Option<Ready> {
    let mut fields = reader.fields(node, "ready", READY, BOOK)?;
    if let Some((_, node)) = fields.take("connect") {
        let port = reader.number(node, "a port", 1, 65_535)?;
        return Some(Ready::Connect(u16::try_from(port).ok()?));
    }
    if let Some((_, node)) = fields.take("run") {
        return Some(Ready::Run(reader.text(node, "a command")?.to_owned()));
    }
    if let Some((_, node)) = fields.take("says") {
        return Some(Ready::Says(reader.text(node, "a text")?.to_owned()));
    }
    missing(
        reader,
        node.span,
        "nothing says when it is ready",
        "connect: PORT, run: COMMAND or says: TEXT",
    )
}

fn default_promises() -> Promised {
    Promised {
        delivery: PromisedDelivery::AtLeastOnce,
        order: PromisedOrder::None,
        deduplicates: false,
        one_group: false,
    }
}

/// One of some words.
fn one_of<T: Copy>(reader: &mut Reader<'_>, node: &Node, all: &[(&str, T)]) -> Option<T> {
    let text = reader.text(node, "a word")?.trim().to_owned();
    if let Some((_, value)) = all.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
    let words = Words { all: &words, list: BOOK };
    reader.known(node.span, &text, "promise", "squall::bad_value", words);
    None
}

fn promises(reader: &mut Reader<'_>, node: &Node) -> Option<Promised> {
    let mut fields = reader.fields(node, "promises", PROMISES, BOOK)?;
    let mut promised = default_promises();
    if let Some((_, node)) = fields.take("delivery") {
        let words = [
            ("at_most_once", PromisedDelivery::AtMostOnce),
            ("at_least_once", PromisedDelivery::AtLeastOnce),
            ("effectively_once", PromisedDelivery::EffectivelyOnce),
        ];
        promised.delivery = one_of(reader, node, &words)?;
    }
    if let Some((_, node)) = fields.take("order") {
        let words = [
            ("none", PromisedOrder::None),
            ("per_key", PromisedOrder::PerKey),
            ("total", PromisedOrder::Total),
        ];
        promised.order = one_of(reader, node, &words)?;
    }
    if let Some((_, node)) = fields.take("deduplicates") {
        promised.deduplicates = truth(reader, node)?;
    }
    if let Some((_, node)) = fields.take("groups") {
        promised.one_group = one_of(reader, node, &[("every", false), ("one", true)])?;
    }
    Some(promised)
}

fn programs(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Program>> {
    let mut all = Vec::new();
    for (key, node) in entries(reader, node, "programs")? {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if key.text.is_empty() || !key.text.chars().all(fits) {
            let label = "its name in PATH, such as redis-server";
            reader.tell("squall::bad_value", key.span, "this is no name of a program", label);
        }
        let taken = ["node", "index", "lives", "address", "data", "cluster"];
        if taken.contains(&key.text.to_lowercase().as_str()) {
            let message = format!(
                "SQUALL_{} tells every command something else: no program can be called {}",
                key.text.to_uppercase(),
                key.text
            );
            let label = "leave it out: what is in PATH is found without it";
            reader.tell("squall::bad_value", key.span, message, label);
        }
        let mut fields = reader.fields(node, "a program", PROGRAM, BOOK)?;
        let (version, version_run) = match fields.take("version") {
            Some((_, node)) if matches!(node.value, Value::Mapping(_)) => {
                let mut fields = reader.fields(node, "version", VERSION, BOOK)?;
                let Some((_, run)) = fields.take("run") else {
                    let message = "nothing says how it prints its version";
                    return missing(reader, node.span, message, "run: COMMAND");
                };
                (String::new(), Some(reader.text(run, "a command")?.to_owned()))
            }
            Some((_, node)) => {
                (reader.text(node, "arguments such as --version")?.trim().to_owned(), None)
            }
            None => (String::new(), None),
        };
        let get = match fields.take("get") {
            Some((_, node)) => Some(reader.text(node, "a line of text")?.trim().to_owned()),
            None => None,
        };
        all.push(Program { name: key.text.clone(), version, version_run, get });
    }
    Some(all)
}

/// What a variant or a defect is, in one line; its name if nothing says.
fn about(reader: &mut Reader<'_>, fields: &mut Fields<'_>, key: &Key) -> Option<String> {
    match fields.take("about") {
        Some((_, node)) => Some(reader.text(node, "a line of text")?.trim().to_owned()),
        None => Some(key.text.clone()),
    }
}

fn variants(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Variant>> {
    let mut all = Vec::new();
    for (key, node) in entries(reader, node, "variants")? {
        let mut fields = reader.fields(node, "a variant", VARIANT, BOOK)?;
        let about = about(reader, &mut fields, key)?;
        let env = settings(reader, fields.take("env"))?;
        all.push(Variant { id: key.text.clone(), about, env });
    }
    Some(all)
}

fn defects(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<DescribedDefect>> {
    let mut all = Vec::new();
    for (key, node) in entries(reader, node, "defects")? {
        let mut fields = reader.fields(node, "a defect", DEFECT, BOOK)?;
        let about = about(reader, &mut fields, key)?;
        let breaks = match fields.take("breaks") {
            Some((_, node)) => {
                let items = reader.list(node, "breaks")?;
                let known: Vec<&str> =
                    squall_judge::CATALOGUE.iter().map(|entry| entry.name).collect();
                let words = Words { all: &known, list: "list invariants" };
                let mut breaks = Vec::new();
                for item in items {
                    let name = reader.text(item, "the name of an invariant")?.to_owned();
                    let code = "squall::unknown_invariant";
                    if reader.known(item.span, &name, "invariant", code, words) {
                        breaks.push(name);
                    }
                }
                breaks
            }
            None => Vec::new(),
        };
        let env = settings(reader, fields.take("env"))?;
        all.push(DescribedDefect { id: key.text.clone(), about, breaks, env });
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Described, Problems> {
        parse("system.yaml", text.as_bytes(), Path::new("here"))
    }

    /// The first mistakes, each by its line and in words.
    fn mistakes(text: &str) -> Vec<(usize, String)> {
        let problems = read(text).expect_err("there is a mistake");
        problems.diagnostics.iter().map(|one| (one.line, one.message.clone())).collect()
    }

    const ROLES: &str = "roles:\n  server: { start: ./serve }\n  client: { client: ./ask }\n";

    #[test]
    fn what_is_not_said_is_usual() {
        let described = read(&format!("name: x\n{ROLES}")).unwrap();
        let [server, client] = described.roles.as_slice() else { panic!("{described:?}") };
        assert_eq!((server.plural.as_str(), server.count, server.client), ("servers", 1, false));
        assert_eq!((client.command.as_str(), client.client), ("./ask", true));
        assert_eq!(server.ready, Ready::AtOnce);
        assert_eq!(described.groups, [READERS]);
        assert!(described.reads && described.pace == 1.0 && described.ready_within_ms == 30_000);
        assert_eq!(described.folder, Path::new("here"));
        let promised = described.promises();
        assert_eq!(promised.delivery, crate::system::Delivery::AtLeastOnce);
        assert!(!promised.replicas && !promised.leader_terms);
    }

    #[test]
    fn all_mistakes_are_told_each_at_its_line() {
        let text =
            "nam: x\nroles:\n  server: { strat: ./serve }\npace: fast\npromises: { order: some }\n";
        let told = mistakes(text);
        let lines: Vec<usize> = told.iter().map(|(line, _)| *line).collect();
        assert!(
            lines.is_sorted() && [1, 3, 4, 5].iter().all(|line| lines.contains(line)),
            "{told:?}"
        );
    }

    #[test]
    fn what_cannot_work_is_told() {
        for (text, line, message) in [
            ("", 0, "the file is empty"),
            ("name: x\n", 1, "the system has no roles"),
            ("name: x\nroles:\n  server: { start: a }\n", 3, "no role is a client"),
            ("name: x\nroles:\n  server: {}\n", 3, "nothing says how a server is started"),
            ("name: x\nroles:\n  a: { start: a, client: b }\n", 3, "is started, or is a client"),
            ("name: x\nroles:\n  Big One: { client: b }\n", 3, "no name for a role"),
            ("name: x\nroles:\n  a: { client: b, ready: { connect: 99999 } }\n", 3, "99999"),
            ("name: x\nprograms:\n  node: {}\n", 3, "no program can be called node"),
            ("name: x\nvariants:\n  a: { evn: {} }\n", 3, "a variant has no `evn`"),
            ("name: x\nprograms:\n  a: { version: {} }\n", 3, "how it prints its version"),
        ] {
            let told = mistakes(text);
            let found = told.iter().any(|(at, what)| *at == line && what.contains(message));
            assert!(found, "{text:?}: {told:?}");
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        for bytes in [&b"\xff\xfe"[..], b"[", b"- a\n- b\n", b"a: &a [*a]\n", b"\0"] {
            assert!(parse("x", bytes, Path::new(".")).is_err(), "{bytes:?}");
        }
    }
}
