//! The unit for systemd begins again, whatever lies where it is to record, and loses nothing of it.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

const UNIT: &str = include_str!("../../deploy/receiver@.service");

/// Does what the unit does before the program starts, as systemd reads it: in `folder`, with these variables.
fn prepare(folder: &Path, variables: &[(&str, &str)]) {
    let unit = UNIT.replace("\\\n", " ");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStartPre=/bin/sh -euc '")).unwrap();
    let script = line.strip_suffix('\'').unwrap().replace("$$", "$").replace("%%", "%");
    let mut command = Command::new("/bin/sh");
    command.args(["-euc", &script]).current_dir(folder).env("TZ", "UTC");
    for name in ["SEGMENT_RECORD", "SEGMENT_SNAPSHOTS", "SEGMENT_OVERWRITE"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Makes it as a receiver does that ended at a time that is known.
fn leave(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    assert!(Command::new("touch").args(["-d", "2026-05-01 18:30:00 UTC"]).arg(path).status().unwrap().success());
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_recording_of_before_is_kept_under_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, recording) = (folder.path(), folder.path().join("the door.mkv"));
    let prepare = || prepare(folder, &[("SEGMENT_RECORD", "the door.mkv"), ("SEGMENT_OVERWRITE", "false")]);
    prepare();
    assert!(names(folder).is_empty());
    leave(&recording, "first");
    prepare();
    assert_eq!(names(folder), ["2026-05-01-183000-the door.mkv"]);
    // Within a second.
    leave(&recording, "second");
    prepare();
    assert_eq!(names(folder), ["2026-05-01-183000-the door.mkv", "2026-05-01-183000-the door.mkv.~1~"]);
    assert_eq!(fs::read(folder.join("2026-05-01-183000-the door.mkv")).unwrap(), b"second");
}

#[test]
fn so_are_snapshots_but_no_folder_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, snapshots) = (folder.path(), folder.path().join("shots"));
    let prepare = || prepare(folder, &[("SEGMENT_SNAPSHOTS", "./shots")]);
    fs::create_dir(&snapshots).unwrap();
    prepare();
    assert!(names(folder).is_empty());
    fs::create_dir(&snapshots).unwrap();
    leave(&snapshots.join("000001.jpg"), "frame");
    prepare();
    let [kept] = &names(folder)[..] else { panic!("{:?}", names(folder)) };
    assert!(kept.ends_with("-shots") && folder.join(kept).join("000001.jpg").exists(), "{kept}");
}

#[test]
fn a_folder_that_cannot_be_moved_stays_and_its_pictures_go_into_another() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let prepare = || prepare(folder, &[("SEGMENT_SNAPSHOTS", ".")]);
    prepare();
    assert!(names(folder).is_empty());
    for name in ["000001.jpg", "1000000.jpg", "door.mkv"] {
        leave(&folder.join(name), "left");
    }
    prepare();
    let [kept, other] = &names(folder)[..] else { panic!("{:?}", names(folder)) };
    assert_eq!(other, "door.mkv");
    assert_eq!(names(&folder.join(kept)), ["000001.jpg", "1000000.jpg"]);
    prepare();
    assert_eq!(names(folder).len(), 2);
}

#[test]
fn a_name_may_begin_as_options_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("-shots")).unwrap();
    leave(&folder.join("-door.mkv"), "first");
    prepare(folder, &[("SEGMENT_RECORD", "-door.mkv"), ("SEGMENT_SNAPSHOTS", "-shots")]);
    assert_eq!(names(folder), ["2026-05-01-183000--door.mkv"]);
}

#[test]
fn what_may_be_replaced_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    leave(&folder.path().join("door.mkv"), "first");
    for yes in ["true", "1", "on"] {
        prepare(folder.path(), &[("SEGMENT_RECORD", "door.mkv"), ("SEGMENT_OVERWRITE", yes)]);
        assert_eq!(names(folder.path()), ["door.mkv"]);
    }
}
