//! Which scenarios an expression chooses, in the habits of nextest: `fault(crash) & not tag(slow)`.

use crate::{faults, scenario::Scenario, syntax::nearest};

/// An expression, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Filter {
    All,
    None,
    Is(Of, Matcher),
    Not(Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

/// What of a scenario is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Of {
    Name,
    Path,
    Tag,
    Fault,
    Invariant,
    /// Its name or its path: a word alone.
    Any,
}

const PREDICATES: &[(&str, Of)] = &[
    ("name", Of::Name),
    ("path", Of::Path),
    ("tag", Of::Tag),
    ("fault", Of::Fault),
    ("invariant", Of::Invariant),
];

/// How a text is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Matcher {
    /// `~text`, or no sign.
    Contains(String),
    /// `=text`
    Equals(String),
    /// `#te*t`: `*` stands for any characters, `?` for one.
    Glob(String),
}

impl Matcher {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Equals(whole) => text == whole,
            Self::Glob(glob) => glob_fits(glob, text),
        }
    }

    fn text(&self) -> &str {
        let (Self::Contains(text) | Self::Equals(text) | Self::Glob(text)) = self;
        text
    }
}

fn glob_fits(glob: &str, text: &str) -> bool {
    let mut rest = glob.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| glob_fits(rest, &text[at..]))
        }
        Some(wanted) => {
            let mut chars = text.chars();
            let first = chars.next();
            first.is_some_and(|c| wanted == '?' || c == wanted)
                && glob_fits(rest.as_str(), chars.as_str())
        }
    }
}

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, with a mark under the place.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { text, at: 0 };
        let filter = parser.either()?;
        parser.space();
        match parser.rest().is_empty() {
            true => Ok(filter),
            false => Err(parser.wrong("expected `and`, `or` or the end")),
        }
    }

    /// Whether a scenario is chosen.
    pub(in crate::cli) fn fits(&self, scenario: &Scenario) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Not(inner) => !inner.fits(scenario),
            Self::And(a, b) => a.fits(scenario) && b.fits(scenario),
            Self::Or(a, b) => a.fits(scenario) || b.fits(scenario),
            Self::Is(of, matcher) => match of {
                Of::Name => matcher.fits(&scenario.name),
                Of::Path => matcher.fits(&scenario.path),
                Of::Any => matcher.fits(&scenario.name) || matcher.fits(&scenario.path),
                Of::Tag => scenario.tags.iter().any(|tag| matcher.fits(tag)),
                Of::Fault => scenario.faults.iter().any(|step| matcher.fits(step.fault.kind.key)),
                Of::Invariant => scenario.expect.iter().any(|expect| matcher.fits(&expect.name)),
            },
        }
    }

    /// Names of faults and invariants in it that there are not, with what may have been meant.
    pub(in crate::cli) fn unknown(&self) -> Vec<String> {
        match self {
            Self::All | Self::None => Vec::new(),
            Self::Not(inner) => inner.unknown(),
            Self::And(a, b) | Self::Or(a, b) => [a.unknown(), b.unknown()].concat(),
            Self::Is(of, matcher) => {
                let known: Vec<&str> = match of {
                    Of::Fault => faults::CATALOGUE.iter().map(|kind| kind.key).collect(),
                    Of::Invariant => squall_judge::CATALOGUE.iter().map(|e| e.name).collect(),
                    _ => return Vec::new(),
                };
                if known.iter().any(|name| matcher.fits(name)) {
                    return Vec::new();
                }
                let what = if *of == Of::Fault { "fault" } else { "invariant" };
                let near = nearest(matcher.text(), known)
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                vec![format!("no {what} fits `{}`{near}", matcher.text())]
            }
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn wrong(&self, what: &str) -> String {
        let before = self.text[..self.at].chars().count();
        format!("{what}\n  {}\n  {}^", squall_reports::printable(self.text), " ".repeat(before))
    }

    /// Takes one of these, if it comes next: signs, or words that end there.
    fn take(&mut self, words: &[&str]) -> bool {
        self.space();
        let ends =
            |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || "_(".contains(c));
        let found = words.iter().find(|word| {
            let is_word = word.chars().all(char::is_alphabetic);
            self.rest().strip_prefix(**word).is_some_and(|rest| {
                !is_word || ends(rest) || (**word == "not" && rest.starts_with('('))
            })
        });
        self.at += found.map_or(0, |word| word.len());
        found.is_some()
    }

    fn either(&mut self) -> Result<Filter, String> {
        let mut left = self.both()?;
        while self.take(&["or", "||", "|", "+"]) {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, String> {
        let mut left = self.one()?;
        loop {
            if self.take(&["and", "&&", "&"]) {
                left = Filter::And(Box::new(left), Box::new(self.one()?));
            } else if self.take(&["-"]) {
                let right = Filter::Not(Box::new(self.one()?));
                left = Filter::And(Box::new(left), Box::new(right));
            } else {
                return Ok(left);
            }
        }
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.take(&["not", "!"]) {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.take(&["("]) {
            let inner = self.either()?;
            return match self.take(&[")"]) {
                true => Ok(inner),
                false => Err(self.wrong("expected `)`")),
            };
        }
        let begin = self.at;
        let word = self.rest();
        let length = word.find(|c: char| c.is_whitespace() || "()&|!+".contains(c));
        let word = &word[..length.unwrap_or(word.len())];
        if word.is_empty() {
            return Err(self.wrong("expected name(…), path(…), tag(…), fault(…) or invariant(…)"));
        }
        self.at += word.len();
        if !self.rest().starts_with('(') {
            return Ok(Filter::Is(Of::Any, Matcher::Contains(word.to_owned())));
        }
        let is_for_all = ["all", "none"].contains(&word);
        let predicate = PREDICATES.iter().find(|(name, _)| *name == word).map(|(_, of)| *of);
        let Some(of) = predicate.or(is_for_all.then_some(Of::Any)) else {
            self.at = begin;
            let names = PREDICATES.iter().map(|(name, _)| *name);
            let near = nearest(word, names).map(|near| format!("; did you mean `{near}(…)`?"));
            let near = near.unwrap_or_default();
            let known = "name(…), path(…), tag(…), fault(…), invariant(…), all() and none()";
            return Err(self.wrong(&format!("there is no `{word}(…)`{near} There is: {known}")));
        };
        self.at += 1;
        let inside = self.rest();
        let Some(end) = inside.find(')') else {
            self.at = self.text.len();
            return Err(self.wrong("expected `)`"));
        };
        let said = inside[..end].trim();
        if said.starts_with('/') && said.len() > 1 && said.ends_with('/') && of != Of::Path {
            return Err(self.wrong(
                "regular expressions are not known here; `#te*t` is: `*` any characters, `?` one",
            ));
        }
        if said.is_empty() && !is_for_all {
            return Err(self.wrong("expected a text, `=text` for the whole, or `#te*t`"));
        }
        self.at += end + 1;
        Ok(match (word, said.chars().next()) {
            ("all", _) => Filter::All,
            ("none", _) => Filter::None,
            (_, Some('=')) => Filter::Is(of, Matcher::Equals(said[1..].to_owned())),
            (_, Some('~')) => Filter::Is(of, Matcher::Contains(said[1..].to_owned())),
            (_, Some('#')) => Filter::Is(of, Matcher::Glob(said[1..].to_owned())),
            _ => Filter::Is(of, Matcher::Contains(said.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    fn fits(filter: &str) -> bool {
        let text = "name: the leader dies\ntags: [slow, nightly]\nfaults: [{ at: 1s, crash_loop: { node: leader, \
                    times: 2 } }, { at: 2s, pause: leader }]\nexpect: [no_loss]\n";
        let scenario = parse("scenarios/broker/leader.yaml", text.as_bytes(), &Sample).unwrap();
        Filter::parse(filter).unwrap().fits(&scenario)
    }

    #[test]
    fn what_fits() {
        for filter in [
            "all()",
            "leader",
            "broker/leader",
            "name(leader dies)",
            "name(=the leader dies)",
            "name(#the*dies)",
            "name(#the l?ader*)",
            "path(~broker)",
            "tag(slow)",
            "tag(=nightly) and fault(crash)",
            "tag(slow)&fault(=pause)",
            "fault(=crash) | invariant(no_loss)",
            "fault(=crash) or not tag(quick)",
            "not(tag(quick)) && !none()",
            "all() - tag(quick)",
            "none() | none() + all()",
            "fault(=crash) and none() or all()",
            "not fault(=crash) and all()",
        ] {
            assert!(fits(filter), "{filter}");
        }
    }

    #[test]
    fn what_does_not_fit() {
        for filter in [
            "none()",
            "follower",
            "name(=the leader)",
            "name(#the*di)",
            "name(#?)",
            "tag(=slo)",
            "fault(=crash)",
            "invariant(order)",
            "all() - tag(slow)",
            "not tag(slow) or fault(=crash)",
            "not (tag(slow) or fault(=crash))",
            "fault(=crash) and (none() or all())",
        ] {
            assert!(!fits(filter), "{filter}");
        }
    }

    #[test]
    fn what_is_no_expression_is_told_at_its_place() {
        for (filter, told, column) in [
            ("", "expected name(…)", 0),
            ("tag(slow", "expected `)`", 8),
            ("(tag(slow)", "expected `)`", 10),
            ("tag()", "expected a text", 4),
            ("tag(slow) tag(fast)", "expected `and`, `or` or the end", 10),
            ("tag(slow) and", "expected name(…)", 13),
            ("falt(crash)", "did you mean `fault(…)`?", 0),
            ("name(/lea.er/)", "regular expressions are not known", 5),
        ] {
            let error = Filter::parse(filter).unwrap_err();
            assert!(error.contains(told), "{filter}: {error}");
            let mark = error.lines().last().unwrap();
            assert_eq!(mark.len(), column + 3, "{filter}: {error}");
        }
        let unknown = Filter::parse("fault(crsh) & invariant(=no_los)").unwrap().unknown();
        assert_eq!(unknown.len(), 2);
        assert!(unknown[0].contains("did you mean `crash`?"), "{unknown:?}");
    }
}
