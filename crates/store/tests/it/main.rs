//! The store through its handle, as the server uses it.

mod damage;
mod expected;
mod failures;
mod properties;
mod race;
mod stand;
mod window;
