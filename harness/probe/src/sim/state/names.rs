//! Names in records: numbers in a history, texts for people.

use crate::record::Name;
use std::collections::BTreeMap;

/// Names used in a run, numbered in the order of first use.
#[derive(Debug, Default, Clone)]
pub struct Names {
    texts: Vec<String>,
    index: BTreeMap<String, Name>,
}

impl Names {
    /// The name's number, handed out now if it is new.
    ///
    /// # Panics
    /// There are 65,536 others: names are for kinds of things, not for each of them.
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.index.get(text) {
            return *name;
        }
        let number = u16::try_from(self.texts.len());
        let name = Name(number.expect("a run uses at most 65,536 names: name kinds of things"));
        self.texts.push(text.to_owned());
        self.index.insert(text.to_owned(), name);
        name
    }

    /// The number of a name that is in use.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Name> {
        self.index.get(text).copied()
    }

    /// The text of a name.
    #[must_use]
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(usize::from(name.0)).map_or("?", String::as_str)
    }

    /// All texts, by number.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_by_which_it_is_found_again() {
        let mut names = Names::default();
        assert_eq!(["a", "b", "a"].map(|text| names.intern(text)), [Name(0), Name(1), Name(0)]);
        assert_eq!([0, 1, 2].map(|number| names.text(Name(number))), ["a", "b", "?"]);
        assert_eq!(names.texts().collect::<Vec<_>>(), ["a", "b"]);
    }
}
