//! The rules of both wires and of the handshake in virtual time, one test each.

mod handshake;
mod plain;
mod sequenced;
