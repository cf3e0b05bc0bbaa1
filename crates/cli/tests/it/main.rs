//! The real program, end to end.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod basics;
#[cfg(test)]
mod browser_client;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod loupe_client;
#[cfg(test)]
mod loupe_doors;
#[cfg(test)]
mod node_client;
#[cfg(test)]
mod page;
#[cfg(test)]
mod segments;
#[cfg(test)]
mod settings;

/// The program under test.
const KYMO: &str = env!("CARGO_BIN_EXE_kymo");
