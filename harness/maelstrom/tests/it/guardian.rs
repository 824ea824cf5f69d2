//! Nothing is left of nodes, however the one who started them ends.

use crate::common::{load, python, settings};
use squall_maelstrom::{Host, workloads};
use std::{
    process::Command,
    time::{Duration, Instant},
};

/// Processes whose command has this mark.
fn alive(mark: &str) -> usize {
    let out = Command::new("ps").args(["-eo", "stat,args"]).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    // What has ended and was not waited for runs no more.
    text.lines()
        .filter(|line| line.contains(mark) && !line.starts_with('Z') && !line.contains("ps -eo"))
        .count()
}

/// A node that starts another process, and does not end when its input does.
fn clinging(mark: &str) -> Vec<String> {
    let text = format!(
        "
import json, subprocess, sys, time
child = subprocess.Popen(['sh', '-c', 'while :; do sleep 0.2; done # {mark}'])
for line in sys.stdin:
    message = json.loads(line); body = message['body']
    reply = {{'type': body['type'] + '_ok', 'echo': body.get('echo'), 'in_reply_to': body['msg_id']}}
    print(json.dumps({{'src': message['dest'], 'dest': message['src'], 'body': reply}}), flush=True)
time.sleep(1000)
"
    );
    python(&text)
}

fn gone_within(mark: &str, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        if alive(mark) == 0 {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

#[test]
fn a_run_that_ends_leaves_nothing() {
    let mark = format!("squall-test-end-{}", std::process::id());
    let host = Host::start(settings(clinging(&mark)), workloads::named("echo").unwrap()).unwrap();
    assert!(alive(&mark) >= 6, "{}", alive(&mark));
    host.pause(1);
    let driving = host.drive(load(300, 0));
    let _ = host.conclude(driving);
    assert!(gone_within(&mark, Duration::from_secs(5)), "{} are left", alive(&mark));
}

/// Not a test by itself: what is killed below.
#[test]
fn host_that_is_killed() {
    let Ok(mark) = std::env::var("SQUALL_TEST_MARK") else { return };
    let host = Host::start(settings(clinging(&mark)), workloads::named("echo").unwrap()).unwrap();
    host.pause(1);
    let _driving = host.drive(load(60_000, 0));
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_run_that_is_killed_leaves_nothing() {
    let me = std::env::current_exe().unwrap();
    for (index, after_ms) in [0, 30, 60, 120, 250, 500, 900].into_iter().enumerate() {
        let mark = format!("squall-test-kill-{}-{index}", std::process::id());
        let mut child = Command::new(&me)
            .args(["--exact", "guardian::host_that_is_killed"])
            .env("SQUALL_TEST_MARK", &mark)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(after_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(
            gone_within(&mark, Duration::from_secs(5)),
            "after {after_ms} ms {} are left",
            alive(&mark)
        );
    }
}
