//! `gateway credential` at a terminal: it says what it reads, and shows nothing of it.

use std::process::Command;

/// Runs a program at a terminal of its own and types `argv[1]` when it has asked for something: gives what the terminal
/// showed, whether it shows again what is typed, and how the program ended.
const TERMINAL: &str = r"
import fcntl, os, subprocess, sys, termios
terminal, kept = os.openpty()
take = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
places = {'stdin': kept, 'stdout': kept, 'stderr': kept}
child = subprocess.Popen(sys.argv[2:], **places, start_new_session=True, preexec_fn=take)
shown = b''
while not shown.endswith(b': '):
    shown += os.read(terminal, 4096)
os.write(terminal, sys.argv[1].encode())
status = child.wait()
is_shown = bool(termios.tcgetattr(kept)[3] & termios.ECHO)
os.set_blocking(terminal, False)
try:
    while True:
        shown += os.read(terminal, 4096)
except BlockingIOError:
    pass
print(shown.decode().replace('\r\n', '\n'))
print('shows again:', is_shown, 'status:', status)
";

fn typed(keys: &str) -> String {
    let mut python = Command::new("python3");
    python.args(["-c", TERMINAL, keys, env!("CARGO_BIN_EXE_gateway"), "credential", "--user", "ann"]);
    let output = python.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let said = typed("s3cret\n");
    assert!(said.starts_with("the password of ann, which is not shown while you type it: \nann $argon2id$"), "{said}");
    assert!(said.contains("shows again: True status: 0") && !said.contains("s3cret"), "{said}");
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was() {
    let said = typed("s3cr\u{3}");
    assert!(said.contains("shows again: True status: 0") && !said.contains("argon2"), "{said}");
}
