//! What README.md says of the sources holds: the files that it names exist, and the main road knows of no mistakes.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn the_files_that_the_readme_names_exist() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let named: Vec<&str> =
        readme.split('`').skip(1).step_by(2).filter(|name| name.starts_with("src/")).collect();
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let room = format!("src/{}/", path.file_name().unwrap().display());
        let told = !path.is_dir() || named.iter().any(|name| name.starts_with(&room));
        assert!(told, "the README names nothing in {room}");
    }
    for name in named {
        assert!(root().join(name).exists(), "{name}");
    }
}

#[test]
fn nothing_on_the_main_road_uses_a_mistake() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let road = files.iter().filter(|path| {
        let path = path.strip_prefix(root().join("src")).unwrap();
        // What starts a node may choose a mistake.
        !path.starts_with("mistakes") && path != Path::new("main.rs") && path != Path::new("lib.rs")
    });
    for path in road {
        let text = fs::read_to_string(path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let line = line.to_lowercase();
            let used = line.contains("mistakes::") || line.contains("defect");
            assert!(!used, "{}: {line}", path.display());
        }
    }
}
