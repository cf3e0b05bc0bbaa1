//! The one room with unsafe code (ADR 0014): what the recorder needs from the machine, behind safe functions.
//!
//! | module | holds |
//! |---|---|
//! | [`checksum`] | CRC32C of a record by the processor's own instruction |
//! | [`exit`] | being told that the process exits |
//! | `handles` | handles from the process that started this one |
//! | [`fork`] | being told of `fork(2)` |
//! | [`map`] | a file's pages as atomic words; on the heap where there is no mapping (`heap.rs`) |
//! | `signals` | what the process does when a signal comes |
//! | [`text`] | words as the bytes they are made of |
//! | [`tsc`] | the processor's time stamp counter |
//!
//! Under Miri rings lie on the heap and stamps are the system's; what needs neither files nor processes is for it:
//! `cargo +nightly miri test -p kymo --lib -- ring::tests::r field record callsite`.

#![expect(unsafe_code, reason = "this is the room for it; everything outside is safe")]

pub(crate) mod checksum;
#[cfg(unix)]
pub(crate) mod exit;
#[cfg(unix)]
pub(crate) mod fork;
#[cfg(all(unix, feature = "send"))]
pub(crate) mod handles;
#[cfg_attr(any(not(unix), miri), path = "raw/heap.rs")]
pub(crate) mod map;
#[cfg(all(unix, feature = "signals"))]
pub(crate) mod signals;
pub(crate) mod text;
pub(crate) mod tsc;
