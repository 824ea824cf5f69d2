//! Scalars with units: `3s`, `20%`, `400/s`, `100B`, `2s..5s`.

use std::time::Duration;

/// The longest time that can be written.
pub(crate) const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The largest size that can be written, in bytes.
const LARGEST: u32 = 4 << 20;

/// Units of sizes, in bytes.
const UNITS: &[(&str, u64)] =
    &[("B", 1), ("kB", 1_000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20)];

/// [`LONGEST`], as it can be written.
pub(crate) fn longest() -> String {
    humantime::format_duration(LONGEST).to_string()
}

/// [`LARGEST`], as it can be written.
pub(crate) fn largest() -> String {
    format!("{}MiB", LARGEST >> 20)
}

/// The units of sizes, in words.
pub(crate) fn units() -> String {
    let (last, others) = UNITS.split_last().expect("there are some");
    let others: Vec<&str> = others.iter().map(|(unit, _)| *unit).collect();
    format!("{} or {}", others.join(", "), last.0)
}

/// A time with its unit.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if text.starts_with('-') {
        return Err("a time cannot be negative".to_owned());
    }
    if text.parse::<f64>().is_ok() {
        return Err(format!("a time without a unit: write {text}s or {text}ms"));
    }
    let duration = humantime::parse_duration(text)
        .map_err(|_| "expected a time, such as 250ms, 3s or 1m 30s".to_owned())?;
    if duration > LONGEST {
        return Err(format!("a time is at most {}", longest()));
    }
    if !duration.subsec_nanos().is_multiple_of(1_000_000) {
        return Err("times are told in whole milliseconds".to_owned());
    }
    Ok(duration)
}

/// Two times, `2s..5s`, in order.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn range(text: &str) -> Result<(Duration, Duration), String> {
    let Some((from, to)) = text.split_once("..") else {
        return Err("expected two times, such as 2s..5s".to_owned());
    };
    let (from, to) = (duration(from.trim())?, duration(to.trim())?);
    if from > to {
        return Err("the range runs backwards".to_owned());
    }
    Ok((from, to))
}

/// A range, or one time that is both its ends; in milliseconds.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn range_or_one(text: &str) -> Result<(u32, u32), String> {
    let (from, to) = if text.contains("..") {
        range(text)?
    } else {
        let one = duration(text)?;
        (one, one)
    };
    let ms = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    Ok((ms(from), ms(to)))
}

/// A share, `20%`, as a number from 0 to 1.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match number {
        Some(number) if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
        Some(_) => Err("a share is between 0% and 100%".to_owned()),
        None => Err("expected a share, such as 20%".to_owned()),
    }
}

/// A rate, `400/s`, in events per second.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").and_then(|number| number.trim().parse::<f64>().ok());
    match number {
        Some(number) if (0.01..=100_000.0).contains(&number) => Ok(number),
        Some(_) => Err("a rate is between 0.01/s and 100000/s".to_owned()),
        None => Err("expected a rate, such as 400/s".to_owned()),
    }
}

/// A size, `100B`, in bytes.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn size(text: &str) -> Result<u32, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let Some((_, factor)) = UNITS.iter().find(|(known, _)| *known == unit.trim()) else {
        return Err("expected a size, such as 100B or 4KiB".to_owned());
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
    match bytes.and_then(|bytes| u32::try_from(bytes).ok()) {
        Some(bytes) if bytes <= LARGEST => Ok(bytes),
        _ => Err(format!("a size is at most {}", largest())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_what_is_read_at_most() {
        assert_eq!(duration(&longest()), Ok(LONGEST));
        assert_eq!(size(&largest()), Ok(LARGEST));
        assert!(size(&format!("{}B", LARGEST + 1)).is_err());
        assert_eq!(units(), "B, kB, KiB, MB or MiB");
    }

    #[test]
    fn units_are_read_and_nonsense_is_refused() {
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2").unwrap_err(), "a time without a unit: write 2s or 2ms");
        for bad in ["-2s", "s", "", "2 parsecs", "100us", "8days", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!(range("2s..5s"), Ok((Duration::from_secs(2), Duration::from_secs(5))));
        assert!(range("5s..2s").is_err());
        assert_eq!(percent("20%"), Ok(0.2));
        for bad in ["20", "0.2", "101%", "-1%", "NaN%", "%"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
        assert_eq!(rate("400/s"), Ok(400.0));
        for bad in ["0/s", "400", "inf/s", "NaN/s", "1e9/s"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert_eq!(size("4KiB"), Ok(4096));
        for bad in ["4", "-4B", "5MiB", "18446744073709551616B", "B"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
