//! The store through its handle, as the server uses it.

#![cfg(test)]

mod damage;
mod expected;
mod failures;
mod figures;
mod filters;
mod people;
mod properties;
mod race;
mod retention;
mod settings;
mod stand;
mod tabs;
mod uploads;
mod window;
