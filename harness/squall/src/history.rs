//! The history of a run: hashed as it is recorded, and kept only when somebody will read it.

use squall_probe::Record;
use xxhash_rust::xxh3::Xxh3;

/// Hashes records one after the other; the hash tells histories apart.
pub struct HistoryHash {
    state: Xxh3,
    count: u64,
}

impl Default for HistoryHash {
    fn default() -> Self {
        Self { state: Xxh3::new(), count: 0 }
    }
}

impl std::fmt::Debug for HistoryHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HistoryHash").field("count", &self.count).finish()
    }
}

impl HistoryHash {
    /// Takes the next record in.
    pub fn record(&mut self, record: &Record) {
        let mut buffer = [0_u8; 96];
        match postcard::to_slice(record, &mut buffer) {
            Ok(bytes) => self.state.update(bytes),
            // No record is that large; if one ever is, its text does as well.
            Err(_) => self.state.update(format!("{record:?}").as_bytes()),
        }
        self.count += 1;
    }

    /// Takes in a text, such as the names that records refer to by number.
    pub fn text(&mut self, text: &str) {
        self.state.update(text.as_bytes());
        self.state.update(&[0]);
    }

    /// How many records there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// 128 bits in hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:032x}", self.state.digest128())
    }
}
