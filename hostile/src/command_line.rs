//! The command lines of the three programs: any is refused with a reason and the status for that, or understood.

use clap::Parser;
use std::ffi::OsString;

/// Takes the bytes for a command line, an argument in each line; the first says which program is called.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let arguments: Vec<OsString> = text.split('\n').map(OsString::from).collect();
    let refused = match arguments[0].to_str() {
        Some("sender") => sender::cli::Cli::try_parse_from(arguments).err(),
        Some("receiver") => receiver::cli::Cli::read(arguments).err(),
        Some("gateway") => {
            let replaced = gateway::cli::old_spellings::replaced(arguments.clone());
            assert_eq!(replaced.len(), arguments.len());
            // What has been replaced once is understood as it is.
            assert_eq!(gateway::cli::old_spellings::replaced(replaced.clone()), replaced);
            gateway::cli::Cli::try_parse_from(replaced).err()
        }
        _ => return,
    };
    if let Some(error) = refused {
        assert!(matches!(error.exit_code(), 0 | 2) && !error.to_string().is_empty());
    }
}
