use super::*;
use crate::stream::{Shared, StreamSettings};
use std::io::{Read, Write};
use std::net::TcpListener;
use tokio::runtime::Handle;

/// A server that takes every command for good, and answers a subscription by this.
fn server(message: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut connection = listener.accept().unwrap().0;
        let mut asked = [0; 4096];
        while let Ok(len @ 1..) = connection.read(&mut asked) {
            let asked = String::from_utf8_lossy(&asked[..len]);
            let commands = asked.split("\r\n").filter(|line| line.starts_with('*')).count();
            let _ = if asked.contains("SUBSCRIBE") {
                connection.write_all(&[b"*3\r\n$9\r\nsubscribe\r\n$3\r\ncam\r\n:1\r\n", message].concat())
            } else {
                connection.write_all("+OK\r\n".repeat(commands).as_bytes())
            };
        }
    });
    port
}

#[tokio::test]
async fn a_server_whose_message_never_ends_is_given_up_and_that_is_said() {
    for (message, said) in [
        (
            &b"*3\r\n$7\r\nmessage\r\n$3\r\ncam\r\n$4000000000\r\nAAAA"[..],
            "redis: the server sends a message of more than 128 MiB, or of very many parts",
        ),
        (b"HTTP/1.1 200 OK\r\n", "redis: what the server says is not understood; is it a Redis server?"),
    ] {
        let outlet = Outlet::new(Arc::new(Shared::new(&StreamSettings::new("a", "redis"), false)), Handle::current());
        let url = format!("redis://127.0.0.1:{}", server(message));
        assert_eq!(RedisInput::new(url, "cam").play(&outlet).await.unwrap_err().to_string(), said);
    }
}
