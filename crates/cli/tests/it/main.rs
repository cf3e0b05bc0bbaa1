//! The real program, end to end.

#[cfg(test)]
mod access;
#[cfg(test)]
mod api_description;
#[cfg(test)]
mod api_types;
#[cfg(test)]
mod at_exit;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod basics;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod open;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod page;
#[cfg(test)]
mod segments;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod uploads;
#[cfg(test)]
mod views;

/// The program under test.
const KYMO: &str = env!("CARGO_BIN_EXE_kymo");
