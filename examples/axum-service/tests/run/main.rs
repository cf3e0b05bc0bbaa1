//! Runs the example and reads what it recorded.

#[cfg(test)]
#[path = "../../../cli-tool/tests/run/recorded.rs"]
mod recorded;
#[cfg(test)]
mod runs;
