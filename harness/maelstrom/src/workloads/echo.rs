//! `echo`: a node answers with what it was sent.
//!
//! Proves: every answer holds what its request held; and, where nothing was done to messages or nodes, that every request
//! was answered. Does not prove that answers are fast, or that requests under faults are answered.

use super::workload::{Ask, Circumstances, Load, Session, Workload, field};
use crate::{
    draws::Draws,
    findings::{Anomaly, Findings},
    history::Op,
    message::Message,
};
use serde_json::{Value, json};

pub(super) const ECHO: Workload = Workload {
    name: "echo",
    about: "answers each `echo` with an `echo_ok` that holds the same",
    functions: &["echo"],
    anomalies: &["mismatch", "unanswered"],
    load: |_| Box::new(Echo),
    check,
};

struct Echo;

impl Load for Echo {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Self)
    }
}

impl Session for Echo {
    fn next(&mut self, draws: &mut Draws) -> Ask {
        let payload = json!(format!("please say {} again", draws.between(0, 127)));
        Ask::new("echo", payload.clone(), &[("echo", &payload)])
    }

    fn read(&mut self, _: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        field(answer, "echo").cloned()
    }
}

fn check(history: &[Op], circumstances: Circumstances) -> Findings {
    let mut findings = Findings::default();
    for op in history {
        if op.ok() && op.value != op.asked {
            let about = format!("{} was asked for {} and answered {}", op.node, op.asked, op.value);
            findings.anomalies.push(Anomaly::proven("mismatch", about, &[op]));
        } else if !op.ok() && !circumstances.faults {
            let why = op.error.as_deref().unwrap_or("no answer");
            let about = format!("{} did not answer {}: {why}", op.node, op.asked);
            findings.anomalies.push(Anomaly::late("unanswered", about, &[op]));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Kind, testing::sequential};

    #[test]
    fn an_echo_is_the_same() {
        let right = [
            (0, Kind::Ok, "echo", json!("a"), json!("a")),
            (1, Kind::Info, "echo", json!("b"), json!(null)),
        ];
        let faults = Circumstances { faults: true };
        assert!(check(&sequential(&right), faults).anomalies.is_empty());
        let found = check(&sequential(&right), Circumstances::default()).anomalies;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].by_time), ("unanswered", true));
        let wrong = [(0, Kind::Ok, "echo", json!("1"), json!(1))];
        let found = check(&sequential(&wrong), faults).anomalies;
        assert_eq!((found[0].name.as_str(), found[0].events.as_slice()), ("mismatch", &[0, 1][..]));
    }
}
