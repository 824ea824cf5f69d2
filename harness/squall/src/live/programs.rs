//! The programs that a described system needs: found before anything is started, or named with how to get them.

use super::described::{Described, Program};
use std::{
    env,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// A version is cut after this many characters.
const LONGEST: usize = 80;

impl Program {
    /// The variable that says where it is: for whoever starts squall, and for the system's commands.
    pub(crate) fn variable(&self) -> String {
        format!("SQUALL_{}", self.name.to_uppercase().replace(['-', '.'], "_"))
    }

    /// Where it is: where its variable says, else in `PATH`.
    ///
    /// # Errors
    /// It is in neither; in words, with how to get it.
    fn find(&self) -> Result<PathBuf, String> {
        let variable = self.variable();
        if let Some(said) = env::var_os(&variable).filter(|said| !said.is_empty()) {
            let path = PathBuf::from(said);
            return if is_program(&path) {
                std::path::absolute(&path).map_err(|error| error.to_string())
            } else {
                Err(format!("{variable} is {}, which is no program", path.display()))
            };
        }
        let folders = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&folders).map(|folder| folder.join(&self.name));
        found.into_iter().find(|path| is_program(path)).ok_or_else(|| {
            let Self { name, get, .. } = self;
            let get = get.as_ref().map(|get| format!(": {get}")).unwrap_or_default();
            format!("{name} is not in PATH, and {variable} does not say where it is{get}")
        })
    }
}

/// A file that may be run.
fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The first line that a program prints of its version.
fn version(path: &Path, program: &Program) -> Result<String, String> {
    let mut command = Command::new("sh");
    let shown = match &program.version_run {
        Some(run) => {
            command.arg("-c").arg(run).env(program.variable(), path);
            run.trim().to_owned()
        }
        None => {
            command = Command::new(path);
            command.args(program.version.split_whitespace());
            format!("{} {}", path.display(), program.version)
        }
    };
    let told = command.output().map_err(|error| format!("{shown}: {error}"))?;
    let text = if told.stdout.is_empty() { told.stderr } else { told.stdout };
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if !told.status.success() || line.is_empty() {
        return Err(format!("{shown} tells no version ({})", told.status));
    }
    Ok(line.chars().take(LONGEST).collect())
}

impl Described {
    /// With its programs found: where they are is in its environment, and their versions are its own if it has none.
    ///
    /// # Errors
    /// One is missing; in words, with how to get it.
    pub(crate) fn with_programs(mut self) -> Result<Self, String> {
        let mut versions = Vec::new();
        for program in &self.programs {
            let of_system = |why| format!("{} cannot be run here: {why}", self.name);
            let path = program.find().map_err(of_system)?;
            if !program.version.is_empty() || program.version_run.is_some() {
                versions.push(version(&path, program).map_err(of_system)?);
            }
            self.env.push((program.variable(), path.to_string_lossy().into_owned()));
        }
        if !versions.is_empty() {
            self.version = versions.join("; ");
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::describe::parse;

    fn described(program: &str) -> Described {
        let text =
            format!("name: x\nprograms:\n  {program}\nroles:\n  client: {{ client: ./ask }}\n");
        parse("system.yaml", text.as_bytes(), Path::new(".")).unwrap()
    }

    #[test]
    fn a_program_in_the_path_is_found_and_tells_its_version() {
        let found = described("sh: { version: \"-c 'echo' \" }");
        assert_eq!(found.programs[0].variable(), "SQUALL_SH");
        let found = described("env: { version: --version }").with_programs().unwrap();
        assert!(found.version.starts_with("env"), "{}", found.version);
        let (name, path) = &found.env[0];
        assert!(name == "SQUALL_ENV" && path.ends_with("/env"), "{path}");
    }

    #[test]
    fn a_program_without_arguments_for_it_tells_its_version_by_a_command() {
        let found = described("env: { version: { run: 'echo \"a 1.2 of $SQUALL_ENV\"' } }");
        let found = found.with_programs().unwrap();
        assert!(found.version.starts_with("a 1.2 of /"), "{}", found.version);
        let none = described("env: { version: { run: 'exit 3' } }").with_programs().unwrap_err();
        assert!(none.contains("exit 3 tells no version"), "{none}");
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_how_to_get_it() {
        let error = described("no-such-broker: { get: apt-get install it }").with_programs();
        assert_eq!(
            error.unwrap_err(),
            "x cannot be run here: no-such-broker is not in PATH, and SQUALL_NO_SUCH_BROKER does not \
             say where it is: apt-get install it"
        );
        let error = described("false: { version: --x }").with_programs().unwrap_err();
        assert!(error.contains("false --x tells no version"), "{error}");
    }
}
