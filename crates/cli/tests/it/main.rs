//! The real program, end to end.

mod basics;

/// The program under test.
const KYMO: &str = env!("CARGO_BIN_EXE_kymo");
