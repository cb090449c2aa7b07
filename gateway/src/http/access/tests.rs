use super::*;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower_service::Service;

use super::queue::MAX_WAITING;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Checks that are counted, and that wait until they may end. Right is what is written as its own hash.
#[derive(Default)]
struct Gate {
    begun: AtomicUsize,
    may_end: std::sync::Condvar,
    is_open: Mutex<bool>,
}

impl Gate {
    fn pass(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let is_open = self.is_open.lock().unwrap();
        drop(self.may_end.wait_timeout_while(is_open, PATIENCE, |is_open| !*is_open).unwrap());
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.may_end.notify_all();
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

/// An access of these entries, each a user or none for a token, with the secret in place of its hash.
fn access(entries: &[(Option<&str>, &str)]) -> (Arc<Access>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let entry = |&(user, hash): &(Option<&str>, &str)| Entry { user: user.map(str::to_owned), hash: hash.to_owned() };
    let counted = Arc::clone(&gate);
    let verify = move |secret: &str, hash: &str| {
        counted.pass();
        secret == hash
    };
    let entries = entries.iter().map(entry).collect();
    (Arc::new(Access::new(entries, verify)), gate)
}

fn address(number: u8) -> IpAddr {
    [192, 0, 2, number].into()
}

fn token(text: &str) -> Secret {
    Secret::of(None, text)
}

/// A token in place of its hash.
fn entry(token: &str) -> Entry {
    Entry { user: None, hash: token.to_owned() }
}

async fn lets_in(access: &Arc<Access>, secret: &Secret, peer: IpAddr) -> Result<bool, Busy> {
    access.lets_in(secret, peer).await.map(|grant| grant.is_some())
}

/// Asks without waiting for the answer.
fn ask(access: &Arc<Access>, secret: Secret, peer: IpAddr) -> tokio::task::JoinHandle<Result<bool, Busy>> {
    let access = Arc::clone(access);
    tokio::spawn(async move { lets_in(&access, &secret, peer).await })
}

async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it becomes so");
}

#[tokio::test]
async fn those_are_let_in_whom_the_file_names() {
    let file = [Access::line(Some("ann"), "pass word").unwrap(), Access::line(None, "t0k").unwrap()].join("\n# x\n\n");
    assert!(!file.contains("pass word"));
    let access = Arc::new(Access::read(&file).unwrap());
    for _ in 0..2 {
        for (secret, is_right) in [
            (Secret::of(Some("ann"), "pass word"), true),
            (token("t0k"), true),
            (Secret::of(Some("ann"), "t0k"), false),
            (Secret::of(Some("bob"), "pass word"), false),
            (token(&"x".repeat(MAX_SECRET_BYTES + 1)), false),
        ] {
            assert_eq!(lets_in(&access, &secret, address(1)).await, Ok(is_right), "{secret:?}");
        }
    }
}

#[test]
fn a_hash_that_nobody_s_secret_can_have_is_refused() {
    let whole = Argon2::default().hash_password(b"secret").unwrap().to_string();
    assert!(entries(&format!("ann {whole}")).is_ok());
    let parts: Vec<&str> = whole.split('$').collect();
    let other = whole.replacen("argon2id", "scrypt", 1);
    let weak = whole.replacen(parts[3], "m=1,t=2,p=1", 1);
    for (hash, said) in [
        (parts[..4].join("$"), "cut off"),
        (parts[..5].join("$"), "cut off"),
        (other, "`gateway credential`"),
        (weak, ""),
    ] {
        let AccessError { line, reason } = entries(&format!("ann {whole}\nbob {hash}")).map(|_| ()).unwrap_err();
        assert!(line == 2 && reason.contains(said), "{hash}: {reason}");
    }
}

#[test]
fn a_file_that_names_nobody_or_in_no_known_way_is_refused() {
    for (file, line) in [("", 1), ("# nobody", 1), ("ann", 1), ("\nann secret", 2)] {
        assert_eq!(Access::read(file).unwrap_err().line, line, "{file}");
    }
}

#[tokio::test]
async fn the_same_secret_is_checked_once_however_often_it_is_given() {
    let (access, gate) = access(&[(None, "a"), (None, "b")]);
    let asked: Vec<_> = (0..100).map(|number| ask(&access, token("old"), address(number))).collect();
    until(|| gate.begun() == 1).await;
    gate.open();
    for asked in asked {
        assert_eq!(asked.await.unwrap(), Ok(false));
    }
    for _ in 0..100 {
        assert_eq!(lets_in(&access, &token("old"), address(1)).await, Ok(false));
    }
    assert_eq!(gate.begun(), 2, "once for each line");
    for _ in 0..100 {
        assert_eq!(lets_in(&access, &token("a"), address(1)).await, Ok(true));
    }
    assert_eq!(gate.begun(), 3);
}

#[tokio::test]
async fn a_user_whom_the_file_does_not_name_is_checked_as_one_whom_it_names() {
    let (access, gate) = access(&[(None, "t"), (Some("ann"), "a")]);
    gate.open();
    // The right password of somebody else, and a wrong one.
    for (secret, checks) in [("bob", "a"), ("bob", "b"), ("ann", "b")].into_iter().zip(1..) {
        for _ in 0..2 {
            assert_eq!(lets_in(&access, &Secret::of(Some(secret.0), secret.1), address(1)).await, Ok(false));
        }
        assert_eq!(gate.begun(), checks, "{secret:?}");
    }
}

#[test]
fn what_can_be_a_user_s_name_is_read_as_it_was_given() {
    for name in ["ann", "Zoë", "ann@lab.example"] {
        assert_eq!(entries(&Access::line(Some(name), "a").unwrap()).unwrap()[0].user.as_deref(), Some(name));
    }
    for name in ["", "token", "a b", "a:b", "a#b", "Ann\u{a0}B", "a\u{2003}b", "a\u{85}b", "a\rb", "a\0b"] {
        assert!(Access::line(Some(name), "a").is_err(), "{name:?}");
    }
}

#[tokio::test]
async fn a_known_one_is_let_in_and_others_are_told_to_come_again_while_as_many_wait_as_may() {
    let (access, gate) = access(&[(None, "known"), (None, "rightful")]);
    access.checks().found(&token("known"), Some(&entry("known")), Instant::now());
    let under_way = ask(&access, token("wrong"), address(1));
    until(|| gate.begun() == 1).await;
    let guesses: Vec<_> = (0..MAX_WAITING).map(|n| ask(&access, token(&n.to_string()), address(1))).collect();
    let waiting = || access.checks().queue.waiting();
    until(|| waiting() == MAX_WAITING).await;
    assert_eq!(lets_in(&access, &token("one more"), address(1)).await, Err(Busy));
    assert_eq!(lets_in(&access, &token("known"), address(1)).await, Ok(true));
    let rightful = ask(&access, token("rightful"), address(2));
    let mut answers = Vec::new();
    until(|| guesses.iter().any(tokio::task::JoinHandle::is_finished)).await;
    gate.open();
    for guess in guesses {
        answers.push(guess.await.unwrap());
    }
    assert_eq!((under_way.await.unwrap(), rightful.await.unwrap()), (Ok(false), Ok(true)));
    let (last, others) = answers.split_last().unwrap();
    assert_eq!(*last, Err(Busy), "it made way for another address");
    assert!(others.iter().all(|answer| *answer == Ok(false)), "{answers:?}");
}

#[tokio::test]
async fn what_was_found_wrong_before_keeps_no_right_one_out() {
    let (access, gate) = access(&[(None, "a"), (None, "b")]);
    gate.open();
    let long_ago = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
    access.checks().found(&token("a"), None, long_ago);
    assert_eq!(lets_in(&access, &token("a"), address(1)).await, Ok(true));
    // What is known as right is, whatever else is remembered of it.
    access.checks().found(&token("a"), None, Instant::now());
    assert_eq!(lets_in(&access, &token("a"), address(1)).await, Ok(true));
}

#[tokio::test]
async fn a_check_that_fails_lets_nobody_in_and_holds_up_nobody() {
    let verify = |secret: &str, hash: &str| {
        assert_ne!(secret, "bad", "a fault");
        secret == hash
    };
    let access = Arc::new(Access::new(vec![entry("a")], verify));
    assert_eq!(lets_in(&access, &token("bad"), address(1)).await, Err(Busy));
    assert_eq!(lets_in(&access, &token("a"), address(1)).await, Ok(true));
}

#[tokio::test]
async fn who_finds_too_many_waiting_is_told_when_to_come_again() {
    let (access, gate) = access(&[(None, "a")]);
    let mut router =
        Router::new().route("/", get(|| async { "let in" })).layer(from_fn_with_state(Arc::clone(&access), check));
    let mut answer = |token: &str| {
        let mut request = Request::get(format!("/?token={token}")).header(header::UPGRADE, "websocket");
        request.extensions_mut().unwrap().insert(Peer(SocketAddr::new(address(1), 1)));
        router.call(request.body(Body::empty()).unwrap())
    };
    let mut waiting = Vec::new();
    for number in 0..=MAX_WAITING {
        waiting.push(tokio::spawn(answer(&number.to_string())));
        until(|| gate.begun() == 1 && access.checks().queue.waiting() == number).await;
    }
    let refused = answer("a").await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "2");
    let text = axum::body::to_bytes(refused.into_body(), 1000).await.unwrap();
    assert!(text.ends_with(b"try again in a few seconds\n"), "{text:?}");
    gate.open();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(answer("a").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn whoever_the_file_names_no_longer_is_shown_nothing_more_and_whoever_it_names_now_is_let_in() {
    let (access, gate) = access(&[(None, "stays"), (None, "goes")]);
    gate.open();
    let mut stays = access.lets_in(&token("stays"), address(1)).await.unwrap().unwrap();
    let mut goes = access.lets_in(&token("goes"), address(1)).await.unwrap().unwrap();
    assert_eq!(lets_in(&access, &token("comes"), address(1)).await, Ok(false));
    let begun = gate.begun();

    access.go_by(vec![entry("comes"), entry("stays")]);
    tokio::time::timeout(PATIENCE, goes.withdrawn()).await.expect("it is withdrawn");
    assert_eq!(lets_in(&access, &token("goes"), address(1)).await, Ok(false));
    assert_eq!(lets_in(&access, &token("comes"), address(1)).await, Ok(true));
    assert_eq!(gate.begun(), begun + 3, "it was wrong before, and the other right");
    assert_eq!(lets_in(&access, &token("stays"), address(1)).await, Ok(true));
    assert_eq!(gate.begun(), begun + 3, "it is still known");
    assert!(tokio::time::timeout(Duration::from_millis(50), stays.withdrawn()).await.is_err());

    assert!(access.replace("ann").is_err());
    assert_eq!(lets_in(&access, &token("stays"), address(1)).await, Ok(true), "all is as it was");
}

#[tokio::test]
async fn a_file_that_changes_during_a_check_decides() {
    for (before, after) in [("a", "b"), ("b", "a")] {
        let (access, gate) = access(&[(None, before)]);
        let asked = ask(&access, token("a"), address(1));
        until(|| gate.begun() == 1).await;
        access.go_by(vec![entry(after)]);
        gate.open();
        assert_eq!(asked.await.unwrap(), Ok(after == "a"));
        assert_eq!(lets_in(&access, &token("a"), address(1)).await, Ok(after == "a"));
    }
}
