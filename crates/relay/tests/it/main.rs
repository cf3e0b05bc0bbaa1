//! The relay from outside: agents and viewers on connections in memory that speak the protocol byte by byte.

#![cfg(test)]

mod agent;
mod data;
mod doors;
mod follow;
mod rounds;
mod viewer;
