//! What servers of tonic ask of a connection.

use crate::net::TcpStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

impl Connected for TcpStream {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: self.local_addr().ok(), remote_addr: self.peer_addr().ok() }
    }
}
