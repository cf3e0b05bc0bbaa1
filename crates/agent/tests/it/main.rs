//! The recorder in processes of its own: killed, with many threads, with a spool that is in use.
//!
//! A test starts this program again with a name in [`PART`]; that process plays the part and is what the test is about.

#[cfg(test)]
mod full;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod part;
#[cfg(test)]
mod process;
#[cfg(test)]
mod threads;
