//! Files: what was measured, and the ratios that are kept so that a loss is noticed.

use crate::table::Row;
use std::{collections::BTreeMap, fs, path::Path};

/// A ratio may be this much of what was kept.
const MAY_BE: f64 = 1.2;

const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

fn write(path: &Path, text: String) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes all rows as JSON.
pub fn written(path: Option<&Path>, rows: &[Row]) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    let told = serde_json::json!({ "machine": machine(), "rows": rows });
    write(path, format!("{told:#}\n"))
}

fn ratios(rows: &[Row]) -> BTreeMap<&'static str, f64> {
    rows.iter().filter_map(|row| Some((row.kept?, (row.value * 1e3).round() / 1e3))).collect()
}

/// Keeps the ratios.
pub fn kept(path: Option<&Path>, rows: &[Row]) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    write(path, serde_json::to_string_pretty(&ratios(rows)).expect("numbers are JSON") + "\n")
}

/// The ratios that are more than a fifth above those that were kept: their part, and what is to be said.
pub fn worse(path: &Path, rows: &[Row]) -> Result<Vec<(&'static str, String)>, String> {
    let kept: BTreeMap<String, f64> = serde_json::from_str(&read(path)?)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let mut worse = Vec::new();
    for row in rows {
        let (Some(name), now) = (row.kept, row.value) else { continue };
        let told = match kept.get(name) {
            Some(before) if now > before * MAY_BE => {
                let more = (now / before - 1.0) * 100.0;
                format!("worse by {more:.0} %: {name}: {before:.3} before, {now:.3} now")
            }
            Some(_) => continue,
            None => format!("not in {}: {name}, now {now:.3}", path.display()),
        };
        worse.push((row.part, told));
    }
    Ok(worse)
}

/// Of two measurements of a kept ratio the better one.
pub fn better_of(rows: &mut [Row], again: &[Row]) {
    for row in rows.iter_mut().filter(|row| row.kept.is_some()) {
        for other in again.iter().filter(|other| other.kept == row.kept) {
            row.value = row.value.min(other.value);
        }
    }
}

/// The processor, as Linux names it.
fn machine() -> String {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = known.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("a processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}

/// Writes the table between the markers of a page.
pub fn on_page(path: Option<&Path>, table: &str) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    let page = read(path)?;
    let parts =
        page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(format!("{}: there is no {BEGIN} with {END} behind it", path.display()));
    };
    let told = format!(
        "{before}{BEGIN}\nMeasured on: {}.\n\n```text\n{table}```\n{END}{after}",
        machine()
    );
    write(path, told)
}
