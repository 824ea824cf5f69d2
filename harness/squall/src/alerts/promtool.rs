//! Prometheus' promtool: it evaluates the rules on a run's numbers as Prometheus would, sample by sample.
//!
//! It is given a unit test of the rules (`promtool test rules`) that expects what cannot be, so that it prints what it got
//! instead: when each alert fired first, and when each was pending first. Where it prints anything else, that is an error.

use super::error::Error;
use serde_json::json;
use squall_reports::{Series, sample_name, sample_value};
use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const PROMTOOL: &str = "promtool";

/// What came of the rules: alerts by name, with the time at which one of that name first was, in milliseconds of virtual
/// time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Raised {
    pub(super) firing: BTreeMap<String, u64>,
    /// Their condition held, for whatever time.
    pub(super) pending: BTreeMap<String, u64>,
}

/// Whether promtool finds the rules good.
pub(super) fn check(files: &[PathBuf]) -> Result<(), Error> {
    for file in files {
        std::fs::metadata(file)
            .map_err(|error| Error::Input(format!("--rules {}: {error}", file.display())))?;
    }
    let output = run(Command::new(PROMTOOL).args(["check", "rules"]).args(files), b"")?;
    if output.status.success() {
        return Ok(());
    }
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let told = squall_reports::printable(&text(&output)).replace("\\n", "\n  ");
    Err(Error::Input(format!(
        "--rules {}: promtool refuses it:\n  {}",
        files.join(", "),
        told.trim()
    )))
}

/// What the rules make of the numbers.
pub(super) fn raised(files: &[PathBuf], series: &Series) -> Result<Raised, Error> {
    let files = files.iter().map(|file| absolute(file)).collect::<Result<Vec<_>, _>>()?;
    let test = test(&files, series).to_string();
    let mut command = Command::new(PROMTOOL);
    let output = run(command.args(["test", "rules", "/dev/stdin"]), test.as_bytes())?;
    let text = text(&output);
    let read = |state| {
        read(&text, state).ok_or_else(|| {
            let told: String = text.chars().take(2_000).collect();
            Error::Promtool(format!("it was not understood: {}", squall_reports::printable(&told)))
        })
    };
    Ok(Raised { firing: read(FIRING)?, pending: read(PENDING)? })
}

const FIRING: &str = "firing";
const PENDING: &str = "pending";

/// A unit test of the rules that fails whatever they do.
fn test(files: &[String], series: &Series) -> serde_json::Value {
    let every = format!("{}ms", series.every_ms);
    let end_ms = series.every_ms * (series.scrapes as u64).saturating_sub(1);
    let input: Vec<serde_json::Value> = series
        .samples()
        .map(|(name, labels, sample)| {
            json!({ "series": sample_name(&name, &labels), "values": values(&sample.values) })
        })
        .collect();
    let first = |state: &str| {
        json!({
            "expr": format!(
                "min by (alertname) (min_over_time(timestamp(ALERTS{{alertstate=\"{state}\"}})[{}ms:{every}]))",
                end_ms + series.every_ms
            ),
            "eval_time": format!("{end_ms}ms"),
            "exp_samples": [{ "labels": "squall_expects_nothing", "value": 0 }],
        })
    };
    json!({
        "rule_files": files,
        "evaluation_interval": every,
        "tests": [{
            "interval": every,
            "input_series": input,
            "promql_expr_test": [first(FIRING), first(PENDING)],
        }],
    })
}

/// Values as promtool reads them: `1+0x5` is one value six times, `_` none, and a series that ends is marked so.
fn values(all: &[Option<f64>]) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut rest = all;
    let mut told = false;
    while let Some((first, _)) = rest.split_first() {
        let same = rest.iter().take_while(|value| *value == first).count();
        rest = &rest[same..];
        match first {
            Some(value) => {
                out.push(format!("{}+0x{}", sample_value(*value), same - 1));
                told = true;
            }
            None => {
                // The node is gone: Prometheus would know after one scrape.
                let marks = usize::from(told);
                out.extend((0..marks).map(|_| "stale".to_owned()));
                if same > marks {
                    out.push(format!("_x{}", same - marks));
                }
                told = false;
            }
        }
    }
    out.join(" ")
}

