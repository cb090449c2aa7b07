//! `--manual DIRECTORY`: a program's manual pages, for whoever packages it.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;

/// Writes the pages of `command` and of its subcommands into `directory`, which must exist: `sender.1`,
/// `sender-doctor.1`, … (man-pages(7)).
///
/// # Errors
/// Where a page cannot be written.
pub(crate) fn write(directory: &Path, command: Command) -> io::Result<()> {
    let mut shown = command.disable_help_subcommand(true);
    shown.build();
    write_pages(directory, &shown)
}

fn write_pages(directory: &Path, command: &Command) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(&name).render(&mut page)?;
    // As man-pages(7) calls what stands at the end.
    let page = String::from_utf8_lossy(&page).replace("\n.SH EXTRA\n", "\n.SH NOTES\n");
    fs::write(directory.join(format!("{name}.1")), page)?;
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .try_for_each(|command| write_pages(directory, command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subcommand_has_a_page_of_its_own() {
        let command = Command::new("sender")
            .about("Sends")
            .after_help("Examples")
            .arg(clap::Arg::new("remote").long("remote").help("Send there").env("SEGMENT_REMOTE"))
            .subcommand(Command::new("doctor").about("Looks at the network"));
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), command).unwrap();
        let page = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(page("sender.1").contains("Send there"));
        assert!(page("sender.1").contains("SEGMENT_REMOTE"), "no word of the variable");
        assert!(page("sender.1").contains("\n.SH NOTES\nExamples"));
        assert!(page("sender-doctor.1").contains("Looks at the network"));
    }
}
