//! Any system that implements [`System`], as real processes: each node is this executable again, in a hidden mode.
//!
//! What `squall-probe` gives the system's code is real there: TCP, files, time. Its records go to a file of the process, and
//! everything that is judged in a simulation is judged of them. The client program is the system's own client behind lines of
//! JSON, and asks the nodes for their states as the observer of a simulation does.

use super::described::{
    Described, DescribedRole, Promised, PromisedDelivery, PromisedOrder, Ready,
};
use crate::{
    outcome::agree,
    plan::Plan,
    system::{Client, Cluster, Event, Node, Outcome, Poison, State, System},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use squall_probe::{EventId, NodeId, What, live};
use std::{
    io::{BufRead as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{
    runtime::Builder,
    sync::mpsc,
    task::{LocalSet, spawn_local},
    time::{sleep, timeout},
};

/// The hidden argument that makes the executable a node.
pub(crate) const HIDDEN_ARGUMENT: &str = "__node";

/// The variable that tells a node of the others.
const CLUSTER: &str = "SQUALL_CLUSTER";

/// How long a node may take to tell its state.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// From one question whether the system is ready to the next.
const ASK: Duration = Duration::from_millis(50);

/// All nodes of a run, as each of them is told.
#[derive(Serialize, Deserialize)]
struct Told {
    /// Name, role and index of each, in the order of their ids.
    nodes: Vec<(String, String, u32)>,
    defects: Vec<String>,
    keys: u32,
}

/// How this executable's own system is run: by itself.
pub(crate) fn described(system: &dyn System, plan: &Plan) -> Described {
    let nodes = plan.nodes.iter();
    let told = Told {
        nodes: nodes.map(|node| (node.name.clone(), node.role.clone(), node.index)).collect(),
        defects: plan.defects.clone(),
        keys: plan.workload.keys,
    };
    let told = serde_json::to_string(&told).expect("names and numbers can be written");
    let role = |role: &crate::system::Role| DescribedRole {
        name: role.name.to_owned(),
        plural: role.plural.to_owned(),
        count: role.default,
        about: role.about.to_owned(),
        command: format!("exec \"$SQUALL\" {HIDDEN_ARGUMENT}"),
        client: role.client,
        replica: role.replica,
        // Its clients ask the nodes.
        ready: Ready::AtOnce,
        env: Vec::new(),
    };
    Described {
        name: system.name().to_owned(),
        version: system.version().to_owned(),
        file: String::new(),
        folder: PathBuf::from("."),
        roles: system.roles().iter().map(role).collect(),
        groups: system.groups().iter().map(|group| (*group).to_owned()).collect(),
        // The system's own are judged.
        promises: Promised {
            delivery: PromisedDelivery::AtLeastOnce,
            order: PromisedOrder::None,
            deduplicates: false,
            one_group: false,
        },
        reads: true,
        pace: 1.0,
        ready_within_ms: 60_000,
        env: vec![(CLUSTER.to_owned(), told)],
        programs: Vec::new(),
        variants: Vec::new(),
        variant: None,
        defects: Vec::new(),
    }
}

/// The node's software, until it ends.
pub(crate) fn main(system: &Arc<dyn System>) -> ExitCode {
    // SIGTERM asks the node to stop.
    let _ = ctrlc::set_handler(live::ask_to_stop);
    match run(system) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(system: &Arc<dyn System>) -> Result<(), String> {
    live::begin_as_told().map_err(|error| format!("records cannot be written: {error}"))?;
    let variable = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let told: Told =
        serde_json::from_str(&variable(CLUSTER)?).map_err(|error| error.to_string())?;
    let number = |name: &str| -> Result<u32, String> {
        variable(name)?.parse().map_err(|error| format!("{name}: {error}"))
    };
    let (id, incarnation) = (number(live::NODE_ID)? as usize, number("SQUALL_LIVES")?);
    let data = PathBuf::from(variable("SQUALL_DATA")?);
    let node = |(index, (name, role, number)): (usize, &(String, String, u32))| {
        let role = system.roles().iter().find(|known| known.name == role)?;
        Some(Node {
            id: NodeId::of_index(index),
            name: name.as_str().into(),
            role: role.name,
            index: *number,
            incarnation: if index == id { incarnation } else { 0 },
            data: data.clone(),
        })
    };
    let nodes: Option<Vec<Node>> = told.nodes.iter().enumerate().map(node).collect();
    let nodes = nodes.ok_or("the roles are another system's")?;
    let me = nodes.get(id).cloned().ok_or("there is no node of this number")?;
    let cluster = Cluster { nodes: nodes.into(), defects: told.defects.into(), keys: told.keys };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let is_client = system.roles().iter().any(|role| role.name == me.role && role.client);
    LocalSet::new().block_on(&runtime, async {
        if is_client {
            return speak(system, me, cluster).await;
        }
        system.start(me, cluster).await.map_err(|error| error.to_string())
    })
}

fn say(value: &Value) {
    let mut out = std::io::stdout().lock();
    // Who listens has gone: there is nobody to tell.
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

/// The system's client behind lines of JSON.
async fn speak(system: &Arc<dyn System>, me: Node, cluster: Cluster) -> Result<(), String> {
    let (lines, mut asked) = mpsc::unbounded_channel::<String>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    let client: Rc<dyn Client> = loop {
        match system.client(me.clone(), cluster.clone()).await {
            Ok(client) => break Rc::from(client),
            Err(_) => sleep(ASK).await,
        }
    };
    // A run begins when everybody can tell a state; who comes back later does not wait for the others.
    while me.incarnation == 0 && !inspect(system, &cluster).await.1.is_empty() {
        sleep(ASK).await;
    }
    say(&json!({ "ready": true }));
    while let Some(line) = asked.recv().await {
        let Ok(asked) = serde_json::from_str::<Value>(&line) else { continue };
        if let Some(event) = event(&asked) {
            let client = client.clone();
            spawn_local(publish(client, event));
        } else if asked.get("read").is_some() {
            let (system, cluster) = (system.clone(), cluster.clone());
            let last = asked.get("last").and_then(Value::as_bool).unwrap_or(false);
            spawn_local(async move { read(&system, &cluster, last).await });
        }
    }
    Ok(())
}

fn event(asked: &Value) -> Option<Event> {
    let number = |name: &str| u32::try_from(asked.get(name)?.as_u64()?).ok();
    let poison = asked.get("poison").and_then(Value::as_str);
    Some(Event {
        id: EventId(asked.get("publish")?.as_u64()?),
        key: number("key")?,
        size: number("size")?,
        poison: poison.and_then(|name| Poison::ALL.into_iter().find(|kind| kind.name() == name)),
    })
}

async fn publish(client: Rc<dyn Client>, event: Event) {
    let id = event.id.0;
    let early = Box::new(move |why: String| say(&json!({ "unsure": id, "why": why })));
    match client.publish(event, early).await {
        Outcome::Ok(Some(at)) => say(&json!({ "ok": id, "at": [at.partition, at.offset] })),
        Outcome::Ok(None) => say(&json!({ "ok": id })),
        Outcome::Fail(why) => say(&json!({ "fail": id, "why": why })),
        Outcome::Info(why) => say(&json!({ "info": id, "why": why })),
    }
}

/// What every node tells of its state, and who tells nothing.
async fn inspect(system: &Arc<dyn System>, cluster: &Cluster) -> (Vec<State>, Vec<NodeId>) {
    let (mut states, mut silent) = (Vec::new(), Vec::new());
    for node in cluster.nodes.iter() {
        match timeout(PATIENCE, system.inspect(node.clone(), cluster.clone())).await {
            Ok(Ok(told)) => states.extend(told),
            Ok(Err(_)) | Err(_) => silent.push(node.id),
        }
    }
    (states, silent)
}

/// Tells whether all agree; what they said is recorded if they do, or if it is the last time that anybody asks.
async fn read(system: &Arc<dyn System>, cluster: &Cluster, last: bool) {
    let (states, silent) = inspect(system, cluster).await;
    let agrees = silent.is_empty() && agree(&states);
    if agrees || last {
        for State { node, of, position, digest } in states {
            live::record_at(node, What::State { of, position, digest });
        }
        for node in silent {
            live::record_at(node, What::Unanswered);
        }
    }
    say(&json!({ "end": true, "agrees": agrees }));
}
