use super::*;
use clap::CommandFactory;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    let line = ["gateway"].iter().chain(arguments).map(Into::into);
    Cli::try_parse_from(old_spellings::replaced(line))
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn it_is_started_as_the_beamline_software_does() {
    let line =
        ["-uri", "test", "-hs", "localhost", "-p", "8123", "-q", "4", "-s", "600,400", "-of", "MPEG1", "-id", "abc123"];
    let cli = parse(&line).unwrap();
    assert_eq!((cli.uri, cli.host.as_deref()), (Some("test".parse().unwrap()), Some("localhost")));
    assert_eq!((cli.port, cli.quality, cli.size.0), (Some(8123), 4, Some((600, 400))));
    assert_eq!((cli.output_format, cli.id.as_deref()), (OutputFormat::Mpeg1, Some("abc123")));
}

#[test]
fn every_old_spelling_is_understood() {
    let line = [
        "-uri=http://c/",
        "-vf",
        "-d",
        "-r",
        "-rhs",
        "r",
        "-rp",
        "6380",
        "-rk",
        "k",
        "-irc",
        "in",
        "-auth",
        "Digest",
        "-user",
        "u",
        "-pass",
        "p",
        "-ao",
        "http://a",
        "-of",
        "MJPEG1",
        "-q10",
        "-s",
        "0, 0",
    ];
    let cli = parse(&line).unwrap();
    assert!(cli.vflip && cli.debug && cli.redis);
    assert_eq!((cli.redis_host.as_str(), cli.redis_port, cli.redis_channel.as_str()), ("r", 6380, "k"));
    assert_eq!((cli.in_redis_channel.as_str(), cli.auth), ("in", Some(Scheme::Digest)));
    assert_eq!((cli.user.as_deref(), cli.password.as_deref()), (Some("u"), Some("p")));
    assert_eq!((cli.allowed_origins, cli.output_format), (vec!["http://a".to_owned()], OutputFormat::Mjpeg));
    assert_eq!((cli.quality, cli.size), (10, SizeOption(None)));
    assert_eq!(parse(&["--in_redis_channel", "x"]).unwrap().in_redis_channel, "x");
    assert_eq!(parse(&["-q", "-v"]).unwrap().verbosity.quiet, 1, "without a number it is quiet");
    assert_eq!(parse(&["-vv"]).unwrap().verbosity.verbose, 2);
}

#[test]
fn the_old_defaults_hold() {
    let cli = parse(&[]).unwrap();
    assert_eq!((cli.quality, cli.output_format, cli.size.0), (4, OutputFormat::Mpeg1, None));
    assert_eq!((cli.redis_channel.as_str(), cli.in_redis_channel.as_str()), ("video-streamer", "CameraStream"));
}

#[test]
fn what_would_be_mixed_or_come_again_is_not_published() {
    let refused = |line: &[&str]| parse(line).unwrap().site().unwrap_err().to_string();
    assert!(refused(&["--source", "a=test", "--source", "b=videotest", "-r"]).contains("mixed"));
    let again = ["-uri", "redis://LOCALHOST", "-irc", "cam", "-r", "-rk", "cam"];
    assert!(refused(&again).contains("--redis-channel"));
    let other_server = [&again[..], &["-rhs", "192.0.2.1"]].concat();
    assert!(refused(&[&again[..], &["-rhs", "127.0.0.1"]].concat()).contains("--redis-channel"));
    for fine in [&again[..5], &other_server, &["--source", "a=test", "-r"]] {
        assert!(parse(fine).unwrap().site().is_ok(), "{fine:?}");
    }
}

#[test]
fn sources_have_ids_or_get_them() {
    let cli = parse(&["--source", "cam=udp://0.0.0.0:1", "--source", "http://h/?a=b"]).unwrap();
    assert_eq!(cli.sources[0].id.as_deref(), Some("cam"));
    assert_eq!((&cli.sources[1].id, cli.sources[1].input.to_string()), (&None, "http://h/?…".to_owned()));
}

#[test]
fn origins_may_have_spaces_between_them() {
    let cli = parse(&["-ao", "http://a.example, http://b.example"]).unwrap();
    assert_eq!(cli.allowed_origins, ["http://a.example", "http://b.example"]);
    assert_eq!(parse(&["-ao"]).unwrap().allowed_origins, Vec::<String>::new());
    assert_eq!(parse(&["--max-viewers", "1000000"]).unwrap().max_viewers, 1_000_000);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for line in [
        &["-of", "VP8"][..],
        &["-q", "0"],
        &["-q", "32"],
        &["-s", "600"],
        &["-s", "99999,1"],
        &["-id", "a/b"],
        &["-id", "."],
        &["-id", ".."],
        &["--source", "..=test"],
        &["--max-viewers", "0"],
        &["--max-viewers", "1000001"],
        &["--max-viewers", "18446744073709551615"],
        &["-ao", "lab.example"],
        &["-ao", ""],
        &["-uri", "ftp://x"],
        &["--source", "a=ftp://x"],
        &["-c", "f", "-uri", "test"],
        // Beside a file, which says so of each source, they would not be heeded.
        &["-c", "f", "-ao", "http://lab.example"],
        &["-c", "f", "-q4"],
        &["-c", "f", "-vf"],
        &["-c", "f", "-r"],
        &["-auth", "Basic"],
        &["--tls-cert", "a"],
    ] {
        assert!(parse(line).is_err(), "{line:?}");
    }
}

#[test]
fn every_option_has_a_heading_and_a_variable_in_the_environment() {
    let command = Cli::command();
    for option in command.get_arguments().filter(|option| !matches!(option.get_id().as_str(), "help" | "version")) {
        if !["completions", "manual"].contains(&option.get_id().as_str()) {
            assert!(option.get_help_heading().is_some(), "{option}");
            assert!(option.get_env().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("SEGMENT_")));
        }
    }
}
