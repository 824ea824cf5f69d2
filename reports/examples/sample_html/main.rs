//! Writes a page for people to look at, and for `harness/checks/screenshots`: `sample_html OUT [REPORT]`.
//! Without a report it makes one up; `thousand` in its place is one of a thousand failures,
//! `compare` a comparison, `trend` a trend.

use squall_reports::{
    Options,
    render::{RENDERINGS, Reader},
};
use std::{env, error::Error, fs, path::Path};

mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let out = arguments.next().ok_or("usage: sample_html OUT [REPORT]")?;
    let report = match arguments.next() {
        Some(word) if word == "compare" => {
            let (base, head) = ([sample::report()], [sample::worse()]);
            let comparison = squall_reports::compare(&base, &head, &Options::default());
            fs::write(out, comparison.html(&base, &head))?;
            return Ok(());
        }
        Some(word) if word == "trend" => {
            fs::write(out, squall_reports::trend(&sample::history()).html())?;
            return Ok(());
        }
        Some(word) if word == "thousand" => sample::thousand(),
        Some(path) => squall_reports::read(Path::new(&path))?,
        None => sample::report(),
    };
    let html = RENDERINGS.iter().find(|rendering| rendering.name == "html");
    let html = html.ok_or("there is no page any more")?;
    fs::write(out, html.render(&report, Reader::OF_A_FILE))?;
    Ok(())
}
