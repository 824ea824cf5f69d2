//! The command that makes a run again, and what it expects to find.
//!
//! It names the history that the run had and what made it, so that a replay that is not the same run says so, and why.

use crate::{
    scenario::Scenario,
    shell::{defect_options, quote},
    system::System,
};
use std::{fmt, str::FromStr};
use xxhash_rust::xxh3::xxh3_64;

/// Digits of a history's hash that a command names: enough to tell runs apart.
const DIGITS: usize = 12;

/// The history of a run, and what made it: `HISTORY:SQUALL:SYSTEM:CONFIGURATION:SCENARIO`, of which only the first is
/// needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The first digits of the history's hash.
    history: String,
    /// Each thing that made it, with its name, as far as it is told.
    made_by: Vec<(&'static str, String)>,
}

/// What a run is made by, in the order of the text.
const MAKERS: [&str; 4] = [
    "squall's version",
    "the system's version",
    "the system's configuration",
    "the scenario's file",
];

impl Expected {
    /// What is expected of a run that had this history.
    fn of(history: &str, scenario: &Scenario, system: &dyn System) -> Self {
        let history = history.chars().take(DIGITS).collect();
        Self { history, made_by: makers(scenario, system) }
    }

    /// Why a replay is not the run that is expected; nothing if it is.
    pub(crate) fn differs(
        &self,
        history: &str,
        scenario: &Scenario,
        system: &dyn System,
    ) -> Option<String> {
        if history.starts_with(&self.history) {
            return None;
        }
        let found: String = history.chars().take(DIGITS).collect();
        let now = makers(scenario, system);
        let changed: Vec<String> = self
            .made_by
            .iter()
            .filter_map(|(what, before)| {
                let (_, now) = now.iter().find(|(known, now)| known == what && now != before)?;
                Some(format!("{what} was {before} and is {now}"))
            })
            .collect();
        let why = if changed.is_empty() {
            "nothing that the command names has changed: its code has, or it is not deterministic"
                .to_owned()
        } else {
            changed.join("; ")
        };
        Some(format!(
            "this is not the same run: its history is {found}, not {}; {why}",
            self.history
        ))
    }
}

fn makers(scenario: &Scenario, system: &dyn System) -> Vec<(&'static str, String)> {
    let config: String =
        system.config().iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let config = format!("{:08x}", xxh3_64(config.as_bytes()) as u32);
    let file: String = scenario.hash.chars().take(8).collect();
    let versions = [env!("CARGO_PKG_VERSION").to_owned(), system.version().to_owned()];
    let all = versions.into_iter().chain([config, file]).map(|text| text.replace([':', ' '], "_"));
    MAKERS.into_iter().zip(all).collect()
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.history)?;
        self.made_by.iter().try_for_each(|(_, value)| write!(f, ":{value}"))
    }
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let history = parts.next().unwrap_or_default().to_lowercase();
        let hexadecimal = history.chars().all(|digit| digit.is_ascii_hexdigit());
        if history.len() < 8 || !hexadecimal {
            return Err("expected at least eight hexadecimal digits of a history's hash".to_owned());
        }
        let made_by = MAKERS.into_iter().zip(parts.map(str::to_owned)).collect();
        Ok(Self { history, made_by })
    }
}

/// The command that makes a run again, as anybody has it. `history` is the hash of the run's history, empty if it
/// has none.
pub(crate) fn command(
    scenario: &Scenario,
    seed: u64,
    defects: &[String],
    history: &str,
    system: &dyn System,
) -> String {
    let defects = defect_options(defects);
    let expect = if history.is_empty() {
        String::new()
    } else {
        format!(" --expect {}", quote(&Expected::of(history, scenario, system).to_string()))
    };
    let set = settings(scenario);
    format!("squall replay {} --seed {seed}{set}{defects}{expect}", quote(&scenario.path))
}

/// The options that put a scenario's settings into it, each with a space before it.
pub(crate) fn settings(scenario: &Scenario) -> String {
    scenario.settings.iter().map(|set| format!(" --set {}", quote(set))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    #[test]
    fn a_run_that_is_not_the_same_says_why() {
        let scenario = parse("x", b"name: x\n", &Sample).unwrap();
        let other = parse("x", b"name: y\n", &Sample).unwrap();
        let expected = Expected::of("0123456789abcdef", &scenario, &Sample);
        let read: Expected = expected.to_string().parse().unwrap();
        assert_eq!(read, expected);
        let differs = |history, scenario| read.differs(history, scenario, &Sample);
        assert_eq!(differs("0123456789abffff", &scenario), None);
        let same = differs("ffff456789abcdef", &scenario).unwrap();
        assert!(same.contains("nothing that the command names has changed"), "{same}");
        let changed = differs("ffff456789abcdef", &other).unwrap();
        assert!(changed.contains("the scenario's file was"), "{changed}");
        // A history alone will do, and nonsense will not.
        assert!("0123456789ab".parse::<Expected>().unwrap().made_by.is_empty());
        assert!("0123".parse::<Expected>().is_err() && "latest".parse::<Expected>().is_err());
    }
}
