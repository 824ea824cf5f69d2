//! Labs for users without rights.

use crate::{
    error::{Error, Result},
    os,
};

/// Makes this process root of a user namespace of its own, which owns the networks and mount tables that it makes from then
/// on. What it may do outside of them stays what it was. Processes on nodes believe that they are root.
///
/// For root it does nothing. It must be called before the process has a second thread.
///
/// # Errors
/// When the system does not let this user make user namespaces, or the process has more than one thread.
pub fn become_root_of_a_namespace() -> Result<()> {
    os::enter_user_namespace().map_err(|error| Error::Unsupported {
        why: format!("make a user namespace: {error}"),
        remedy:
            "run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
                 kernel.apparmor_restrict_unprivileged_userns=0)"
                .to_owned(),
    })
}
