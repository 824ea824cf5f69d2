//! `squall doctor`

use super::shared::stop::Stop;
use super::shared::terminal::say;
use crate::{exit::PASSED, live};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Clear away what live runs left that were killed together with their guardian
    #[arg(long)]
    clean: bool,
}

pub(super) fn doctor(args: &DoctorArgs) -> Result<u8, Stop> {
    if args.clean {
        let removed = live::sweep().map_err(Stop::broken)?;
        for one in &removed {
            say(&format!("removed {one}\n"));
        }
        say(&format!(
            "{} left over from dead runs\n",
            match removed.len() {
                0 => "nothing was".to_owned(),
                1 => "1 thing was".to_owned(),
                many => format!("{many} things were"),
            }
        ));
    }
    for capability in live::capabilities() {
        let (yes, what) = (if capability.lack.is_none() { "yes" } else { "no " }, capability.what);
        say(&format!("{yes}  {:<12} {what}\n", capability.name));
        if let Some(lack) = &capability.lack {
            say(&format!("     {}\n     remedy: {}\n", lack.why, lack.remedy));
        }
    }
    Ok(PASSED)
}
