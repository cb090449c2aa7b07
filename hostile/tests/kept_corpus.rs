//! What fuzzing begins with, and what it once found, is run by every test run.

#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().expect("a name in UTF-8")).collect();
    names.sort();
    names
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

#[test]
fn every_target_has_a_corpus_and_a_program() {
    let targets: Vec<String> = hostile::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&fuzz().join("corpus")), targets);
    let programs: Vec<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), programs);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in targets {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name} is not in fuzz/Cargo.toml");
    }
}

#[test]
fn what_is_kept_does_no_harm() {
    for (target, run) in hostile::TARGETS {
        let folder = fuzz().join("corpus").join(target);
        let kept = names(&folder);
        assert!(!kept.is_empty(), "nothing is kept for {target}");
        for name in kept {
            let bytes = fs::read(folder.join(&name)).unwrap();
            // The panic says what was wrong, and this of which file.
            println!("{target}/{name}");
            run(&bytes);
        }
    }
}
