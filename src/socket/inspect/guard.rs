//! The program that keeps the firewall's rules on this machine, if it is one of the usual two.

/// What keeps the rules, as far as anybody may know: reading the rules themselves takes privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Ubuntu's.
    Ufw,
    /// Fedora's and SUSE's.
    Firewalld,
}

impl Guard {
    /// The one that is at work here.
    #[must_use]
    pub fn find() -> Option<Self> {
        if std::fs::read_to_string("/etc/ufw/ufw.conf").is_ok_and(|text| is_enabled(&text)) {
            return Some(Self::Ufw);
        }
        let mut processes = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
        processes
            .any(|process| std::fs::read(process.path().join("comm")).is_ok_and(|name| name == b"firewalld\n"))
            .then_some(Self::Firewalld)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ufw => "ufw",
            Self::Firewalld => "firewalld",
        }
    }

    /// The command that lets UDP to `port` in.
    #[must_use]
    pub fn open(self, port: u16) -> String {
        match self {
            Self::Ufw => format!("sudo ufw allow {port}/udp"),
            Self::Firewalld => format!("sudo firewall-cmd --add-port={port}/udp"),
        }
    }
}

/// Whether ufw's settings say that it is on. They are lines of `NAME=value`, as a shell reads them.
fn is_enabled(text: &str) -> bool {
    let mut values = text.lines().filter_map(|line| line.trim().strip_prefix("ENABLED="));
    values.next_back().is_some_and(|value| value.trim_matches('"').eq_ignore_ascii_case("yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_a_shell_would() {
        assert!(is_enabled("# /etc/ufw/ufw.conf\n\nENABLED=yes\nLOGLEVEL=low\n"));
        assert!(is_enabled("ENABLED=no\nENABLED=\"YES\"\n"));
        assert!(!is_enabled("#ENABLED=yes\nENABLED=no\n") && !is_enabled(""));
    }

    #[test]
    fn a_port_is_opened_by_one_command() {
        assert_eq!(Guard::Ufw.open(12345), "sudo ufw allow 12345/udp");
        assert_eq!(Guard::Firewalld.open(10000), "sudo firewall-cmd --add-port=10000/udp");
    }
}
