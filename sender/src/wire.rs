//! Which of the two wires a stream goes out on.

/// Which of the two wires a stream goes out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
#[non_exhaustive]
pub enum Wire {
    /// The plain wire; to a remote, the sequenced one as soon as a receiver there has acknowledged that it reads it,
    /// and until it has not been heard for 5 s. To all the sequenced one where a share of parity is asked for.
    #[default]
    Auto,
    /// The plain wire, which every receiver reads.
    Plain,
    /// The sequenced wire from the first datagram, also to a group. Receivers that do not know it show nothing.
    Sequenced,
}
