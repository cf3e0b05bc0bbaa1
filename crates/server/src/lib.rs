//! HTTP ingest, API, access and the embedded web page.
//!
//! Two doors: machines come with a token on the foreign paths (`ingest`), people with a cookie on
//! `/api/v1` and the page (`api`, `assets`); neither is looked at on the other's side. Not for:
//! session rules (`kymo-tracker`) or byte layouts (`kymo-compat`, `kymo-store`).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use kymo_server::{Options, Server};
//! use kymo_store::{Folder, Store, SystemClock};
//!
//! let store = Store::open(Folder::open("kymo-data".as_ref())?, Arc::new(SystemClock)).await?;
//! let server = Server::bind(store, Options::default()).await?;
//! println!("listening on {}", server.url());
//! server.run(async { tokio::signal::ctrl_c().await.ok(); }).await?;
//! # Ok(()) }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `access` | who may do what: callers, tokens, the page's cookie, passwords, limits, the audit log |
//! | `admin`, `control` | commands of the `kymo` program, and the socket they come through |
//! | `api` | `/api/v1` |
//! | `assets` | the embedded page |
//! | `connections` | accepting, time limits, hanging up without an answer |
//! | `guard` | what holds for every request: host check, security headers |
//! | `ingest` | the foreign paths |
//! | `live` | what runs now: the relay's ports, and what the API and the page see of it |
//! | `login` | signing in by a one-time link or a password |
//! | `metrics` | `/metrics` |
//! | `routes` | routes that can be listed |
//! | `settings` | what people set for a project, as JSON |
//! | `uploads` | files of sessions of programs, in and out |
//! | `problem` | errors as `application/problem+json` |

mod access;
mod admin;
mod api;
mod assets;
mod connections;
mod control;
mod guard;
mod ingest;
mod live;
mod login;
mod metrics;
mod problem;
mod routes;
mod server;
mod settings;
mod state;
mod uploads;

pub use access::{AccessLimits, Allowance};
pub use admin::{Command, Reply, new_login_url, perform};
pub use connections::{TlsError, TlsFiles};
pub use control::ask;
pub use live::{LiveOptions, ReachedAt};
pub use routes::Route;
pub use server::{Options, Server, routes};
pub use uploads::files::{FilePart, SessionParts, sessions_of};
pub use uploads::import::{ImportState, Imported, ImportedSession, longer, shorter};
