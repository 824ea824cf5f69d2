//! `squall init`: a crate to begin with, which has a service, its adapter, scenarios, CI, and a bug to find.

use super::shared::{stop::Stop, terminal::say};
use crate::exit::PASSED;
use clap::Args;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Where: a folder that does not exist yet, or is empty
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// What the crate is called [default: what the folder is called]
    #[arg(long)]
    name: Option<String>,
    /// Where squall comes from: a copy of its repository, or a URL for git [default: the copy that this command was built
    /// from, or its repository]
    #[arg(long, value_name = "PATH|URL")]
    pub(super) squall: Option<String>,
}

/// The files that are written as they stand.
const FILES: &[(&str, &str)] = &[
    ("src/main.rs", include_str!("../../init/src/main.rs")),
    ("src/broker.rs", include_str!("../../init/src/broker.rs")),
    ("src/journal.rs", include_str!("../../init/src/journal.rs")),
    ("src/producer.rs", include_str!("../../init/src/producer.rs")),
    ("src/queue.rs", include_str!("../../init/src/queue.rs")),
    ("src/system.rs", include_str!("../../init/src/system.rs")),
    ("src/wire.rs", include_str!("../../init/src/wire.rs")),
    ("src/worker.rs", include_str!("../../init/src/worker.rs")),
    (
        "scenarios/broker-loses-power.yaml",
        include_str!("../../init/scenarios/broker-loses-power.yaml"),
    ),
    (
        "scenarios/the-network-is-cut.yaml",
        include_str!("../../init/scenarios/the-network-is-cut.yaml"),
    ),
    ("scenarios/workers-die.yaml", include_str!("../../init/scenarios/workers-die.yaml")),
    (".cargo/config.toml", include_str!("../../init/template/cargo-config.toml")),
    (".gitignore", include_str!("../../init/template/gitignore")),
    (".github/workflows/squall.yml", include_str!("../../init/template/workflow.yml")),
];

const MANIFEST: &str = include_str!("../../init/template/Cargo.toml.template");
const README: &str = include_str!("../../init/template/README.md");

/// What a crate cannot be called: words of the language, what the compiler brings, folders of Cargo, its dependencies.
const TAKEN: &str = "abstract alloc as async await become box break build const continue core crate deps do dyn else enum \
    examples extern false final fn for gen if impl in incremental let loop macro match mod move mut override priv \
    proc-macro proc_macro pub ref return self Self squall squall-probe static std struct super test tokio trait true try \
    type typeof unsafe unsized use virtual where while yield";

/// Where the made crate takes squall from.
enum Source {
    /// A copy of the repository.
    Copy(PathBuf),
    /// A URL for git.
    Git(String),
}

pub(super) fn init(args: &InitArgs) -> Result<u8, Stop> {
    // By its own name, also where it is said as `.` or `..`.
    let dir = args.dir.canonicalize().or_else(|_| std::path::absolute(&args.dir));
    let dir = dir.map_err(|error| Stop::input(format!("{}: {error}", shown(&args.dir))))?;
    vacant(&dir)?;
    let name = name(args.name.as_deref(), &dir)?;
    let source = source(args.squall.as_deref())?;
    let files = files(&name, &source)?;
    write(&dir, &files)?;
    say(&told(&args.dir, &name, &source));
    Ok(PASSED)
}

fn shown(path: &Path) -> String {
    squall_reports::printable(&path.to_string_lossy())
}

/// The folder is not there, or has nothing in it but what git keeps there.
pub(super) fn vacant(dir: &Path) -> Result<(), Stop> {
    let cannot = |error: io::Error| Stop::input(format!("{}: {error}", shown(dir)));
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot(error)),
    };
    for entry in entries {
        let found = entry.map_err(cannot)?.file_name();
        if found != ".git" {
            return Err(Stop::input(format!(
                "{} is not empty (there is {}): one begins in a folder that is empty or does not exist",
                shown(dir),
                shown(Path::new(&found))
            )));
        }
    }
    Ok(())
}

