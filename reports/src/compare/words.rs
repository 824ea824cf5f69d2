//! Numbers in words, the same in every rendering.

use super::model::Share;
use crate::{
    stats::{Interval, Z, wilson},
    text::plural,
};

/// Seeds that are named in a sentence.
const SEEDS: usize = 3;

impl Share {
    /// With its interval.
    pub(crate) fn new(count: usize, of: usize) -> Self {
        Self { count, of, interval: wilson(count, of, Z) }
    }

    /// The rate; of nothing, nothing.
    pub(crate) fn rate(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }

    /// `24 of 50 runs (48 %, 34 to 62 %)`
    pub(crate) fn words(&self) -> String {
        if self.of == 0 {
            return "0 of 0 runs".to_owned();
        }
        let Interval { low, high } = self.interval;
        format!(
            "{} of {} ({} %, {} to {} %)",
            self.count,
            plural(self.of, "run"),
            percent(self.rate()),
            percent(low),
            percent(high),
        )
    }
}

/// A share in percent, without the sign: `0`, `0.4`, `12`, `99.7`, `100`. What is not all is not 100,
/// and what is not nothing is not 0.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let text = if (1.0..=99.0).contains(&percent) || percent <= 0.0 || percent >= 100.0 {
        format!("{percent:.0}")
    } else {
        format!("{percent:.1}")
    };
    match text.as_str() {
        "0.0" => "0.1".to_owned(),
        "100.0" => "99.9".to_owned(),
        _ => text,
    }
}

/// `p = 0.003`, `p < 0.0001`
pub(crate) fn probability(p: f64) -> String {
    if p < 0.0001 {
        "p < 0.0001".to_owned()
    } else if p < 0.01 {
        format!("p = {p:.4}")
    } else {
        format!("p = {p:.2}")
    }
}

/// `1.8`, `1.02`, `140`: how many times as much.
pub(crate) fn times(ratio: f64) -> String {
    if !ratio.is_finite() {
        "beyond any number of".to_owned()
    } else if ratio >= 9_999_999.5 {
        format!("{ratio:.0e}")
    } else if ratio >= 99.5 {
        format!("{ratio:.0}")
    } else if ratio >= 1.3 {
        format!("{ratio:.1}")
    } else {
        format!("{ratio:.2}")
    }
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
    fn numbers_in_words() {
        assert_eq!(Share::new(24, 50).words(), "24 of 50 runs (48 %, 35 to 61 %)");
        assert_eq!(Share::new(0, 0).words(), "0 of 0 runs");
        for (share, text) in
            [(0.0, "0"), (1e-9, "0.1"), (0.004, "0.4"), (0.12, "12"), (0.997, "99.7"), (1.0, "100")]
        {
            assert_eq!(percent(share), text);
        }
        assert_eq!(percent(0.999_99), "99.9");
        assert_eq!(probability(0.0), "p < 0.0001");
        assert_eq!(probability(0.00123), "p = 0.0012");
        assert_eq!((times(1.84), times(1.021)), ("1.8".to_owned(), "1.02".to_owned()));
        assert_eq!((times(1e6), times(1.8e19)), ("1000000".to_owned(), "2e19".to_owned()));
        assert_eq!(seeds(&[7]), "seed 7");
        assert_eq!(seeds(&[1, 2, 3, 4]), "seeds 1, 2, 3 and 1 more");
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(list(&names, 4), "a, b, c and d");
        assert_eq!(list(&names, 3), "a, b and 2 more");
        assert_eq!(list(&[], 3), "");
    }
}