/// What was got in place of what was expected of the alerts of a state; none if it is not there.
fn read(text: &str, state: &str) -> Option<BTreeMap<String, u64>> {
    let mut lines = text.lines();
    let mark = format!("alertstate=\\\"{state}\\\"");
    lines.find(|line| line.trim_start().starts_with("expr:") && line.contains(&mark))?;
    let mut rest = lines.find_map(|line| line.trim_start().strip_prefix("got:"))?.trim();
    let mut all = BTreeMap::new();
    if rest == "nil" {
        return Some(all);
    }
    while !rest.is_empty() {
        let name = rest.strip_prefix("{alertname=")?;
        let end = string_end(name)?;
        let name_text: String = serde_json::from_str(&name[..end]).ok()?;
        let value = name[end..].strip_prefix("} ")?;
        let (value, next) =
            value.split_once(", {").map_or((value, ""), |(value, next)| (value, next));
        let seconds: f64 = value.parse().ok()?;
        all.insert(name_text, (seconds * 1e3).round() as u64);
        rest = if next.is_empty() { "" } else { &rest[rest.len() - next.len() - 1..] };
    }
    Some(all)
}

/// Where a quoted string ends, behind its quote.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = true;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = if at == 0 { false } else { c == '\\' && !escaped };
        ends.then_some(at + 1)
    })
}

/// A file's path that means the same from everywhere, and of which nothing is a pattern.
fn absolute(path: &Path) -> Result<String, Error> {
    let told = |error: std::io::Error| Error::Input(format!("{}: {error}", path.display()));
    let text = std::fs::canonicalize(path).map_err(told)?.to_string_lossy().into_owned();
    Ok(text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '*' | '?' | '[' | '\\') {
            out.push('\\');
        }
        out.push(c);
        out
    }))
}

fn run(command: &mut Command, input: &[u8]) -> Result<Output, Error> {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Input(
            "--rules needs promtool, which is not on the PATH: it comes with Prometheus (Debian and Ubuntu: \
             apt-get install prometheus; else https://prometheus.io/download)"
                .to_owned(),
        ),
        _ => Error::Promtool(format!("it does not start: {error}")),
    })?;
    if let Some(mut stdin) = child.stdin.take()
        && let Err(error) = stdin.write_all(input)
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(Error::Promtool(error.to_string()));
    }
    child.wait_with_output().map_err(|error| Error::Promtool(error.to_string()))
}

fn text(output: &Output) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}\n{err}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_few_words_and_what_ends_is_marked() {
        let told = [None, Some(1.0), Some(1.0), Some(0.5), None, None, None, Some(2.0), None];
        assert_eq!(values(&told), "_x1 1+0x1 0.5+0x0 stale _x2 2+0x0 stale");
    }

    /// As promtool 2.42 prints it.
    const TOLD: &str = r#"Unit Testing:  /dev/stdin
  FAILED:
    expr: "min by (alertname) (min_over_time(timestamp(ALERTS{alertstate=\"firing\"})[21000ms:1000ms]))", time: 20s,
        exp: {__name__="squall_expects_nothing"} 0E+00
        got: {alertname="NodeDown"} 8E+00, {alertname="Odd \"name\", {"} 6.5E+00, {alertname="Z"} 1.234E+03
    expr: "min by (alertname) (min_over_time(timestamp(ALERTS{alertstate=\"pending\"})[21000ms:1000ms]))", time: 20s,
        exp: {__name__="squall_expects_nothing"} 0E+00
        got: nil
"#;

    #[test]
    fn what_promtool_got_is_read() {
        let firing = read(TOLD, FIRING).unwrap();
        let told: Vec<(&str, u64)> = firing.iter().map(|(name, at)| (&**name, *at)).collect();
        assert_eq!(told, [("NodeDown", 8_000), ("Odd \"name\", {", 6_500), ("Z", 1_234_000)]);
        assert_eq!(read(TOLD, PENDING), Some(BTreeMap::new()));
        assert_eq!(read("Unit Testing:  /dev/stdin\n  SUCCESS\n", FIRING), None);
        assert_eq!(read(&TOLD.replace("{alertname=\"NodeDown\"}", "{}"), FIRING), None);
    }
}
