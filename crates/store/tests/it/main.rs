//! The store through its handle, as the server uses it.

#![cfg(test)]

mod damage;
mod expected;
mod failures;
mod properties;
mod race;
mod settings;
mod stand;
mod tabs;
mod window;
