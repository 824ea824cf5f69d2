//! Known mistakes that the system can be told to make, all off by default.

use serde::{Deserialize, Serialize};

/// A mistake: its name, what it is, who shipped it, and which invariant it should break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// As on a command line.
    pub id: &'static str,
    /// The mistake, with its precedent.
    pub about: &'static str,
    /// The invariant that should fall.
    pub breaks: &'static str,
}

/// Which mistakes are switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // Each field is documented by its entry in [`KNOWN`].
pub struct Defects {
    pub ack_before_fsync: bool,
    pub ack_before_quorum: bool,
    pub check_then_mark: bool,
    pub dedup_in_memory: bool,
    pub commit_before_apply: bool,
    pub producer_retries_blindly: bool,
}

/// Every mistake, one line each.
pub const KNOWN: &[Known] = &[
    Known {
        id: "ack-before-fsync",
        about: "the broker acknowledges before its log is synced, as NATS JetStream does by default",
        breaks: "durability",
    },
    Known {
        id: "ack-before-quorum",
        about: "the leader acknowledges alone, as Kafka does with acks=1",
        breaks: "no_loss",
    },
    Known {
        id: "check-then-mark",
        about: "the consumer checks the processed ids, acts, then marks: the tutorials' idempotent consumer",
        breaks: "idempotency",
    },
    Known {
        id: "dedup-in-memory",
        about: "the processed ids do not survive the consumer's restart",
        breaks: "idempotency",
    },
    Known {
        id: "commit-before-apply",
        about: "the offset is committed on delivery, as with Kafka's enable.auto.commit",
        breaks: "no_loss",
    },
    Known {
        id: "producer-retries-blindly",
        about: "a retry carries a fresh sequence number, as Kafka's without enable.idempotence",
        breaks: "no_duplicate_append",
    },
];

impl Defects {
    /// Switches on the mistakes of these names.
    ///
    /// # Errors
    /// The first name that is not known.
    pub fn parse<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut defects = Self::default();
        for id in ids {
            match id {
                "ack-before-fsync" => defects.ack_before_fsync = true,
                "ack-before-quorum" => defects.ack_before_quorum = true,
                "check-then-mark" => defects.check_then_mark = true,
                "dedup-in-memory" => defects.dedup_in_memory = true,
                "commit-before-apply" => defects.commit_before_apply = true,
                "producer-retries-blindly" => defects.producer_retries_blindly = true,
                unknown => return Err(format!("unknown defect `{unknown}`")),
            }
        }
        Ok(defects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_defect_has_a_switch() {
        for known in KNOWN {
            let defects = Defects::parse([known.id]).unwrap();
            assert_ne!(defects, Defects::default(), "{}", known.id);
        }
        assert!(Defects::parse(["no-such"]).is_err());
    }
}
