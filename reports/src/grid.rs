//! The cases of a matrix (`--matrix`) as a table: what the last axis changes from column to column, all others from row to
//! row.

use crate::{
    digest,
    format::{Report, ScenarioReport, Verdict},
};

/// A larger table tells nobody anything.
const MOST: usize = 2_500;

/// All cases of a scenario.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The scenario's name, without what was set.
    pub(crate) name: String,
    /// What tells each row from the others; empty where there is one axis alone.
    pub(crate) rows: Vec<String>,
    /// What tells each column from the others.
    pub(crate) columns: Vec<String>,
    /// By row and column; none where there is no such case.
    pub(crate) cells: Vec<Vec<Option<Cell>>>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Its worst verdict, if it was run.
    pub(crate) worst: Option<Verdict>,
    /// Runs that passed, and all.
    pub(crate) runs: (usize, usize),
}

impl Cell {
    /// `19/20`, or that it was not run.
    pub(crate) fn words(&self) -> String {
        match self.runs {
            (_, 0) => "not run".to_owned(),
            (passed, all) => format!("{passed}/{all}"),
        }
    }
}

impl Grid {
    /// With the axes the other way round.
    pub(crate) fn turned(&self) -> Self {
        let column = |index: usize| self.cells.iter().map(|row| row[index].clone()).collect();
        Self {
            name: self.name.clone(),
            rows: self.columns.clone(),
            columns: self.rows.clone(),
            cells: (0..self.columns.len()).map(column).collect(),
        }
    }
}

/// A table for each scenario of which a report has several cases, in its order.
pub(crate) fn grids(report: &Report) -> Vec<Grid> {
    let mut files: Vec<(&str, Vec<&ScenarioReport>)> = Vec::new();
    for scenario in report.scenarios.iter().filter(|scenario| !scenario.case.is_empty()) {
        match files.iter_mut().find(|(file, _)| *file == scenario.file()) {
            Some((_, cases)) => cases.push(scenario),
            None => files.push((scenario.file(), vec![scenario])),
        }
    }
    files.into_iter().filter_map(|(_, cases)| grid(&cases)).collect()
}

fn grid(cases: &[&ScenarioReport]) -> Option<Grid> {
    let place = |names: &mut Vec<String>, name: &str| {
        names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        })
    };
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    let places: Vec<(usize, usize)> = cases
        .iter()
        .map(|scenario| {
            let (row, column) = scenario.case.rsplit_once(", ").unwrap_or(("", &scenario.case));
            (place(&mut rows, row), place(&mut columns, column))
        })
        .collect();
    if cases.len() < 2 || rows.len().saturating_mul(columns.len()) > MOST {
        return None;
    }
    let mut cells = vec![vec![None; columns.len()]; rows.len()];
    for ((row, column), scenario) in places.into_iter().zip(cases) {
        let passed = scenario.runs.iter().filter(|run| run.verdict == Verdict::Passed).count();
        cells[row][column] =
            Some(Cell { worst: digest::worst(scenario), runs: (passed, scenario.runs.len()) });
    }
    let name = &cases.first()?.name;
    let name = name.rsplit_once(" [").map_or(name.as_str(), |(name, _)| name).to_owned();
    Some(Grid { name, rows, columns, cells })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Run;

    fn case(file: &str, case: &str, verdicts: &[Verdict]) -> ScenarioReport {
        let run = |verdict: &Verdict| Run { verdict: *verdict, ..Run::default() };
        ScenarioReport {
            name: format!("a name [{case}]"),
            path: format!("{file} [{case}]"),
            case: case.to_owned(),
            runs: verdicts.iter().map(run).collect(),
            ..ScenarioReport::default()
        }
    }

    #[test]
    fn cases_stand_where_their_settings_cross() {
        use Verdict::{Failed, Passed};
        let scenarios = vec![
            case("a.yaml", "brokers=3, rate=1/s", &[Passed, Passed]),
            case("b.yaml", "brokers=3", &[Passed]),
            case("a.yaml", "brokers=3, rate=2/s", &[Passed, Failed]),
            case("a.yaml", "brokers=5, rate=2/s", &[]),
        ];
        let grids = grids(&Report { scenarios, ..Report::default() });
        assert_eq!(grids.len(), 1, "one case alone needs no table");
        let grid = &grids[0];
        assert_eq!(grid.name, "a name");
        assert_eq!(grid.rows, ["brokers=3", "brokers=5"]);
        assert_eq!(grid.columns, ["rate=1/s", "rate=2/s"]);
        let words = |grid: &Grid| -> Vec<Vec<String>> {
            let words = |cell: &Option<Cell>| cell.as_ref().map_or("–".to_owned(), Cell::words);
            grid.cells.iter().map(|row| row.iter().map(words).collect()).collect()
        };
        assert_eq!(words(grid), [["2/2", "1/2"], ["–", "not run"]]);
        assert_eq!(grid.cells[0][1].as_ref().and_then(|cell| cell.worst), Some(Failed));
        assert_eq!(words(&grid.turned()), [["2/2", "–"], ["1/2", "not run"]]);
    }

    #[test]
    fn one_axis_is_one_row_and_what_is_too_large_is_left_out() {
        let some = |count: usize, with: fn(usize) -> String| Report {
            scenarios: (0..count).map(|index| case("a.yaml", &with(index), &[])).collect(),
            ..Report::default()
        };
        let grids_of = |report: &Report| grids(report);
        let row = grids_of(&some(3, |index| format!("brokers={index}")));
        assert_eq!((row[0].rows.as_slice(), row[0].columns.len()), ([String::new()].as_slice(), 3));
        assert!(grids_of(&some(60, |index| format!("a={index}, b={index}"))).is_empty());
    }
}
