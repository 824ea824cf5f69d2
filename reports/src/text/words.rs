//! Lists and counts in words, the same in every rendering.

use crate::text::numbers::grouped;

/// Seeds that are named in a sentence.
const SEEDS: usize = 3;

/// A count and what is counted: `1 run`, `1,420 runs`.
#[must_use]
pub fn plural(count: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// `seeds 3, 9, 12 and 4 more`
pub(crate) fn seeds(seeds: &[u64]) -> String {
    let named: Vec<String> = seeds.iter().take(SEEDS).map(u64::to_string).collect();
    let more = match seeds.len().saturating_sub(SEEDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
    format!("{noun} {}{more}", named.join(", "))
}

/// `a`, `a and b`, `a, b and 3 more`
pub(crate) fn list(names: &[String], most: usize) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= most => format!("{} and {last}", first.join(", ")),
        _ => {
            let most = most.saturating_sub(1).max(1);
            let named: Vec<&str> = names.iter().take(most).map(String::as_str).collect();
            format!("{} and {} more", named.join(", "), names.len() - named.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_words() {
        assert_eq!(seeds(&[7]), "seed 7");
        assert_eq!(seeds(&[1, 2, 3, 4]), "seeds 1, 2, 3 and 1 more");
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(list(&names, 4), "a, b, c and d");
        assert_eq!(list(&names, 3), "a, b and 2 more");
        assert_eq!(list(&[], 3), "");
    }
}
