//! Who may do what.

mod doors;
mod loupe_doors;
mod members;
mod table;
