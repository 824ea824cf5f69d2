//! The cases of a matrix, as tables within the reader's width.

use crate::{
    format::Report,
    grid::{Cell, Grid, grids},
    render::terminal::style::style,
    text::{printable, table::Table},
};
use owo_colors::OwoColorize as _;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

pub(super) fn matrix(out: &mut String, report: &Report, width: usize, color: bool) {
    for grid in grids(report) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "MATRIX {}: runs that passed", printable(&grid.name));
        let turned = grid.turned();
        let forms = if grid.rows.len() > 1 { vec![&grid, &turned] } else { vec![&turned] };
        let fits =
            |grid: &&Grid| table(grid, width, false).lines().all(|line| line.width() <= width);
        match forms.into_iter().find(fits) {
            Some(grid) => out.push_str(&table(grid, width, color)),
            // What does not fit is told a case a line.
            None => list(out, &grid, color),
        }
        out.push('\n');
    }
}

fn words(cell: Option<&Cell>, color: bool) -> String {
    match cell {
        None => "-".to_owned(),
        Some(cell) => match cell.worst {
            Some(worst) => cell.words().style(style(worst, color)).to_string(),
            None => cell.words(),
        },
    }
}

fn table(grid: &Grid, width: usize, color: bool) -> String {
    let title = |name: &String| match name.as_str() {
        // One axis alone.
        "" => "passed".to_owned(),
        name => printable(name),
    };
    let columns: Vec<String> = grid.columns.iter().map(title).collect();
    let columns: Vec<&str> =
        std::iter::once("").chain(columns.iter().map(String::as_str)).collect();
    let names: Vec<&str> = grid.rows.iter().map(String::as_str).collect();
    let cells: Vec<Vec<String>> = grid
        .cells
        .iter()
        .map(|row| row.iter().map(|cell| words(cell.as_ref(), color)).collect())
        .collect();
    Table { columns: &columns, names: &names, cells: &cells, width, widths: 8..=60, left: &[0] }
        .text()
}

fn list(out: &mut String, grid: &Grid, color: bool) {
    for (row, cells) in grid.rows.iter().zip(&grid.cells) {
        for (column, cell) in grid.columns.iter().zip(cells) {
            let Some(cell) = cell else { continue };
            let both = [row, column].map(|name| printable(name));
            let both: Vec<&str> =
                both.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
            let _ = writeln!(out, "  {}: {}", both.join(", "), words(Some(cell), color));
        }
    }
}
