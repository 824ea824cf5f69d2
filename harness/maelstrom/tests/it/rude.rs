//! Nodes that do what the protocol forbids: always a verdict with its reason, never a panic or a hang.

use crate::common::{load, python, run, settings};
use squall_maelstrom::{Host, Outcome, Verdict, is_history, read, workloads};
use std::time::{Duration, Instant};

/// An echo node, whose answers are what `answer` prints.
fn node(answer: &str) -> Vec<String> {
    let head = "
import json, sys, os, time, subprocess
def say(src, dest, body): print(json.dumps({'src': src, 'dest': dest, 'body': body}), flush=True)
for line in sys.stdin:
    message = json.loads(line); body = message['body']; src = message['src']; me = message['dest']
    if body['type'] == 'init':
        say(me, src, {'type': 'init_ok', 'in_reply_to': body['msg_id']}); continue
    ok = {'type': 'echo_ok', 'echo': body.get('echo'), 'in_reply_to': body.get('msg_id')}
";
    let body: String = answer
        .trim()
        .lines()
        .map(|line| {
            format!(
                "    {line}
"
            )
        })
        .collect();
    python(&format!("{head}{body}"))
}

fn echo(answer: &str) -> Outcome {
    echo_for(400, answer)
}

fn echo_for(ms: u64, answer: &str) -> Outcome {
    let began = Instant::now();
    let outcome = run("echo", node(answer), load(ms, 500), |_| {});
    assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
    outcome
}

fn fails_as(answer: &str, name: &str, about: &str) {
    told(&echo(answer), name, about);
}

fn told(outcome: &Outcome, name: &str, about: &str) {
    assert_eq!(outcome.verdict, Verdict::Failed, "{}", outcome.why);
    let mut anomalies = outcome.findings.anomalies.iter();
    let told = anomalies.any(|a| a.name == name && a.about.contains(about));
    assert!(told, "{:?}", outcome.findings);
}

#[test]
fn what_is_no_message() {
    fails_as(
        "say(me, src, ok); print('debug: here', flush=True)",
        "line-not-valid-json",
        "debug: here",
    );
    fails_as("say(me, src, ok); print('{}', flush=True)", "malformed-message", "has no `src`");
    fails_as(
        "say(me, src, ok); sys.stdout.buffer.write(b'\\xff\\xfe\\n'); sys.stdout.flush()",
        "line-not-valid-json",
        "is not UTF-8",
    );
    fails_as(
        "say(me, src, ok); say(me, 'n77', {'type': 'x', 'msg_id': 1})",
        "node-not-found",
        "`n77`",
    );
    fails_as("say('nobody', src, ok)", "malformed-message", "`nobody`");
}

#[test]
fn what_is_no_answer() {
    fails_as("ok.pop('echo'); say(me, src, ok)", "malformed-rpc-response", "it has no `echo`");
    fails_as(
        "ok['type'] = 'ok'; say(me, src, ok)",
        "malformed-rpc-response",
        "echo_ok was expected",
    );
    fails_as(
        "say(me, src, {'type': 'error', 'in_reply_to': body['msg_id']})",
        "malformed-rpc-response",
        "`code`",
    );
}

#[test]
fn a_node_that_ends_by_itself() {
    fails_as("sys.stderr.write('all is lost\\n'); sys.exit(3)", "node-crashed", "all is lost");
    fails_as("raise ValueError('what?')", "node-crashed", "ValueError: what?");
}

#[test]
fn a_large_message_arrives() {
    let outcome = echo(
        "ok['padding'] = 'x' * 10_000_000; say(me, src, ok) if me == 'n0' else say(me, src, {**ok, 'padding': ''})",
    );
    assert!(matches!(outcome.verdict, Verdict::Passed | Verdict::Inconclusive), "{}", outcome.why);
    assert!(outcome.counts["echo"]["ok"] > 5, "{:?}", outcome.counts);
}

#[test]
fn a_line_without_end() {
    // It has as long as it needs: it ends when that is told.
    let answer = "\nwhile True: sys.stdout.write('x' * 1_000_000)";
    told(&echo_for(12_000, answer), "line-too-long", "64 MiB");
}

#[test]
fn a_flood() {
    let answer = "
if me == 'n0':
    line = json.dumps({'src': me, 'dest': 'n1', 'body': {'type': 'x', 'padding': 'x' * 100_000}}) + '\\n'
    while True: sys.stdout.write(line)
if me == 'n1': time.sleep(100)
say(me, src, ok)
";
    told(&echo_for(12_000, answer), "flooded", "n1 reads slower than others send");
}

