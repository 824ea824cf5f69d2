//! Links and paths on the pages lead somewhere.

use super::{pages, read, root};
use std::path::Path;

/// How a heading is called in links, as forges make it.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = read(&page);
        let folder = Path::new(&page).parent().unwrap().to_owned();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            if target.starts_with("https://") || target.contains(char::is_whitespace) {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone().into() } else { folder.join(file) };
            assert!(root().join(&path).exists(), "{page}: there is no {}", path.display());
            if !heading.is_empty() {
                let linked = read(&path.to_string_lossy());
                let mut headings = linked.lines().filter_map(|line| line.strip_prefix('#'));
                assert!(
                    headings.any(|one| anchor(one.trim_start_matches('#').trim()) == heading),
                    "{page}: {} has no heading {heading}",
                    path.display()
                );
            }
        }
    }
}

/// Where paths of the repository begin.
const FOLDERS: &[&str] = &[
    "harness/",
    "reference-system/",
    "reports/",
    "scenarios/",
    "docs/",
    "ci/",
    ".ci/",
    ".github/",
    ".cargo/",
];

#[test]
fn paths_exist() {
    for page in pages() {
        let text = read(&page);
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.split([' ', ':']).next().unwrap().trim_end_matches(['…', '.']);
            let saved_by_users = ["squall.yml", "nightly-explore.yml"];
            let is_pattern = path.contains(['*', '{', '<'])
                || saved_by_users.iter().any(|name| path.ends_with(*name));
            if FOLDERS.iter().any(|folder| path.starts_with(folder)) && !is_pattern {
                assert!(root().join(path).exists(), "{page}: there is no {path}");
            }
        }
    }
}

#[test]
fn the_readme_is_short_and_its_picture_is_small() {
    assert!(read("README.md").lines().count() < 200);
    let picture = std::fs::metadata(root().join("docs/failing-run.png")).unwrap();
    assert!(picture.len() < 200_000, "{} bytes", picture.len());
}
