//! The real program, end to end.

mod basics;
mod kill;
mod node_client;
mod page;

/// The program under test.
const KYMO: &str = env!("CARGO_BIN_EXE_kymo");
