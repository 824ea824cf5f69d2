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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::Samples,
        table::{Unit, text},
    };

    fn row(value: f64) -> Row {
        Row::of("floor", "a", &Samples(vec![value]), Unit::Ratio).kept("a over b")
    }

    #[test]
    fn what_is_a_fifth_worse_is_noticed_and_what_is_new_too() {
        let path = std::env::temp_dir().join(format!("ratios-{}.json", std::process::id()));
        kept(Some(&path), &[row(1.0)]).expect("it can be written");
        assert_eq!(worse(&path, &[row(1.19)]), Ok(Vec::new()));
        let told = worse(&path, &[row(1.21)]).expect("it can be read");
        let said = "worse by 21 %: a over b: 1.000 before, 1.210 now";
        assert_eq!(told, [("floor", said.to_owned())]);
        let new = Row { kept: Some("c over d"), ..row(1.0) };
        assert!(worse(&path, &[new]).is_ok_and(|told| told.len() == 1));
        let mut rows = [row(1.21)];
        better_of(&mut rows, &[row(1.1)]);
        assert_eq!(worse(&path, &rows), Ok(Vec::new()));
        std::fs::remove_file(path).expect("it is there");
    }

    #[test]
    fn the_table_stands_between_the_markers_and_fits() {
        let path = std::env::temp_dir().join(format!("page-{}.md", std::process::id()));
        write(&path, format!("before\n{BEGIN}\nold\n{END}\nafter\n")).expect("it can be written");
        let table = text("A title", &[row(123_456.0), row(0.001)]);
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        on_page(Some(&path), &table).expect("there are markers");
        let page = read(&path).expect("it is there");
        assert!(page.starts_with("before\n") && page.ends_with("\nafter\n"), "{page}");
        assert!(page.contains(&table) && !page.contains("old"), "{page}");
        write(&path, "no markers".to_owned()).expect("it can be written");
        assert!(on_page(Some(&path), &table).is_err());
        std::fs::remove_file(path).expect("it is there");
    }
}
