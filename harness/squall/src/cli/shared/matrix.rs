//! `--matrix`: every combination of some values of some keys.

use super::stop::Stop;
use crate::scenario::Setting;
use std::str::FromStr;

/// More cases than this are hardly meant.
const MOST: usize = 1_000;

/// A key, and the values that it takes one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Axis {
    settings: Vec<Setting>,
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected KEY=VALUE,VALUE,…, such as brokers=3,5,7".to_owned();
        let (key, values) = text.split_once('=').ok_or_else(expected)?;
        let mut settings: Vec<Setting> = Vec::new();
        for value in values.split(',') {
            let setting = format!("{key}={value}").parse().map_err(|_| expected())?;
            if settings.contains(&setting) {
                return Err(format!("`{}` stands there twice", value.trim()));
            }
            settings.push(setting);
        }
        Ok(Self { settings })
    }
}

impl Axis {
    fn key(&self) -> &str {
        self.settings.first().map(Setting::key).unwrap_or_default()
    }
}

/// Every combination, the last axis changing fastest; without axes one that sets nothing. `set` is set in all of them.
pub(super) fn cases(axes: &[Axis], set: &[Setting]) -> Result<Vec<Vec<Setting>>, Stop> {
    let mut cases: Vec<Vec<Setting>> = vec![Vec::new()];
    for (index, axis) in axes.iter().enumerate() {
        if set.iter().any(|setting| setting.key() == axis.key()) {
            return Err(Stop::input(format!(
                "{} is in --matrix and in --set: one of them says what it is",
                axis.key()
            )));
        }
        if axes[..index].iter().any(|other| other.key() == axis.key()) {
            return Err(Stop::input(format!(
                "{0} is in --matrix twice: name all its values at once, {0}=VALUE,VALUE",
                axis.key()
            )));
        }
        let all = cases.len().saturating_mul(axis.settings.len());
        if all > MOST {
            return Err(Stop::input(format!("--matrix has {all} cases; {MOST} are accepted")));
        }
        let with = |case: &Vec<Setting>| {
            let each = axis.settings.iter().cloned();
            each.map(|setting| [case.as_slice(), &[setting]].concat()).collect::<Vec<_>>()
        };
        cases = cases.iter().flat_map(with).collect();
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(text: &str) -> Axis {
        text.parse().expect("it is one")
    }

    fn said(axes: &[&str], set: &[&str]) -> Result<Vec<String>, String> {
        let axes: Vec<Axis> = axes.iter().map(|text| axis(text)).collect();
        let set: Vec<Setting> = set.iter().map(|text| text.parse().expect("one")).collect();
        let words =
            |case: &Vec<Setting>| case.iter().map(Setting::to_string).collect::<Vec<_>>().join(" ");
        match cases(&axes, &set) {
            Ok(cases) => Ok(cases.iter().map(words).collect()),
            Err(Stop::Input(text)) => Err(text),
            Err(_) => Err("another mistake".to_owned()),
        }
    }

    #[test]
    fn a_matrix_is_every_combination_the_last_axis_changing_fastest() {
        assert_eq!(said(&[], &["keys=1"]), Ok(vec![String::new()]));
        let both = said(&["brokers=3, 5", "rate=100/s,200/s"], &[]);
        let all = [
            "brokers=3 rate=100/s",
            "brokers=3 rate=200/s",
            "brokers=5 rate=100/s",
            "brokers=5 rate=200/s",
        ];
        assert_eq!(both, Ok(all.map(str::to_owned).to_vec()));
    }

    #[test]
    fn what_makes_no_matrix_is_refused() {
        for bad in ["brokers", "brokers=", "=3", "brokers=3,,5", "brokers=3,3"] {
            assert!(bad.parse::<Axis>().is_err(), "{bad}");
        }
        let twice = said(&["brokers=3", "brokers=5"], &[]).unwrap_err();
        assert!(twice.contains("twice"), "{twice}");
        let both = said(&["brokers=3"], &["brokers=5"]).unwrap_err();
        assert!(both.contains("in --set"), "{both}");
        let many: Vec<String> = (0..40).map(|value| value.to_string()).collect();
        let many = many.join(",");
        let huge = said(&[&format!("a={many}"), &format!("b={many}")], &[]).unwrap_err();
        assert!(huge.contains("1600 cases"), "{huge}");
    }
}
