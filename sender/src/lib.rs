//! Sends live video from a camera, a file or a program over UDP, whole frames.

pub mod source;
