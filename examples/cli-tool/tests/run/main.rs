//! Runs the example and reads what it recorded.

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod runs;
