//! `lin-tso`: an oracle that gives each who asks the next whole number, from 0.

use super::service::{Service, body, error};
use crate::{draws::Draws, errors, message::Body};
use serde_json::json;

/// The service.
#[derive(Debug, Default)]
pub(super) struct Oracle(u64);

impl Service for Oracle {
    fn answer(&mut self, _: &str, request: &Body, _: &mut Draws) -> Body {
        if request.get("type").is_none_or(|kind| kind != "ts") {
            return error(errors::NOT_SUPPORTED, "ts is answered here, nothing else");
        }
        self.0 += 1;
        body(json!({ "type": "ts_ok", "ts": self.0 - 1 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::service::testing::Asked;

    #[test]
    fn timestamps_count_from_0() {
        let mut oracle = Asked::<Oracle>::new(1);
        for ts in 0..3 {
            assert_eq!(oracle.ask("n0", json!({"type": "ts"})), json!({"type": "ts_ok", "ts": ts}));
        }
        assert_eq!(oracle.ask("n0", json!({"type": "read"}))["code"], 10);
    }
}
