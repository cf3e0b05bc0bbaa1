//! The agent.
mod clock;
mod raw;
mod ring;
