//! Session files through the real program: as lines, and drawn in a real pseudo-terminal.

mod examples;
mod files;
mod follow;
mod large;
mod lines;
pub(crate) mod pty;
mod screens;
