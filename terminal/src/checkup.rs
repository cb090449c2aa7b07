//! What a program's `doctor` finds: a list of checks, each ok, a note, unknown or wrong, with what to do about it.
//!
//! ```text
//! ok       interface  eth0 (192.168.1.20) is up and carries multicast
//! wrong    route      no route leads to the group 224.3.29.71
//!                     Lead it through eth0:
//!                         sudo ip route add 224.0.0.0/4 dev eth0
//! ```

use crate::ExitStatus;
use crate::verbosity::shows_colours;
use std::fmt::{self, Display};
use std::io::{self, Write};

/// Sentences are wrapped here. Terminals are at least 80 wide, most 100; longer lines are hard to read.
const WIDTH: usize = 98;

/// Columns of the verdict, of the topic, and what both take with the spaces behind them.
const VERDICT: usize = 9;
const TOPIC: usize = 11;
const MARGIN: usize = VERDICT + TOPIC;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but there is something to know.
    Note,
    /// Whether it works does not show from here.
    Unknown,
    /// It will not work like this.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    verdict: Verdict,
    topic: String,
    finding: String,
    remedies: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Advice(String),
    /// Stands on a line of its own, whatever its length, to be copied.
    Command(String),
}

impl Check {
    /// A check of `topic`, a word, that found what `finding`, a sentence, says.
    pub fn new(verdict: Verdict, topic: impl Display, finding: impl Display) -> Self {
        Self { verdict, topic: topic.to_string(), finding: finding.to_string(), remedies: Vec::new() }
    }

    /// The same check with a sentence that says what can be done.
    #[must_use]
    pub fn advice(mut self, advice: impl Display) -> Self {
        self.remedies.push(Line::Advice(advice.to_string()));
        self
    }

    /// The same check with a command to paste, below the sentence that was given last.
    #[must_use]
    pub fn command(mut self, command: impl Display) -> Self {
        self.remedies.push(Line::Command(command.to_string()));
        self
    }

    /// The same check with a sentence that says what can be done, and the command that does it, if one does.
    #[must_use]
    pub fn remedy(self, advice: impl Display, command: Option<impl Display>) -> Self {
        let check = self.advice(advice);
        match command {
            Some(command) => check.command(command),
            None => check,
        }
    }

    /// What it came to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::Wrong => "wrong",
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::Note => "33",
            Self::Unknown => "36",
            Self::Wrong => "1;31",
        }
    }
}

/// Several lines, the last one ended too: verdict, topic and finding in columns, below them what can be done.
impl Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verdict, topic) = (self.verdict.word(), &self.topic);
        // `{:#}` is in colour, whose codes must not count as columns.
        if f.alternate() {
            write!(f, "\x1b[{}m{verdict:VERDICT$}\x1b[0m{topic:TOPIC$}", self.verdict.colour())?;
        } else {
            write!(f, "{verdict:VERDICT$}{topic:TOPIC$}")?;
        }
        for (at, line) in wrapped(&self.finding).iter().enumerate() {
            let margin = if at == 0 { 0 } else { MARGIN };
            writeln!(f, "{:margin$}{line}", "")?;
        }
        for remedy in &self.remedies {
            match remedy {
                Line::Advice(advice) => {
                    for line in wrapped(advice) {
                        writeln!(f, "{:MARGIN$}{line}", "")?;
                    }
                }
                Line::Command(command) => writeln!(f, "{:MARGIN$}    {command}", "")?,
            }
        }
        Ok(())
    }
}

/// The checks, printed as they are made: some take seconds, and whoever waits is to see why.
#[derive(Debug)]
pub struct Checkup<W> {
    output: W,
    is_coloured: bool,
    notes: usize,
    unknowns: usize,
    wrongs: usize,
}

impl Checkup<io::Stdout> {
    /// A checkup that prints to standard output.
    #[must_use]
    pub fn on_stdout() -> Self {
        let output = io::stdout();
        let is_coloured = shows_colours(&output);
        Self { is_coloured, ..Self::new(output) }
    }
}

impl<W: Write> Checkup<W> {
    /// A checkup that prints to `output`, without colours.
    pub fn new(output: W) -> Self {
        Self { output, is_coloured: false, notes: 0, unknowns: 0, wrongs: 0 }
    }

