//! The real program, end to end.

#[cfg(all(test, feature = "server"))]
mod access;
#[cfg(all(test, feature = "server"))]
mod api_description;
#[cfg(all(test, feature = "server"))]
mod api_types;
#[cfg(test)]
mod at_exit;
#[cfg(all(test, feature = "server"))]
mod bad_input;
#[cfg(all(test, feature = "server"))]
mod basics;
#[cfg(all(test, feature = "server"))]
mod clients;
#[cfg(all(test, feature = "server"))]
mod contract;
#[cfg(all(test, feature = "server"))]
mod filter;
#[cfg(all(test, feature = "server"))]
mod kill;
#[cfg(test)]
mod open;
#[cfg(all(test, feature = "server"))]
mod operations;
#[cfg(test)]
mod pack;
#[cfg(all(test, feature = "server"))]
mod page;
#[cfg(all(test, feature = "server"))]
mod segments;
#[cfg(all(test, feature = "server"))]
mod settings;
#[cfg(all(test, feature = "server"))]
mod uploads;
#[cfg(all(test, feature = "server"))]
mod views;

/// The program under test.
const KYMO: &str = env!("CARGO_BIN_EXE_kymo");