#[test]
fn errors_are_told_apart() {
    let definite = echo(
        "say(me, src, {'type': 'error', 'code': 11, 'text': 'not now', 'in_reply_to': body['msg_id']})",
    );
    let counts = &definite.counts["echo"];
    assert!(counts.contains_key("fail") && !counts.contains_key("info"), "{counts:?}");
    assert!(definite.why.contains("temporarily-unavailable (11): not now"), "{}", definite.why);
    let other = echo(
        "say(me, src, {'type': 'error', 'code': 1001, 'text': 'mine', 'in_reply_to': body['msg_id']})",
    );
    assert!(other.counts["echo"].contains_key("info"), "{:?}", other.counts);
}

#[test]
fn what_never_becomes_ready() {
    let not_ready = |command: Vec<String>| {
        let settings = squall_maelstrom::Settings {
            ready_within: Duration::from_secs(3),
            ..settings(command)
        };
        Host::start(settings, workloads::named("echo").unwrap()).unwrap_err()
    };
    let silent =
        not_ready(python("import sys, time; sys.stderr.write('waiting\\n'); time.sleep(60)"));
    assert!(silent.why.contains("did not answer `init` within 3 s"), "{silent}");
    assert_eq!(silent.log, ["waiting"]);
    let missing = not_ready(vec!["no-such-program".to_owned()]);
    assert!(missing.why.contains("ended before it answered `init`"), "{missing}");
    assert!(missing.log[0].contains("not found"), "{missing}");
    // The others only wait, and are told to stop because of it: its own reason is the one that is told.
    let one = not_ready(python(
        "import os, sys, time; time.sleep(60) if os.environ['SQUALL_NODE'] != 'n1' else sys.exit('no disk')",
    ));
    assert!(one.why.contains("n1 ended before it answered `init`"), "{one}");
    assert_eq!(one.log, ["no disk"]);
}

#[test]
fn a_node_that_does_not_come_back() {
    let once = "
import json, os, sys
mark = sys.argv[0] if False else os.environ['MARK']
for line in sys.stdin:
    message = json.loads(line); body = message['body']
    if body['type'] == 'init' and message['dest'] == 'n0':
        if os.path.exists(mark): sys.exit('the disk is full')
        open(mark, 'w').close()
    kind = body['type'] + '_ok'
    reply = {'type': kind, 'echo': body.get('echo'), 'in_reply_to': body['msg_id']}
    print(json.dumps({'src': message['dest'], 'dest': message['src'], 'body': reply}), flush=True)
";
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let mut command = vec!["env".to_owned(), format!("MARK={}", mark.display())];
    command.extend(python(once));
    let outcome = run("echo", command, load(1000, 1500), |host| {
        std::thread::sleep(Duration::from_millis(200));
        host.kill(0);
        host.start_again(0);
    });
    assert!(matches!(outcome.verdict, Verdict::Errored | Verdict::Failed), "{}", outcome.why);
    assert!(outcome.why.contains("the disk is full"), "{}", outcome.why);
}

#[test]
fn the_kept_history_can_be_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.jsonl.gz");
    let settings = squall_maelstrom::Settings {
        history: Some(file.clone()),
        logs: Some(folder.path().join("logs")),
        ..settings(node(
            "sys.stderr.write('heard\\n'); say(me, src, ok); print('oops', flush=True)",
        ))
    };
    let host = Host::start(settings, workloads::named("echo").unwrap()).unwrap();
    let driving = host.drive(load(500, 0));
    let outcome = host.conclude(driving);
    host.close(&["no fault".to_owned()], &[]).unwrap();
    let kept = read(&file).unwrap();
    assert!(is_history(&file) && !is_history(&folder.path().join("logs/n1.log")));
    assert_eq!((kept.header.workload.as_str(), kept.header.nodes.len()), ("echo", 3));
    assert_eq!(kept.events, outcome.events);
    assert_eq!(kept.end.as_ref().unwrap().vacuous, ["no fault"]);
    let again = kept.judged().unwrap();
    assert_eq!((again.verdict, again.findings), (outcome.verdict, outcome.findings));
    assert!(again.why.contains("oops"), "{}", again.why);
    assert!(std::fs::read_to_string(folder.path().join("logs/n1.log")).unwrap().contains("heard"));
}
