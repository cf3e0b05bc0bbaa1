//! The session file from outside: what is written comes back, whatever happens to the bytes.

#![cfg(test)]

mod damage;
mod events;
mod golden;
mod growing;
mod limits;
mod live;
mod newer;
mod package;
mod parts;
mod reading;
mod round_trip;
mod sample;
mod sizes;
