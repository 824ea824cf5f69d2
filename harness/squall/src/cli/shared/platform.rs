//! What runs rely on and a build or a machine lacks, told before the first of them.

/// Where all of it holds.
const WHOLE: &str = "Linux on x86-64 or aarch64";

/// Tells on standard error what of this build, and on this machine, runs cannot rely on.
pub(in crate::cli) fn warn() {
    if cfg!(not(tokio_unstable)) {
        eprintln!(
            "warning: built without `--cfg tokio_unstable`: an unbiased `tokio::select!` in the system \
             is not deterministic"
        );
    }
    if let Some(warning) = lacks(std::env::consts::OS, std::env::consts::ARCH) {
        eprintln!("{warning}");
    }
}

/// What does not hold on this kind of machine, in words; `None` where all of it does.
fn lacks(os: &str, arch: &str) -> Option<String> {
    if os == "linux" && ["x86_64", "aarch64"].contains(&arch) {
        return None;
    }
    let mut all = vec![
        "what the system under test does past the simulation (files, sockets, threads, DNS) is not noticed, and happens",
    ];
    if os != "linux" {
        all.extend([
            "randomness of the operating system (`RandomState` of hash maps, UUIDs) differs from run to run",
            "std's clocks tell the real time",
            "a run that takes all memory is not stopped",
        ]);
    }
    let all: String = all.iter().map(|lack| format!("  - {lack}\n")).collect();
    Some(format!(
        "warning: squall does all that it says on {WHOLE}; on {os} on {arch}:\n{all}\
         runs that differ by that are `unstable` where they are executed twice. In a container all of it holds:\n  \
         docker run --rm -it -v \"$PWD\":/work -w /work rust:1 cargo run -- run"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_all_of_it_holds_nothing_is_said() {
        assert_eq!(lacks("linux", "x86_64"), None);
        assert_eq!(lacks("linux", "aarch64"), None);
    }

    #[test]
    fn elsewhere_it_is_said_what_is_missing_and_what_helps() {
        let mac = lacks("macos", "aarch64").unwrap();
        for told in ["macos on aarch64", "RandomState", "std's clocks", "memory", "docker run"] {
            assert!(mac.contains(told), "{told}: {mac}");
        }
        let riscv = lacks("linux", "riscv64").unwrap();
        assert!(riscv.contains("not noticed") && !riscv.contains("RandomState"), "{riscv}");
    }
}
