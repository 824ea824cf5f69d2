//! The parts of the markdown, and how many of them there is room for.

use crate::text::{numbers::grouped, words::plural};

/// A scenario that did not pass.
pub(super) struct Failure {
    /// With its evidence, under a headline.
    pub(super) full: String,
    /// An item of a list.
    pub(super) short: String,
}

/// Parts that are told whole or not at all, each ending its line.
pub(super) struct Document {
    /// The headline.
    pub(super) title: String,
    /// What follows it.
    pub(super) head: String,
    pub(super) failures: Vec<Failure>,
    /// Rows of slow recoveries.
    pub(super) slow: Vec<String>,
    /// What follows them: how many more there are, if there are.
    pub(super) slower: String,
    /// What passed, in a sentence.
    pub(super) passed: String,
    /// Rows of what passed.
    pub(super) rows: Vec<String>,
}

const SHORTLY: &str = "\n### More that did not pass\n\n";

const SLOW: &str = "\n### Slow recoveries\n\n\
    | scenario | recovered | replay |\n\
    | :-- | :-- | :-- |\n";

const ROWS: &str = "\n| scenario | runs | simulated | messages | faults | p50 | p99 | recovery |\n\
    | :-- | --: | --: | --: | --: | --: | --: | --: |\n";

const END: &str = "\n</details>\n";

/// The longest note of what was left out: three numbers and a limit.
const NOTE: usize = 320;

/// A text that grows while there is room.
struct Sheet {
    text: String,
    room: usize,
}

impl Sheet {
    /// Adds a part if there is room for it and for what must follow.
    fn add(&mut self, part: &str, follows: usize) -> bool {
        let length = part.len().saturating_add(follows);
        let fits = self.text.len().saturating_add(length) <= self.room;
        if fits {
            self.text.push_str(part);
        }
        fits
    }

    /// Adds parts under a headline while there is room, and says how many it added.
    fn section(&mut self, headline: &str, parts: &[String], end: &str) -> usize {
        let Some(first) = parts.first() else { return 0 };
        if !self.add(headline, first.len() + end.len()) {
            return 0;
        }
        let added = parts.iter().take_while(|part| self.add(part, end.len())).count();
        self.text.push_str(end);
        added
    }
}

impl Document {
    /// As much of it as there is room for in `bytes`.
    pub(super) fn within(&self, bytes: usize) -> String {
        let whole = self.fill(usize::MAX, bytes);
        if whole.len() <= bytes {
            return whole;
        }
        let some = self.fill(bytes.saturating_sub(NOTE), bytes);
        [some, self.title.clone()].into_iter().find(|text| text.len() <= bytes).unwrap_or_default()
    }

    /// As much of it as there is room for, and a note of what there is none for.
    fn fill(&self, room: usize, bytes: usize) -> String {
        let mut sheet = Sheet { text: String::new(), room };
        if !(sheet.add(&self.title, 0) && sheet.add(&self.head, 0)) {
            return self.title.clone();
        }
        let told = self.failures(&mut sheet);
        // What comes first is told first: no row takes the room of what did not pass.
        let slow = match told == self.failures.len() {
            true => sheet.section(SLOW, &self.slow, &self.slower),
            false => 0,
        };
        let rows = match slow == self.slow.len() {
            true => self.passed(&mut sheet),
            false => 0,
        };
        let left = [
            (self.failures.len() - told, "scenario", " that did not pass"),
            (self.slow.len() - slow, "slow recover", ""),
            (self.rows.len() - rows, "scenario", " that passed"),
        ];
        let left: Vec<String> = left
            .into_iter()
            .filter(|(number, _, _)| *number > 0)
            .map(|(number, what, which)| match what {
                "slow recover" if number == 1 => "1 slow recovery".to_owned(),
                "slow recover" => format!("{} slow recoveries", grouped(number as u64)),
                _ => plural(number, what) + which,
            })
            .collect();
        if !left.is_empty() {
            let bytes = grouped(bytes as u64);
            let note = format!("\nLeft out, to stay within {bytes} bytes: {}.\n", left.join(", "));
            sheet.text.push_str(&note);
        }
        sheet.text
    }

    /// Adds what did not pass: all of it shortly if there is room, and of that as much as possible
    /// in full, from the beginning. Says how many it added.
    fn failures(&self, sheet: &mut Sheet) -> usize {
        let all: usize = self.failures.iter().map(|failure| failure.short.len()).sum();
        let (mut follow, mut full) = (SHORTLY.len() + all, 0);
        for failure in &self.failures {
            follow -= failure.short.len();
            let last = full + 1 == self.failures.len();
            if !sheet.add(&failure.full, if last { 0 } else { follow }) {
                break;
            }
            full += 1;
        }
        let rest: Vec<String> =
            self.failures[full..].iter().map(|failure| failure.short.clone()).collect();
        full + sheet.section(SHORTLY, &rest, "")
    }

    /// Adds what passed, folded, and says how many rows it added.
    fn passed(&self, sheet: &mut Sheet) -> usize {
        if self.rows.is_empty() {
            return 0;
        }
        let begin = format!("\n<details>\n<summary>{}</summary>\n{ROWS}", self.passed);
        let rows = sheet.section(&begin, &self.rows, END);
        if rows == 0 {
            sheet.add(&format!("\n{}.\n", self.passed), 0);
        }
        rows
    }
}
