//! The ways in besides the macros: what other crates record, what is measured, and what is said from outside.
//!
//! ```text
//!   tracing  log  metrics  user sessions  process and host   ->  callsites made at run time  ->  recorder
//!   kymo.toml  environment                                   ->  Builder
//!   filter                                                   ->  what callsites of all inputs are admitted
//! ```

pub(crate) mod config;
pub(crate) mod counts;
mod due;
pub(crate) mod filter;
mod forks;
#[cfg(feature = "log")]
mod log;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(any(feature = "log", feature = "tracing"))]
mod places;
mod samples;
mod system;
#[cfg(any(feature = "log", feature = "tracing"))]
mod table;
#[cfg(feature = "tracing")]
mod tracing;
mod users;

pub use counts::InputCounts;
pub(crate) use due::{Due, Rhythm};
pub use filter::{FilterError, filter, set_filter};
pub(crate) use forks::{after_fork, before_fork};
#[cfg(feature = "log")]
pub use log::{KymoLogger, install_log, log_logger};
#[cfg(feature = "metrics")]
pub use metrics::{KymoMetrics, install_metrics, metrics_recorder};
pub use samples::{Number, Sample};
#[cfg(feature = "tracing")]
pub use tracing::{KymoLayer, tracing_layer};
pub use users::{UserSession, user_session};