    /// Prints a check.
    ///
    /// # Errors
    /// It cannot be printed.
    pub fn add(&mut self, check: &Check) -> io::Result<()> {
        match check.verdict {
            Verdict::Ok => {}
            Verdict::Note => self.notes += 1,
            Verdict::Unknown => self.unknowns += 1,
            Verdict::Wrong => self.wrongs += 1,
        }
        let text = if self.is_coloured { format!("{check:#}") } else { check.to_string() };
        self.output.write_all(text.as_bytes())?;
        self.output.flush()
    }

    /// Whether something was wrong until now.
    #[must_use]
    pub fn is_anything_wrong(&self) -> bool {
        self.wrongs > 0
    }

    /// Says what all came to; gives the status to end with: [`ExitStatus::Failed`] if anything is wrong.
    ///
    /// # Errors
    /// It cannot be printed.
    pub fn finish(mut self) -> io::Result<ExitStatus> {
        let summary = match self.wrongs {
            0 => {
                let limits = if self.unknowns > 0 { ", as far as it shows from here" } else { "" };
                let notes = match self.notes {
                    0 => "",
                    1 => "; the note may be worth reading",
                    _ => "; the notes may be worth reading",
                };
                format!("Nothing is wrong{limits}{notes}.")
            }
            1 => "One thing is wrong. Mend it, then run this again.".to_owned(),
            wrongs => format!("{wrongs} things are wrong. Mend the first, then run this again."),
        };
        writeln!(self.output, "\n{summary}")?;
        self.output.flush()?;
        Ok(if self.is_anything_wrong() { ExitStatus::Failed } else { ExitStatus::Done })
    }
}

/// The lines of a sentence that stands beside the margin. A word that is longer than a line stays whole.
fn wrapped(sentence: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - MARGIN => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(checks: &[Check]) -> (ExitStatus, String) {
        let mut output = Vec::new();
        let mut checkup = Checkup::new(&mut output);
        checks.iter().for_each(|check| checkup.add(check).unwrap());
        let status = checkup.finish().unwrap();
        (status, String::from_utf8(output).unwrap())
    }

    #[test]
    fn checks_stand_in_columns_with_commands_on_their_own_lines() {
        let route = Check::new(Verdict::Wrong, "route", "no route leads to the group")
            .remedy("Lead it through eth0:", Some("sudo ip route add 224.0.0.0/4 dev eth0"));
        let (status, text) = said(&[Check::new(Verdict::Ok, "interface", "eth0 is up"), route]);
        let expected = "\
ok       interface  eth0 is up
wrong    route      no route leads to the group
                    Lead it through eth0:
                        sudo ip route add 224.0.0.0/4 dev eth0

One thing is wrong. Mend it, then run this again.
";
        assert_eq!((status, text.as_str()), (ExitStatus::Failed, expected));
    }

    #[test]
    fn notes_are_no_failure() {
        assert_eq!(said(&[]), (ExitStatus::Done, "\nNothing is wrong.\n".to_owned()));
        let (status, text) = said(&[Check::new(Verdict::Note, "MTU", "9000")]);
        assert_eq!(status, ExitStatus::Done);
        assert!(text.ends_with("Nothing is wrong; the note may be worth reading.\n"), "{text}");
    }

    #[test]
    fn what_does_not_show_is_neither_ok_nor_a_failure() {
        let unknown = Check::new(Verdict::Unknown, "receiver", "whether it listens does not show from here");
        let (status, text) = said(std::slice::from_ref(&unknown));
        assert_eq!(status, ExitStatus::Done);
        assert!(text.starts_with("unknown  receiver   whether it listens does not show from here\n"), "{text}");
        assert!(text.ends_with("\nNothing is wrong, as far as it shows from here.\n"), "{text}");
        let (_, text) = said(&[unknown, Check::new(Verdict::Note, "MTU", "9000")]);
        assert!(text.ends_with("as far as it shows from here; the note may be worth reading.\n"), "{text}");
    }

    #[test]
    fn sentences_are_wrapped_and_commands_are_not() {
        let long = "word ".repeat(40);
        let check = Check::new(Verdict::Note, "topic", &long).advice(&long).command(&long);
        let text = check.to_string();
        let (commands, rest): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.chars().count() > WIDTH);
        assert_eq!(commands.len(), 1);
        assert!(rest.len() >= 6 && rest[1..].iter().all(|line| line.starts_with(&" ".repeat(MARGIN))), "{text}");
    }

    #[test]
    fn colour_leaves_the_columns_alone() {
        let check = Check::new(Verdict::Ok, "group", "joined");
        assert_eq!(format!("{check:#}"), "\x1b[32mok       \x1b[0mgroup      joined\n");
    }
}
