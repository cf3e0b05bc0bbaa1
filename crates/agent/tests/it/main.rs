//! The recorder in processes of its own: killed, with many threads, with a spool that is in use.
//!
//! A test starts this program again with a name in [`PART`]; that process plays the part and is what the test is about.

mod kill;
mod part;
mod process;
mod threads;
