//! Numbers and times in few characters, the same in every rendering: none of them widens a table.

/// `1,420`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// At most five characters.
pub(crate) fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1_000),
        1_000_000..10_000_000 => format!("{}.{}M", number / 1_000_000, number / 100_000 % 10),
        10_000_000..1_000_000_000 => format!("{}M", number / 1_000_000),
        1_000_000_000..1_000_000_000_000 => format!("{}G", number / 1_000_000_000),
        _ => ">999G".to_owned(),
    }
}

/// A long time, from milliseconds: `4m12s`. At most seven characters.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds / 3_600 {
        0 if seconds < 60 => format!("{seconds}s"),
        0 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        hours @ 1..1_000 => format!("{hours}h{:02}m", seconds / 60 % 60),
        hours @ 1_000..100_000 => format!("{hours}h"),
        _ => ">99999h".to_owned(),
    }
}

/// A short time, from microseconds: `18ms`, `1.4s`. At most seven characters.
pub(crate) fn short(us: u64) -> String {
    match us {
        0..1_000 => format!("{us}us"),
        1_000..1_000_000 => format!("{}ms", us / 1_000),
        1_000_000..100_000_000 => format!("{}.{}s", us / 1_000_000, us / 100_000 % 10),
        _ => span(us / 1_000),
    }
}

/// A short time, from milliseconds.
pub(crate) fn short_ms(ms: u64) -> String {
    short(ms.saturating_mul(1_000))
}

/// The time of a record, from microseconds: `0.456 s`.
pub(crate) fn record_time(us: u64) -> String {
    let (seconds, rest) = (us / 1_000_000, us % 1_000_000);
    if rest.is_multiple_of(1_000) {
        format!("{seconds}.{:03} s", rest / 1_000)
    } else {
        format!("{seconds}.{rest:06} s")
    }
}

/// Virtual against wall time: `0.4x`, `36x`. At most six characters.
pub(crate) fn speed(sim_ms: u64, wall_us: u64) -> String {
    match sim_ms.saturating_mul(10_000).checked_div(wall_us) {
        Some(tenths @ 0..100) => format!("{}.{}x", tenths / 10, tenths % 10),
        Some(tenths) => format!("{}x", count(tenths / 10)),
        None => "-".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let all = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(all, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn the_largest_numbers_are_short() {
        let powers = (0..64).map(|bit| 1_u64 << bit).flat_map(|us| [us - 1, us]);
        for us in powers.chain([u64::MAX]) {
            assert!(short(us).len() <= 7 && span(us).len() <= 7, "{us}");
            assert!(count(us).len() <= 5 && speed(us, 1).len() <= 6, "{us}");
        }
        assert_eq!(speed(36, 1_000), "36x");
        assert_eq!(speed(36, 100_000), "0.3x");
    }

    #[test]
    fn shares_and_chances_in_words() {
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
    }
}
