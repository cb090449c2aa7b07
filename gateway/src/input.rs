//! Where the pictures come from.
//!
//! An [`Input`] runs on a thread of its own, which its [`Stream`](crate::stream::Stream) starts when somebody looks and
//! ends when nobody has looked for a while. It puts pictures into its [`Outlet`] until [`Outlet::is_wanted`] is false.
//! When it is lost it returns an error and is run again, after pauses that grow to a second; that is said once.
//!
//! To add one: a file in `input/` with a type that implements [`Input`], and a line in [`InputSpec::open`].

mod datagrams;
mod http;
mod outlet;
mod reception;
mod redis;
mod source;
mod spec;

pub use self::redis::RedisInput;
pub use datagrams::{DatagramInput, Origin};
pub use http::{Credentials, HttpInput, Scheme, SchemeError};
pub use outlet::Outlet;
pub use reception::Reception;
pub(crate) use reception::latency;
pub use source::SourceInput;
pub use spec::{InputOptions, InputSpec, InputSpecError};

/// Something that brings pictures.
pub trait Input: Send {
    /// Brings pictures until nobody wants any, or until there are no more. Called again after each loss, and after each
    /// time that nobody wanted any.
    ///
    /// Looks at [`Outlet::is_wanted`] at least every 100 ms (async code races with [`Outlet::unwanted`]). Where it goes on
    /// though nothing comes, it calls [`Outlet::check_silence`].
    ///
    /// # Errors
    /// [`InputError`] where it is lost, or not there yet. It is then run again.
    fn run(&mut self, outlet: &Outlet) -> Result<End, InputError>;

    /// Whether it runs also while nobody looks: so that senders are answered, and writers do not wait.
    fn is_always_on(&self) -> bool {
        false
    }
}

/// Why an input came to its end without a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nobody wants any more, for the time being.
    Unwanted,
    /// There will never be any more: standard input was closed.
    Finished,
}

/// Why an input brings no more pictures for now.
pub type InputError = Box<dyn std::error::Error + Send + Sync>;