/// What the crate is called, as Cargo allows it.
fn name(given: Option<&str>, dir: &Path) -> Result<String, Stop> {
    let derived = || dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = given.map(str::to_owned).or_else(derived).unwrap_or_default();
    let first = name.chars().next();
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let wrong = if !first.is_some_and(|c| c.is_ascii_alphabetic()) {
        "it must begin with a letter (a to z)"
    } else if !name.chars().all(letters) {
        "it can have letters (a to z), digits, - and _"
    } else if name.len() > 64 {
        "it can have 64 characters"
    } else if TAKEN.split_whitespace().any(|taken| taken == name) {
        "that is a word of Rust or Cargo, or a crate that it uses"
    } else {
        return Ok(name);
    };
    let instead = if given.is_some() { "" } else { "; give it a name with --name" };
    Err(Stop::input(format!(
        "no crate can be called \"{}\": {wrong}{instead}",
        squall_reports::printable(&name)
    )))
}

fn source(given: Option<&str>) -> Result<Source, Stop> {
    match given {
        Some(url) if url.contains("://") => Ok(Source::Git(url.to_owned())),
        Some(path) => {
            let root = Path::new(path).canonicalize().ok();
            let root = root.filter(|root| is_squall(root)).ok_or_else(|| {
                Stop::input(format!(
                    "there is no copy of squall's repository at {} (expected harness/squall/Cargo.toml in it, or a URL \
                     such as https://…)",
                    squall_reports::printable(path)
                ))
            })?;
            Ok(Source::Copy(root))
        }
        None => {
            let built_from =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().ok();
            // What Cargo has fetched for somebody is Cargo's.
            let own = |root: &PathBuf| is_squall(root) && !root.join(".cargo-ok").exists();
            if let Some(root) = built_from.filter(own) {
                return Ok(Source::Copy(root));
            }
            let repository = env!("CARGO_PKG_REPOSITORY");
            // As the manifest has it until it is hosted somewhere.
            if repository.contains("/OWNER/") {
                return Err(Stop::input(
                    "the copy of squall that this command was built from is gone: say with --squall where another one \
                     is (a path, or a URL for git)",
                ));
            }
            Ok(Source::Git(repository.to_owned()))
        }
    }
}

fn is_squall(root: &Path) -> bool {
    ["harness/squall/Cargo.toml", "harness/probe/Cargo.toml", "Cargo.lock"]
        .iter()
        .all(|file| root.join(file).is_file())
}

/// Text between quotes, as TOML has it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Everything that is written: paths within the crate, and contents.
fn files(name: &str, source: &Source) -> Result<Vec<(&'static str, String)>, Stop> {
    let mut files: Vec<(&str, String)> =
        FILES.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
    let (dependencies, from, portable) = match source {
        Source::Copy(root) => {
            let utf8 = || Stop::input(format!("{} is not valid UTF-8", shown(root)));
            let root = root.to_str().ok_or_else(utf8)?;
            // With the versions that squall is tested with: nothing else has to be fetched.
            let lock = Path::new(root).join("Cargo.lock");
            let lock = fs::read_to_string(&lock)
                .map_err(|error| Stop::input(format!("{}: {error}", shown(&lock))))?;
            files.push(("Cargo.lock", lock));
            let path = |folder| quoted(&format!("{root}/harness/{folder}"));
            let (squall, probe) = (path("squall"), path("probe"));
            (
                format!("squall = {{ path = {squall} }}\nsquall-probe = {{ path = {probe} }}"),
                format!("`{root}`"),
                " That path is this machine's:\nbefore others build it, name there a repository that they reach \
                 (`squall = { git = \"…\" }`).",
            )
        }
        Source::Git(url) => {
            let git = quoted(url);
            (
                format!("squall = {{ git = {git} }}\nsquall-probe = {{ git = {git} }}"),
                format!("`{url}`"),
                "",
            )
        }
    };
    let manifest =
        MANIFEST.replace("{{name}}", &quoted(name)).replace("{{dependencies}}", &dependencies);
    let readme = README
        .replace("{{title}}", name)
        .replace("{{source}}", &from)
        .replace("{{portable}}", portable);
    files.extend([("Cargo.toml", manifest), ("README.md", readme)]);
    Ok(files)
}

