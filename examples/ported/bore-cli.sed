s/\btokio::net\b/squall_probe::net/
s/^use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};$/use squall_probe::net::TcpStream;\nuse tokio::{io::AsyncWriteExt, time::timeout};/
