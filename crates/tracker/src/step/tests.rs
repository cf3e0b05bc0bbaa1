//! Tests of the rules: the case tables, then properties over made-up histories.

mod chaos;
mod edges;
mod notation;
mod pages;
mod processes;
mod properties;
mod table;
