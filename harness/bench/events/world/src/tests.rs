//! What such a world can do with tokio as it is, and what it cannot: the facts by which it is judged.

use crate::{Host, World, current, net, spawn_on};
use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep},
};

const SECOND: Duration = Duration::from_secs(1);

async fn counts(counter: Rc<Cell<u64>>) {
    loop {
        counter.set(counter.get() + 1);
        sleep(SECOND).await;
    }
}

#[test]
fn a_day_of_waiting_is_a_jump() {
    let world = World::new(1, 1..=1);
    let counter = Rc::new(Cell::new(0));
    world.host("a", counts(counter.clone()));
    world.run_for(86_400 * SECOND);
    assert!((86_400..=86_401).contains(&counter.get()), "{}", counter.get());
}

#[test]
fn every_task_of_tokios_own_is_known_by_its_host() {
    let world = World::new(1, 1..=1);
    let seen = Rc::new(Cell::new(None));
    let host = world.host("a", {
        let seen = seen.clone();
        async move {
            let nested = tokio::task::spawn_local(async {
                tokio::spawn(async { current() }).await.expect("it does not panic")
            });
            seen.set(nested.await.expect("it does not panic"));
        }
    });
    world.run_for(SECOND);
    assert_eq!(seen.get(), Some(host));
}

/// tokio: "localset does not currently support task hooks".
#[test]
fn tasks_of_a_local_set_have_no_hooks_and_are_known_only_by_the_task_that_drives_it() {
    let world = World::new(1, 1..=1);
    let seen: Rc<Cell<Option<Option<Host>>>> = Rc::default();
    let set = tokio::task::LocalSet::new();
    // Spawned by nobody, driven by a: turmoil would never let it be driven by a at all.
    set.spawn_local({
        let seen = seen.clone();
        async move { seen.set(Some(current())) }
    });
    let host = world.host("a", set);
    world.run_for(SECOND);
    assert_eq!(seen.get(), Some(Some(host)));
}

#[test]
fn what_a_crashed_host_sends_goes_nowhere_and_its_tasks_run_on() {
    let world = World::new(1, 5..=5);
    let (heard, counter) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    world.host("server", {
        let heard = heard.clone();
        async move {
            let listener = net::TcpListener::bind("0.0.0.0:1").await.expect("the port is free");
            let (mut stream, _) = listener.accept().await.expect("it listens");
            while stream.read_u8().await.is_ok() {
                heard.set(heard.get() + 1);
            }
        }
    });
    let host = world.host("client", {
        let counter = counter.clone();
        async move {
            let mut stream = net::TcpStream::connect("server:1").await.expect("it listens");
            loop {
                let _ = stream.write_u8(1).await;
                counter.set(counter.get() + 1);
                sleep(SECOND).await;
            }
        }
    });
    world.run_for(10 * SECOND);
    let (heard_then, counted_then) = (heard.get(), counter.get());
    assert_eq!((heard_then, counted_then), (10, 10));
    world.crash(host);
    world.run_for(10 * SECOND);
    assert_eq!(heard.get(), heard_then, "nothing is heard of it");
    // What a crash should kill goes on: it costs time, holds memory, and acts on what is shared.
    assert_eq!(counter.get(), 20, "and its code runs on for ever");
}

#[test]
fn a_crash_drops_nothing_so_no_destructor_runs_and_memory_grows_with_every_restart() {
    struct Dropped(Rc<Cell<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let world = World::new(1, 1..=1);
    let dropped = Rc::new(Cell::new(false));
    let held = Dropped(dropped.clone());
    let host = world.host("a", async move {
        let _held = held;
        std::future::pending().await
    });
    world.run_for(SECOND);
    world.crash(host);
    world.start(host.index, async {});
    world.run_for(SECOND);
    assert!(!dropped.get());
}

#[test]
fn with_a_local_set_for_each_host_a_crash_drops_what_was_spawned_there_and_nothing_else() {
    let world = World::with_sets(1, 1..=1);
    let (local, raw) = (Rc::new(Cell::new(0)), Arc::new(AtomicU64::new(0)));
    let host = world.host("a", {
        let (local, raw) = (local.clone(), raw.clone());
        async move {
            drop(tokio::task::spawn_local(counts(local)));
            drop(tokio::spawn(async move {
                loop {
                    raw.fetch_add(1, Ordering::Relaxed);
                    sleep(SECOND).await;
                }
            }));
        }
    });
    world.run_for(10 * SECOND);
    world.crash(host);
    world.run_for(10 * SECOND);
    assert_eq!(local.get(), 10, "what it spawned in its set is gone");
    assert_eq!(raw.load(Ordering::Relaxed), 20, "what it gave to tokio's own spawn is not");
}

#[test]
fn a_task_that_never_waits_for_a_timer_cannot_be_crashed_at_all() {
    let world = World::new(1, 1..=1);
    let spins = Arc::new(AtomicU64::new(0));
    let host = world.host("a", {
        let spins = spins.clone();
        async move {
            // It yields, and is never idle: time stands still for all hosts while it does.
            while spins.fetch_add(1, Ordering::Relaxed) < 100_000 {
                tokio::task::yield_now().await;
            }
        }
    });
    world.crash(host);
    world.run_for(Duration::from_millis(1));
    assert!(spins.load(Ordering::Relaxed) > 100_000, "a life that is over held the world up");
}

/// turmoil gives each host a runtime, which it does not drive while nothing should run. Here a hook is told of a poll, and
/// cannot refuse it.
#[test]
fn a_hook_cannot_hold_back_a_poll_so_a_pause_needs_every_task_to_be_wrapped() {
    let world = World::new(1, 1..=1);
    let (raw, wrapped) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let paused = Rc::new(Cell::new(false));
    let host = world.host("a", counts(raw.clone()));
    spawn_wrapped(&world, host, &paused, wrapped.clone());
    world.run_for(5 * SECOND);
    paused.set(true);
    world.run_for(5 * SECOND);
    assert_eq!((raw.get(), wrapped.get()), (10, 5));
}

fn spawn_wrapped(world: &World, host: Host, paused: &Rc<Cell<bool>>, counter: Rc<Cell<u64>>) {
    let paused = paused.clone();
    world.enter(|| {
        let mut inner = Box::pin(counts(counter));
        let gate = std::future::poll_fn(move |context| {
            if paused.get() {
                return std::task::Poll::Pending;
            }
            inner.as_mut().poll(context)
        });
        drop(spawn_on(host, gate));
    });
}

#[test]
fn one_clock_for_all() {
    // turmoil's hosts have a clock each, which a step moves; here what `Instant::now` tells is one number, so one host
    // cannot be late while another is not.
    let world = World::new(1, 1..=1);
    let seen: Rc<Cell<Option<Instant>>> = Rc::default();
    let other: Rc<Cell<Option<Instant>>> = Rc::default();
    for (name, seen) in [("a", seen.clone()), ("b", other.clone())] {
        world.host(name, async move {
            sleep(SECOND).await;
            seen.set(Some(Instant::now()));
        });
    }
    world.run_for(2 * SECOND);
    assert_eq!(seen.get(), other.get());
}
