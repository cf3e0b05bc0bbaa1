//! The agent in processes of its own: killed, with many threads, with a spool that is in use, by every way in.
//!
//! A test starts this program again with a name in [`PART`]; that process plays the part and is what the test is about.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod config;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod full;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod logging;
#[cfg(test)]
mod measured;
#[cfg(test)]
mod part;
#[cfg(test)]
mod process;
#[cfg(test)]
mod sending;
#[cfg(test)]
mod threads;
#[cfg(test)]
mod tracing;
