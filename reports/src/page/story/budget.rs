//! What of the runs that did not pass is told, so that the page stays small: of the first of each
//! kind everything, of the others as much as there is room for.

use super::{
    item::{Detail, Item},
    pack::{Extent, Texts, pack},
};
use crate::text::numbers::grouped;
use std::fmt::Write as _;

/// What was chosen.
pub(crate) struct Chosen {
    /// Of each item.
    pub(crate) runs: Vec<String>,
    /// Traces and their texts, as JSON.
    pub(crate) data: String,
    reduced: usize,
    bare: usize,
}

impl Chosen {
    /// What the reader must know of it.
    pub(crate) fn left_out(&self) -> Option<String> {
        let (reduced, bare) = (self.reduced, self.bare);
        if reduced + bare == 0 {
            return None;
        }
        let [reduced, bare, all] =
            [reduced, bare, self.runs.len()].map(|number| grouped(number as u64));
        let mut text = format!(
            "The page does not grow without bound. Of {all} runs that did not pass, the first of each \
             cause are told in full"
        );
        if self.reduced > 0 {
            // Writing to a String cannot fail, here and below.
            let _ = write!(
                text,
                "; of {reduced} the diagram shows the evidence and the faults, without the records and \
                 messages around them, and only the first violations are listed"
            );
        }
        if self.bare > 0 {
            let _ = write!(text, "; of {bare} there is only the verdict");
        }
        Some(text + ". The command of a run tells all of it.")
    }
}

/// What is told of an item so far.
struct Told {
    detail: Detail,
    html: String,
    json: String,
}

struct Budget {
    left: usize,
    texts: Texts,
}

impl Budget {
    /// Tells more of an item, if there is room for it.
    fn raise(&mut self, item: &Item<'_>, told: &mut Told, detail: Detail) -> bool {
        let mark = self.texts.len();
        let extent = if detail == Detail::Full { Extent::Full } else { Extent::Evidence };
        let html = item.render(detail);
        let trace = item.picture.as_ref();
        let json = trace.map(|trace| pack(trace, extent, &mut self.texts)).unwrap_or_default();
        // A name, a colon and a comma come with it.
        let more = html.len() + json.len() + self.texts.bytes_since(mark) + 16;
        let cost = more.saturating_sub(told.html.len() + told.json.len());
        if cost > self.left {
            self.texts.truncate(mark);
            return false;
        }
        self.left -= cost;
        *told = Told { detail, html, json };
        true
    }
}

/// Chooses how much of each item is told within `limit` bytes. Items are in the order of their numbers.
pub(crate) fn choose(items: &[Item<'_>], limit: usize) -> Chosen {
    let bare = |item: &Item<'_>| Told {
        detail: Detail::Bare,
        html: item.render(Detail::Bare),
        json: String::new(),
    };
    let mut told: Vec<Told> = items.iter().map(bare).collect();
    let fixed = told.iter().map(|told| told.html.len()).sum::<usize>();
    let mut budget = Budget { left: limit.saturating_sub(fixed), texts: Texts::default() };
    let each = || items.iter().enumerate();
    for (place, item) in each().filter(|(_, item)| item.first) {
        let told = &mut told[place];
        let _ = budget.raise(item, told, Detail::Full) || budget.raise(item, told, Detail::Reduced);
    }
    for (place, item) in each().filter(|(_, item)| !item.first) {
        budget.raise(item, &mut told[place], Detail::Reduced);
    }
    for (place, item) in each().filter(|(_, item)| !item.first) {
        if told[place].detail == Detail::Reduced {
            budget.raise(item, &mut told[place], Detail::Full);
        }
    }
    let with = |detail| told.iter().filter(|told| told.detail == detail).count();
    let (reduced, bare) = (with(Detail::Reduced), with(Detail::Bare));
    let traces: Vec<String> = told
        .iter()
        .enumerate()
        .filter(|(_, told)| !told.json.is_empty())
        .map(|(place, told)| format!("\"{place}\":{}", told.json))
        .collect();
    let data = format!("{{\"s\":{},\"r\":{{{}}}}}", budget.texts.json(), traces.join(","));
    Chosen { runs: told.into_iter().map(|told| told.html).collect(), data, reduced, bare }
}
