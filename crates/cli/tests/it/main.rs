//! The real program, end to end.

#[cfg(test)]
mod basics;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod node_client;
#[cfg(test)]
mod page;
#[cfg(test)]
mod segments;

/// The program under test.
const KYMO: &str = env!("CARGO_BIN_EXE_kymo");
