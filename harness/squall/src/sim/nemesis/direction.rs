//! Directions of links.

use squall_probe::NodeId;

/// A direction: frames from the first node to the second.
pub(super) type Direction = (NodeId, NodeId);
