//! The values that a step gave to the parameters of its fault.

use super::param::{Param, ParamKind};
use crate::injection::{Delay, Links, Messages, Target};
use serde::{Deserialize, Serialize};
use std::{
    fmt::{self, Display as _},
    time::Duration,
};

/// What was given to one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nodes.
    Target(Target),
    /// Links.
    Links(Links),
    /// Messages.
    Messages(Messages),
    /// A time.
    Time(Duration),
    /// A range of times, in milliseconds.
    Delay(u32, u32),
    /// A whole number.
    Number(u32),
    /// A share, 0 to 1.
    Share(f64),
    /// Bytes.
    Size(u32),
    /// Bytes a second.
    Throughput(u32),
    /// Two times.
    Range(Duration, Duration),
    /// Events a second.
    Rate(f64),
    /// A line of text.
    Text(String),
    /// The index of the chosen word.
    Choice(usize),
}

/// All values of a step, its defaults among them, in the order of the parameters.
#[derive(Clone, Debug)]
pub struct Given {
    params: &'static [Param],
    values: Vec<Value>,
}

impl PartialEq for Given {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Given {
    /// Pairs values with the parameters they were given to; `None` if they do not fit.
    #[must_use]
    pub fn new(params: &'static [Param], values: Vec<Value>) -> Option<Self> {
        let fits = params.len() == values.len()
            && params.iter().zip(&values).all(|(param, value)| value.fits(&param.kind));
        fits.then_some(Self { params, values })
    }

    /// The values, in the order of the parameters.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    fn find(&self, name: &str) -> Option<(&Param, &Value)> {
        self.params.iter().zip(&self.values).find(|(param, _)| param.name == name)
    }

    /// The fault's own table names the parameter, and `new` checked the value's type: that a fault asks for what it
    /// has not declared shows in the first test that reads its example.
    fn of(&self, name: &str) -> &Value {
        self.find(name).expect("a fault asks for parameters that it declares").1
    }

    /// Whom it hits.
    ///
    /// # Panics
    /// The fault declares no such parameter: a mistake in its file. So with all that follow.
    #[must_use]
    pub fn node(&self) -> Target {
        match self.of("node") {
            Value::Target(target) => target.clone(),
            other => wrong("nodes", other),
        }
    }

    /// Between whom.
    #[must_use]
    pub fn links(&self) -> Links {
        match self.of("links") {
            Value::Links(links) => links.clone(),
            other => wrong("links", other),
        }
    }

    /// Which messages.
    #[must_use]
    pub fn messages(&self) -> Messages {
        match self.of("messages") {
            Value::Messages(messages) => messages.clone(),
            other => wrong("messages", other),
        }
    }

    /// A time.
    #[must_use]
    pub fn time(&self, name: &str) -> Duration {
        match self.of(name) {
            Value::Time(time) => *time,
            other => wrong("a time", other),
        }
    }

    /// How far ahead of its own a clock shall be that is wrong `by` a time in a `direction`, in microseconds; negative:
    /// behind.
    #[must_use]
    pub fn micros_ahead(&self) -> i64 {
        let by = self.time("by").as_micros();
        let by = i64::try_from(by).expect("the longest time is a week");
        if self.choice("direction") == "behind" { -by } else { by }
    }

    /// A time or a range of times.
    #[must_use]
    pub fn delay(&self, name: &str) -> Delay {
        match self.of(name) {
            Value::Delay(min_ms, max_ms) => Delay { min_ms: *min_ms, max_ms: *max_ms },
            Value::Time(time) => {
                let ms = u32::try_from(time.as_millis()).expect("the longest time is a week");
                Delay { min_ms: ms, max_ms: ms }
            }
            other => wrong("a delay", other),
        }
    }

    /// A whole number.
    #[must_use]
    pub fn number(&self, name: &str) -> u32 {
        match self.of(name) {
            Value::Number(number) => *number,
            other => wrong("a number", other),
        }
    }

    /// A share, 0 to 1.
    #[must_use]
    pub fn share(&self, name: &str) -> f64 {
        match self.of(name) {
            Value::Share(share) => *share,
            other => wrong("a share", other),
        }
    }

    /// Bytes, or bytes a second.
    #[must_use]
    pub fn bytes(&self, name: &str) -> u32 {
        match self.of(name) {
            Value::Size(bytes) | Value::Throughput(bytes) => *bytes,
            other => wrong("a size", other),
        }
    }

    /// The chosen word.
    #[must_use]
    pub fn choice(&self, name: &str) -> &'static str {
        match self.find(name) {
            Some((Param { kind: ParamKind::Choice(choice), .. }, Value::Choice(index))) => {
                choice.words[*index].0
            }
            _ => wrong("a choice", self.of(name)),
        }
    }

    /// `template` with `{name}` replaced by what was given to `name`, and `{range+time}` by a range that is longer by
    /// a time.
    pub(crate) fn print(&self, template: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = template.split(['{', '}']);
        while let Some(text) = parts.next() {
            f.write_str(text)?;
            let Some(name) = parts.next() else { break };
            match name.split_once('+') {
                Some((range, more)) => {
                    let (range, more) = (self.delay(range), self.delay(more));
                    let max_ms = range.max_ms.saturating_add(more.max_ms);
                    write!(f, "{}ms..{max_ms}ms", range.min_ms)?;
                }
                None => match self.find(name) {
                    Some((Param { kind: ParamKind::Choice(choice), .. }, Value::Choice(index))) => {
                        f.write_str(choice.words[*index].1)?;
                    }
                    _ => self.of(name).fmt(f)?,
                },
            }
        }
        Ok(())
    }
}

fn wrong(wanted: &str, value: &Value) -> ! {
    unreachable!("a fault asks for {wanted} and declares a parameter of another type: {value:?}")
}

impl Value {
    fn fits(&self, kind: &ParamKind) -> bool {
        match (self, kind) {
            (Self::Target(_), ParamKind::Target)
            | (Self::Links(_), ParamKind::Links)
            | (Self::Messages(_), ParamKind::Messages)
            | (Self::Time(_), ParamKind::Time(_))
            | (Self::Delay(..), ParamKind::Delay(_))
            | (Self::Range(..), ParamKind::Range)
            | (Self::Share(_), ParamKind::Share { .. })
            | (Self::Size(_), ParamKind::Size { .. })
            | (Self::Rate(_), ParamKind::Rate)
            | (Self::Text(_), ParamKind::Text)
            | (Self::Throughput(_), ParamKind::Throughput) => true,
            (Self::Number(number), ParamKind::Number { low, high }) => {
                (low..=high).contains(&number)
            }
            (Self::Choice(index), ParamKind::Choice(choice)) => *index < choice.words.len(),
            _ => false,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(target) => target.fmt(f),
            Self::Links(links) => links.fmt(f),
            Self::Messages(messages) => messages.fmt(f),
            Self::Time(time) => write!(f, "{time:?}"),
            Self::Delay(min_ms, max_ms) => write!(f, "{min_ms}ms..{max_ms}ms"),
            Self::Number(number) => number.fmt(f),
            Self::Share(share) => write!(f, "{}%", share * 100.0),
            Self::Size(bytes) => write!(f, "{bytes} bytes"),
            Self::Throughput(bytes) => write!(f, "{bytes} bytes a second"),
            Self::Range(from, to) => write!(f, "{from:?}..{to:?}"),
            Self::Rate(rate) => write!(f, "{rate} a second"),
            Self::Text(text) => f.write_str(text),
            Self::Choice(index) => index.fmt(f),
        }
    }
}
