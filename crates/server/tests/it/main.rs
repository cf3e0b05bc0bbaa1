//! The server over HTTP, in this process, on a folder and a clock of the test's own.

#![cfg(test)]

mod conformance;
mod recordings;
mod stand;
