//! What the rules do to messages, without processes.

use super::*;
use crate::{kept::Header, message::Body};
use serde_json::{Value, json};

struct Wire {
    network: Network,
    a: mpsc::Receiver<Message>,
    b: mpsc::Receiver<Message>,
}

fn wire() -> Wire {
    let header = Header::new("", "echo", &[], &[], 1);
    let journal = Arc::new(Journal::new(&header, None).unwrap());
    let network = Network::new(1, (0, 0), journal);
    // Clients stand for nodes: both only take what arrives.
    let (a, b) = (network.client("a"), network.client("b"));
    Wire { network, a, b }
}

fn rule(effect: Effect) -> Rule {
    Rule { links: [("a".to_owned(), "b".to_owned())].into(), kinds: Vec::new(), effect }
}

impl Wire {
    fn send(&self, from: &str, to: &str, number: u64) {
        let Value::Object(body) = json!({ "type": "x", "number": number }) else { unreachable!() };
        self.network.send(from, Message::new(from, to, body));
    }

    /// The numbers that arrive within a while.
    fn arrived(receiver: &mpsc::Receiver<Message>, within_ms: u64) -> Vec<u64> {
        let until = Instant::now() + Duration::from_millis(within_ms);
        let mut numbers = Vec::new();
        while let Ok(message) =
            receiver.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            numbers.push(message.body["number"].as_u64().unwrap());
        }
        numbers
    }
}

#[test]
fn a_cut_link_loses_messages_in_one_direction() {
    let wire = wire();
    let cut = wire.network.add(rule(Effect::Cut));
    assert!(!wire.network.lock().any_hit());
    wire.send("a", "b", 1);
    wire.send("b", "a", 2);
    wire.network.remove(cut);
    wire.send("a", "b", 3);
    assert_eq!((Wire::arrived(&wire.b, 20), Wire::arrived(&wire.a, 0)), (vec![3], vec![2]));
    assert_eq!(wire.network.hits(cut), 1);
}

#[test]
fn a_held_link_keeps_messages_and_their_order() {
    let wire = wire();
    let hold = wire.network.add(rule(Effect::Hold));
    for number in 1..=50 {
        wire.send("a", "b", number);
    }
    assert!(Wire::arrived(&wire.b, 20).is_empty());
    wire.network.remove(hold);
    wire.send("a", "b", 51);
    assert_eq!(Wire::arrived(&wire.b, 200), (1..=51).collect::<Vec<_>>());
    assert_eq!(wire.network.hits(hold), 50);
}

#[test]
fn what_is_on_its_way_meets_a_cut_or_a_hold_that_begins() {
    let wire = wire();
    let slow = wire.network.add(rule(Effect::Delay(200, 200, Shape::Uniform)));
    wire.send("a", "b", 1);
    let hold = wire.network.add(rule(Effect::Hold));
    assert_eq!(wire.network.hits(hold), 1);
    // Released into a cut, it is lost there.
    let cut = wire.network.add(rule(Effect::Cut));
    wire.network.remove(hold);
    assert_eq!(wire.network.hits(cut), 1);
    wire.network.remove(cut);
    assert!(Wire::arrived(&wire.b, 300).is_empty());
    assert_eq!(wire.network.hits(slow), 0, "nothing of it arrived late");
}

#[test]
fn a_slow_link_is_felt_when_the_message_arrives() {
    let wire = wire();
    let slow = wire.network.add(rule(Effect::Delay(60, 60, Shape::Uniform)));
    let sent = Instant::now();
    wire.send("a", "b", 1);
    assert_eq!(wire.network.hits(slow), 0);
    assert!(wire.b.recv_timeout(Duration::from_secs(5)).is_ok());
    assert!(sent.elapsed() >= Duration::from_millis(60));
    assert_eq!(wire.network.hits(slow), 1);
}

#[test]
fn shares_are_of_the_messages_of_a_kind() {
    let wire = wire();
    let lose = wire.network.add(rule(Effect::Lose(0.3)));
    let other = Rule { kinds: vec!["y".to_owned()], ..rule(Effect::Cut) };
    let other = wire.network.add(other);
    for number in 0..1000 {
        wire.send("a", "b", number);
    }
    let arrived = Wire::arrived(&wire.b, 50).len() as u64;
    assert!((600..800).contains(&arrived), "{arrived}");
    assert_eq!((wire.network.hits(lose), wire.network.hits(other)), (1000 - arrived, 0));
}

#[test]
fn doubled_messages_come_once_more() {
    let wire = wire();
    let double = wire.network.add(rule(Effect::Duplicate(1.0, 10, 30)));
    wire.send("a", "b", 1);
    wire.send("a", "b", 2);
    let mut arrived = Wire::arrived(&wire.b, 200);
    arrived.sort_unstable();
    assert_eq!(arrived, [1, 1, 2, 2]);
    assert_eq!(wire.network.hits(double), 2);
}

#[test]
fn a_service_takes_a_doubled_request_once_and_answers_twice() {
    let wire = wire();
    let links = [("a".to_owned(), "lin-tso".to_owned())].into();
    let double = Rule { links, kinds: Vec::new(), effect: Effect::Duplicate(1.0, 20, 20) };
    let double = wire.network.add(double);
    let Value::Object(body) = json!({ "type": "ts", "msg_id": 1 }) else { unreachable!() };
    for _ in 0..2 {
        wire.network.send("a", Message::new("a", "lin-tso", body.clone()));
    }
    let answers = (0..4).map(|_| wire.a.recv_timeout(Duration::from_secs(5)).unwrap());
    let mut answers: Vec<u64> = answers.map(|a| a.body["ts"].as_u64().unwrap()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [0, 0, 1, 1]);
    assert_eq!(wire.network.hits(double), 2);
}

#[test]
fn a_late_message_is_out_of_order_only_if_another_overtakes_it() {
    let wire = wire();
    let reorder = wire.network.add(rule(Effect::Reorder(1.0, 50, 50)));
    wire.send("a", "b", 1);
    assert_eq!(Wire::arrived(&wire.b, 150), [1]);
    assert_eq!(wire.network.hits(reorder), 0);
    wire.send("a", "b", 2);
    wire.network.remove(reorder);
    wire.send("a", "b", 3);
    assert_eq!(Wire::arrived(&wire.b, 150), [3, 2]);
    assert_eq!(wire.network.hits(reorder), 1);
}

#[test]
fn services_answer_and_nobody_is_told_so() {
    let wire = wire();
    let Value::Object(body) = json!({ "type": "ts", "msg_id": 7 }) else { unreachable!() };
    wire.network.send("a", Message::new("a", "lin-tso", body.clone()));
    let answer = wire.a.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(
        (answer.src.as_str(), &answer.body["in_reply_to"], &answer.body["ts"]),
        ("lin-tso", &json!(7), &json!(0))
    );
    wire.network.send("a", Message::new("a", "n99", body));
    let answer = wire.a.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!((&answer.body["code"], &answer.body["in_reply_to"]), (&json!(1), &json!(7)));
    wire.network.send("a", Message::new("a", "n99", Body::new()));
    let (_, troubles) = wire.network.lock().journal().noted();
    assert_eq!(
        troubles.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        ["node-not-found", "node-not-found"]
    );
}
