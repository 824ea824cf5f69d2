//! What this machine can do, and a lab if it can: `cargo run -p squall-live --example capabilities`. As a user without
//! rights it first makes itself root of a user namespace.

use squall_live::{
    Command, Lab, LabOptions, NodeOptions, become_root_of_a_namespace, capabilities,
};
use std::time::Duration;

fn main() -> squall_live::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("--namespace") {
        become_root_of_a_namespace()?;
    }
    for one in capabilities(&std::env::temp_dir()) {
        match one.lack {
            None => println!("yes  {:12} {}", one.name, one.what),
            Some(lack) => println!(
                "no   {:12} {}\n     {}\n     {}",
                one.name, one.what, lack.why, lack.remedy
            ),
        }
    }
    let lab = Lab::create(LabOptions::default())?;
    let one = lab.add_node("one", NodeOptions::default())?;
    lab.add_node("two", NodeOptions::default())?;
    let script = "cat /etc/hosts /proc/sys/kernel/hostname; echo $$";
    let process = one.spawn(&Command::new("sh").args(["-c", script]))?;
    process.wait(Duration::from_secs(5))?;
    print!("{}", one.log_tail(2000)?);
    one.power_off()?;
    one.power_on()?;
    lab.close()
}
