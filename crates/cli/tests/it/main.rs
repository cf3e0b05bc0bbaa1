//! The real program, end to end.

#![cfg(test)]

#[cfg(feature = "server")]
mod access;
#[cfg(feature = "server")]
mod api_description;
#[cfg(feature = "server")]
mod api_types;
mod at_exit;
#[cfg(feature = "server")]
mod bad_input;
#[cfg(feature = "server")]
mod basics;
#[cfg(feature = "server")]
mod clients;
#[cfg(feature = "server")]
mod contract;
#[cfg(feature = "server")]
mod filter;
#[cfg(feature = "server")]
mod kill;
#[cfg(feature = "server")]
mod live;
mod open;
#[cfg(feature = "server")]
mod operations;
mod pack;
#[cfg(feature = "server")]
mod page;
#[cfg(feature = "server")]
mod segments;
#[cfg(feature = "server")]
mod settings;
mod tail;
#[cfg(feature = "server")]
mod uploads;
#[cfg(feature = "server")]
mod views;

/// The program under test.
const KYMO: &str = env!("CARGO_BIN_EXE_kymo");
