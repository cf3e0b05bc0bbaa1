//! The store through its handle, as the server uses it.

#![cfg(test)]

mod damage;
mod expected;
mod failures;
mod properties;
mod race;
mod stand;
mod window;
