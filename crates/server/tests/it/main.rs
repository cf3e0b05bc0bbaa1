//! The server over HTTP, in this process, on a folder and a clock of the test's own.

#![cfg(test)]

mod access;
mod api;
mod conformance;
mod filter;
mod pictures;
mod reading;
mod recordings;
mod stand;
