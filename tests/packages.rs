//! What the packages of the house ask for.

/// The name `segment` on crates.io is another project's: a requirement that its versions meet would be met by them.
#[test]
fn crates_of_the_house_ask_for_each_other_by_exact_version() {
    let manifest = include_str!("../Cargo.toml");
    let exact = concat!(r#"version = "="#, env!("CARGO_PKG_VERSION"), '"');
    let house: Vec<_> = manifest.lines().filter(|line| line.contains("{") && line.contains("path = \"")).collect();
    assert!(house.len() >= 7, "these are too few: {house:?}");
    for line in house.iter().filter(|line| line.contains("version")) {
        assert!(line.contains(exact), "{line}");
    }
    assert!(house.iter().any(|line| line.starts_with("segment = ") && line.contains(exact)));
}
