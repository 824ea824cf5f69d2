//! What the management plugin's HTTP API tells of the cluster (<https://www.rabbitmq.com/docs/management#http-api>).
//!
//! `rabbitmqctl` tells the same, and starts an Erlang machine for each question, which takes a processor for seconds.

use serde_json::Value;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// A question is not answered after this. A server asks the others before it answers, for seconds if it cannot reach them.
const TIMEOUT: Duration = Duration::from_secs(6);

/// What the server at an address answers.
pub(super) async fn get(address: &str, path: &str) -> Result<Value, String> {
    let asked = timeout(TIMEOUT, async {
        let mut stream = TcpStream::connect((address, 15672)).await?;
        // guest:guest. In HTTP/1.0 nothing is sent in chunks, and the answer ends with the connection.
        let question =
            format!("GET /api/{path} HTTP/1.0\r\nAuthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n");
        stream.write_all(question.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    });
    let answer = match asked.await {
        Ok(answer) => answer.map_err(|error| format!("{address}: {error}"))?,
        Err(_) => return Err(format!("{address} did not answer within {TIMEOUT:?}")),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("{address} answered {path} with {status:?}"));
    }
    serde_json::from_str(body).map_err(|error| format!("{address} answered {path}: {error}"))
}

/// How many servers run, as one of them sees it.
pub(super) async fn running(address: &str) -> Result<usize, String> {
    let nodes = get(address, "nodes?columns=name,running").await?;
    let nodes = nodes.as_array().ok_or("the nodes are no list")?;
    Ok(nodes.iter().filter(|node| node["running"] == true).count())
}

/// A queue, as a server sees it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Queue {
    /// The address of who leads it; of a classic queue: where it is.
    pub(super) leader: Option<String>,
    /// How many of its members are there.
    pub(super) online: usize,
}

pub(super) async fn queue(address: &str, name: &str) -> Result<Queue, String> {
    Ok(queue_of(&get(address, &format!("queues/%2F/{name}")).await?))
}

fn queue_of(told: &Value) -> Queue {
    let leader = told["leader"].as_str().or(told["node"].as_str());
    let leader = leader.and_then(|leader| leader.strip_prefix("rabbit@")).map(str::to_owned);
    Queue { leader, online: told["online"].as_array().map_or(1, Vec::len) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_quorum_queue_names_its_leader_and_a_classic_one_its_server() {
        let quorum = json!({
            "type": "quorum", "node": "rabbit@10.77.0.3", "leader": "rabbit@10.77.0.2",
            "members": ["rabbit@10.77.0.1", "rabbit@10.77.0.2", "rabbit@10.77.0.3"],
            "online": ["rabbit@10.77.0.1", "rabbit@10.77.0.2"],
        });
        let leader = Some("10.77.0.2".to_owned());
        assert_eq!(queue_of(&quorum), Queue { leader, online: 2 });
        let classic = json!({ "type": "classic", "node": "rabbit@10.77.0.3" });
        let leader = Some("10.77.0.3".to_owned());
        assert_eq!(queue_of(&classic), Queue { leader, online: 1 });
        let without = json!({ "type": "quorum", "leader": "", "online": [] });
        assert_eq!(queue_of(&without), Queue { leader: None, online: 0 });
    }
}