/// Writes all of the files into a folder, or nothing.
pub(super) fn write<P: AsRef<Path>>(dir: &Path, files: &[(P, String)]) -> Result<(), Stop> {
    let mut made = Made::default();
    made.write(dir, files).map_err(|(path, error)| {
        made.undo();
        Stop::input(format!("{}: {error}; nothing was written", shown(&path)))
    })
}

/// What was made, in that order.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Made {
    fn write<P: AsRef<Path>>(
        &mut self,
        dir: &Path,
        files: &[(P, String)],
    ) -> Result<(), (PathBuf, io::Error)> {
        for (file, text) in files {
            let path = dir.join(file);
            let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            let folders: Vec<&Path> = folders.collect();
            for folder in folders.into_iter().rev().filter(|folder| !folder.exists()) {
                fs::create_dir(folder).map_err(|error| (folder.to_owned(), error))?;
                self.0.push(folder.to_owned());
            }
            self.0.push(path.clone());
            fs::write(&path, text).map_err(|error| (path, error))?;
        }
        Ok(())
    }

    /// Removes all of it again, as far as that is possible.
    fn undo(&self) {
        for path in self.0.iter().rev() {
            let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
        }
    }
}

/// How one enters the folder, as a line for the shell, if one is not there already.
pub(super) fn enter(dir: &Path) -> String {
    if dir == Path::new(".") {
        return String::new();
    }
    format!("  cd {}\n", crate::shell::quote(&dir.to_string_lossy()))
}

/// What to do next.
fn told(dir: &Path, name: &str, source: &Source) -> String {
    let from = match source {
        Source::Copy(root) => shown(root),
        Source::Git(url) => squall_reports::printable(url),
    };
    let enter = enter(dir);
    format!(
        "{name}: a job queue, its adapter, three scenarios, a workflow for GitHub, and a bug to find\n\
         squall comes from {from}; its crates are not on crates.io yet\n\n\
         {enter}  cargo run -- run\n\n\
         builds it (the first time in a minute or two), fails, and says why; README.md goes on from there\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cargo_takes() {
        let of = |name: &str| super::name(Some(name), Path::new("/")).ok();
        for good in ["jobs", "my-queue", "a", "Queue_2"] {
            assert_eq!(of(good).as_deref(), Some(good));
        }
        for bad in ["", "2fast", "-x", "_x", "a b", "größe", "a.b", "fn", "std", "squall", "test"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(of(&"a".repeat(65)), None);
        assert_eq!(super::name(None, Path::new("/tmp/demo")).ok().as_deref(), Some("demo"));
        assert!(super::name(None, Path::new("/")).is_err());
    }

    #[test]
    fn what_could_not_be_written_whole_is_undone() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("a/b");
        let mut made = Made::default();
        let text = || "text".to_owned();
        // A file stands where a folder is needed.
        let files = [("x/one", text()), ("two", text()), ("two/three", text())];
        let (path, _) = made.write(&dir, &files).unwrap_err();
        assert!(path.ends_with("two/three"), "{}", path.display());
        made.undo();
        assert!(!folder.path().join("a").exists() && folder.path().exists());
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for source in [Source::Git("https://example.org/\"squall".into())] {
            for (path, text) in files("demo", &source).ok().unwrap() {
                let workflow = text.replace("${{", "");
                assert!(!workflow.contains("{{"), "{path}");
            }
        }
    }
}
