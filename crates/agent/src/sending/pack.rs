//! Sessions in files of their own: packages, for a folder, a drive, or as attachments of mail.
//!
//! | module | holds |
//! |---|---|
//! | [`package`] | what goes into which file, and writing it |
//! | [`mail`] | packages by mail: one pass, and what came of it |
//! | `letter` | what a mail says |
//! | `smtp` | the connection to the mail server; its errors in words |

#[cfg(feature = "mail")]
mod letter;
#[cfg(feature = "mail")]
pub mod mail;
pub mod package;
#[cfg(feature = "mail")]
mod smtp;
