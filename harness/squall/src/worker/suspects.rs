//! Why executions of one plan may differ.

/// What usually makes runs differ, the likeliest first.
pub(crate) fn suspects(between_fresh_processes: bool) -> String {
    let kept = "what outlives a run (a `static`, `thread_local!`, `OnceLock` or pool of the process, a counter of \
                ids): keep it in the node";
    let mut outside = vec![
        "the order of a HashMap whose hasher is seeded otherwise than by std's RandomState",
        "addresses of memory (a pointer printed, hashed or compared)",
        "the environment and the process's id",
        "what `allow` of the scenario lets through: threads, files, sockets",
        "a clock read otherwise than by libc",
    ];
    if cfg!(not(tokio_unstable)) {
        outside.insert(
            0,
            "an unbiased `tokio::select!`: this was built without `--cfg tokio_unstable`",
        );
    }
    if between_fresh_processes {
        format!(
            "processes that made no run before differ too. The usual suspects: {}; and {kept}",
            outside.join("; ")
        )
    } else {
        format!(
            "three processes that made no run before agree, so it depends on the runs before it. The usual \
             suspects: {kept}; and {}",
            outside.join("; ")
        )
    }
}
