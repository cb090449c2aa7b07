use super::*;

const TWO: &str = r#"{
  "sources": {
    "0.0.0.0:8000": {
      "input_uri": "test", "quality": 4, "format": "MPEG1", "hash": "", "size": [0, 0]
    },
    "localhost:8001": {
      "input_uri": "http://camera/mjpeg", "quality": "10", "format": "MJPEG", "hash": "abc", "size": [600, 400],
      "v_flip": true, "redis": "localhost:6379", "redis_channel": "c", "in_redis_channel": "d",
      "auth_config": {"type": "Digest", "username": "u", "password": "p"}, "allowed_origins": ["http://a", " *"]
    }
  }
}"#;

#[test]
fn every_key_of_the_old_file_is_understood() {
    let (sites, warnings) = read(TWO).unwrap();
    assert_eq!(sites.iter().map(|site| site.bind.as_str()).collect::<Vec<_>>(), ["0.0.0.0:8000", "0.0.0.0:8001"]);
    let source = &sites[1].sources[0];
    assert_eq!((source.id.as_str(), source.quality, source.format), ("abc", 10, OutputFormat::Mjpeg));
    assert_eq!((source.size, source.flip), (Some((600, 400)), true));
    assert_eq!(source.redis, Some(RedisOutput { server: "localhost:6379".into(), channel: "c".into() }));
    let credentials = source.input_options.credentials.clone().unwrap();
    assert_eq!((credentials.user.as_str(), credentials.scheme), ("u", Scheme::Digest));
    assert_eq!(source.input_options.in_redis_channel, "d");
    assert_eq!(sites[1].allowed_origins, ["http://a", "*"]);
    assert_eq!(sites[0].sources[0].size, None);
    assert_eq!(warnings.len(), 1, "a name is no address: {warnings:?}");
}

#[test]
fn how_datagrams_are_received_is_said_of_each_source() {
    let file = |rest: &str| format!("{{\"sources\": {{\"0.0.0.0:1\": {{\"input_uri\": {rest}}}}}}}");
    let said = "\"udp://0.0.0.0:5\", \"key_file\": \"k\", \"latency\": 50, \"interface\": null";
    let (sites, warnings) = read(&file(said)).unwrap();
    assert_eq!(sites[0].sources[0].input_options.reception, "key-file=k&latency=50".parse().unwrap());
    assert_eq!(warnings, []);
    for (wrong, place, said) in [
        ("\"test\", \"key_file\": \"k\"", "line 1, column 49", "udp://"),
        ("\"tcp://robot\", \"latency\": 50", "line 1, column 56", "udp://"),
        ("\"udp://0.0.0.0:5\", \"interface\": \"lo\"", "line 1, column 60", "a group"),
        ("\"udp://0.0.0.0:5\", \"latency\": 10001", "line 1, column 71", "10000"),
    ] {
        let error = read(&file(wrong)).unwrap_err().to_string();
        assert!(error.starts_with(place) && error.contains(said), "{wrong}: {error}");
    }
}

#[test]
fn vp8_is_refused_by_name_and_the_others_are_served() {
    let file = "{\"sources\": {\"0.0.0.0:1\": {\"input_uri\": \"test\", \"format\": \"VP8\"},\n\"0.0.0.0:2\": {\"input_uri\": \"test\"}}}";
    let (sites, warnings) = read(file).unwrap();
    assert_eq!(sites.iter().map(|site| site.bind.as_str()).collect::<Vec<_>>(), ["0.0.0.0:2"]);
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.to_string().starts_with("line 1, column 14: VP8 is not served here"), "{warning}");
    assert!(warning.to_string().contains("0.0.0.0:1"), "{warning}");
}

#[test]
fn what_is_not_known_is_warned_of_with_its_place() {
    let (_, warnings) = read("{\"sources\": {\"0.0.0.0:1\": {\n  \"input_uri\": \"test\", \"colour\": 1}}}").unwrap();
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!(warning.to_string(), "line 2, column 24: \"colour\" is not known, and left out");
}

#[test]
fn what_is_wrong_is_an_error_with_its_place() {
    for (file, place, said) in [
        ("{\n  \"sources\": }", "line 2", ""),
        ("", "line 1", "empty"),
        ("{}", "line 1, column 1", "sources"),
        ("{\"sources\": {}}", "line 1, column 13", "no source"),
        ("{\"sources\": {\"a\": {}}}", "line 1, column 14", "port"),
        ("{\"sources\": {\"a:1\": {}}}", "line 1, column 21", "input_uri"),
        ("{\"sources\": {\"a:1\": {\"input_uri\": \"ftp://x\"}}}", "line 1, column 35", "ftp"),
        ("{\"sources\": {\"a:1\": {\"input_uri\": \"test\", \"quality\": 99}}}", "line 1, column 54", "31"),
        ("{\"sources\": {\"a:1\": {\"input_uri\": \"test\", \"format\": \"VP8\"}}}", "line 1, column 14", "VP8"),
        ("{\"sources\": {\"a:1\": {\"input_uri\": \"test\",\n\"hash\": \"..\"}}}", "line 2, column 9", "folder"),
        ("{\"sources\": {\"a:1\": {\"allowed_origins\":\n[\"*\", \"a\"]}}}", "line 2, column 7", "origin"),
        ("{\"sources\": {\"a:1\": {\"input_uri\": \"test\",\n\"size\": [1]}}}", "line 2, column 9", "size"),
        (
            "{\"sources\": {\"a:1\": {\"redis\": \"h:6379\", \"redis_channel\": \"c\", \"in_redis_channel\": \"c\",\n\"input_uri\": \"redis://H\"}}}",
            "line 2, column 14",
            "come again",
        ),
        ("{\"sources\": {\"a:1\": {\"input_uri\": \"test\"},\n\"b:1\": {\"input_uri\": \"test\"}}}", "line 2", "port"),
    ] {
        let error = read(file).unwrap_err().to_string();
        assert!(error.starts_with(place) && error.contains(said), "{file}: {error}");
    }
}
