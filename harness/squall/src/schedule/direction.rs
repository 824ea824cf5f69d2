//! Directions of links.

use squall_probe::NodeId;

/// A direction: frames from the first node to the second.
pub(crate) type Direction = (NodeId, NodeId);
