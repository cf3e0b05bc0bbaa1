//! The viewer in a real terminal, where something goes wrong inside.

#[cfg(test)]
mod panic;
