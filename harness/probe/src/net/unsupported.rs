//! What a simulation has not.

use std::io;

/// There is nothing like that in a simulation.
#[cfg(feature = "sim")]
pub(super) fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("{what}: there is none in a simulation"))
}

/// Fails in a simulation.
pub(super) fn not_simulated(what: &str) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if crate::sim::is_active() {
        return Err(unsupported(what));
    }
    let _ = what;
    Ok(())
}
