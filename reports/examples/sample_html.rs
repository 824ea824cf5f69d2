//! Writes a page for people to look at, and for `.ci/screenshots`: `sample_html OUT [REPORT]`.
//! Without a report it makes one up.

use std::{env, error::Error, fs, path::Path};

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let out = arguments.next().ok_or("usage: sample_html OUT [REPORT]")?;
    let report = match arguments.next() {
        Some(path) => squall_reports::read(Path::new(&path))?,
        None => sample::report(),
    };
    fs::write(out, squall_reports::html(&report, "squall"))?;
    Ok(())
}
