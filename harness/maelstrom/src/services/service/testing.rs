use super::{Service, body};
use crate::draws::Draws;
use serde_json::Value;

/// A service, and whoever asks it.
pub(in crate::services) struct Asked<S> {
    pub(in crate::services) service: S,
    pub(in crate::services) draws: Draws,
}

impl<S: Service + Default> Asked<S> {
    pub(in crate::services) fn new(seed: u64) -> Self {
        Self { service: S::default(), draws: Draws::new(seed, 0) }
    }

    pub(in crate::services) fn ask(&mut self, client: &str, request: Value) -> Value {
        Value::Object(self.service.answer(client, &body(request), &mut self.draws))
    }
}
