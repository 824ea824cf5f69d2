//! Where something is: a host, by its name or its address, and a port.

use super::tables::Network;
use crate::{record::NodeId, sim::world::World};
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Name(String),
    Ip(IpAddr),
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    host: Host,
    pub(super) port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => write!(f, "{name}:{}", self.port),
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
        }
    }
}

impl From<SocketAddr> for Place {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::Ip(address.ip()), port: address.port() }
    }
}

impl Place {
    /// Reads `broker-1:9000`, `127.0.0.1:9000` or `[::1]:9000`.
    pub(crate) fn parse(text: &str) -> io::Result<Self> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let wrong = || {
            let message = format!("{text}: not a host and a port, as broker-1:9000 is");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        Ok(Self::of(host, port.parse().map_err(|_| wrong())?))
    }

    /// A port of a host that is told by its name or its address.
    pub(crate) fn of(host: &str, port: u16) -> Self {
        let ip = host.parse().map(Host::Ip);
        Self { host: ip.unwrap_or_else(|_| Host::Name(host.to_owned())), port }
    }

    /// Of every network, or of none.
    pub(super) fn is_unspecified(&self) -> bool {
        matches!(self.host, Host::Ip(ip) if ip.is_unspecified())
    }

    /// Only the node itself comes here.
    pub(super) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Name(name) => name == "localhost",
            Host::Ip(ip) => ip.is_loopback(),
        }
    }
}

impl World {
    /// The node that a place means to the node `from`.
    pub(super) fn resolve(&self, place: &Place, from: NodeId) -> Option<NodeId> {
        if place.is_loopback() {
            return Some(from);
        }
        let address = match &place.host {
            Host::Name(name) => return self.node_named(name),
            Host::Ip(ip) => *ip,
        };
        let number = self.network.at(address)?;
        let harness = number == self.machines.len();
        Some(if harness { NodeId::HARNESS } else { NodeId::of_index(number) })
    }

    /// The address that a resolver of names would tell the node `from`.
    pub(crate) fn look_up(&self, place: &Place, from: NodeId) -> io::Result<SocketAddr> {
        match &place.host {
            Host::Ip(ip) => Ok(SocketAddr::new(*ip, place.port)),
            Host::Name(_) if place.is_loopback() => {
                Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), place.port))
            }
            Host::Name(_) => {
                let node = self.resolve(place, from).ok_or_else(|| unknown(place))?;
                Ok(self.network.socket(node, place.port))
            }
        }
    }

    /// Whether `node` can have a socket there. An unspecified address is one of its own.
    pub(super) fn is_own(&self, place: &Place, node: NodeId) -> bool {
        place.is_unspecified() || self.resolve(place, node) == Some(node)
    }

    /// The address of a socket that `node` binds to a place: at a port that is `free` if it asks for port 0, else at that
    /// port, unless it `is_taken`.
    pub(super) fn bind(
        &mut self,
        place: &Place,
        node: NodeId,
        free: impl FnOnce(&mut Network) -> Option<u16>,
        is_taken: impl FnOnce(&Network, u16) -> bool,
    ) -> io::Result<SocketAddr> {
        if !self.is_own(place, node) {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let port = match place.port {
            0 => free(&mut self.network).ok_or(io::ErrorKind::AddrInUse)?,
            port => port,
        };
        if is_taken(&self.network, port) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(if place.is_loopback() {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
        } else {
            self.network.socket(node, port)
        })
    }
}

/// No node is there.
pub(super) fn unknown(place: &Place) -> io::Error {
    let host = match &place.host {
        Host::Name(name) => name.clone(),
        Host::Ip(ip) => ip.to_string(),
    };
    let message = format!("there is no node {host}: failed to lookup address information");
    io::Error::new(io::ErrorKind::NotFound, message)
}
