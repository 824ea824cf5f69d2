//! The error codes of the protocol.

/// What a code of an `error` message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// As in the message.
    pub code: i64,
    /// Maelstrom's name for it.
    pub name: &'static str,
    /// The operation did not happen and never will. After an error that is not definite it may have happened, or happen
    /// later.
    pub definite: bool,
}

const fn code(code: i64, name: &'static str, definite: bool) -> Code {
    Code { code, name, definite }
}

/// All codes that the protocol defines. Others, of a program's own, are not definite.
pub const CODES: &[Code] = &[
    code(0, "timeout", false),
    code(NODE_NOT_FOUND, "node-not-found", true),
    code(NOT_SUPPORTED, "not-supported", true),
    code(11, "temporarily-unavailable", true),
    code(MALFORMED_REQUEST, "malformed-request", true),
    code(13, "crash", false),
    code(14, "abort", true),
    code(KEY_DOES_NOT_EXIST, "key-does-not-exist", true),
    code(21, "key-already-exists", true),
    code(PRECONDITION_FAILED, "precondition-failed", true),
    code(30, "txn-conflict", true),
];

pub(crate) const NODE_NOT_FOUND: i64 = 1;
pub(crate) const NOT_SUPPORTED: i64 = 10;
pub(crate) const MALFORMED_REQUEST: i64 = 12;
pub(crate) const KEY_DOES_NOT_EXIST: i64 = 20;
pub(crate) const PRECONDITION_FAILED: i64 = 22;

/// What `code` means; a code that is not in the table is somebody's own.
#[must_use]
pub fn meaning(code: i64) -> Code {
    let known = CODES.iter().find(|known| known.code == code);
    known.copied().unwrap_or(Code { code, name: "unknown", definite: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_definite_is_what_the_protocol_says() {
        let definite: Vec<i64> = CODES.iter().filter(|c| c.definite).map(|c| c.code).collect();
        assert_eq!(definite, [1, 10, 11, 12, 14, 20, 21, 22, 30]);
        assert!(!meaning(0).definite && !meaning(13).definite && !meaning(1000).definite);
    }
}
