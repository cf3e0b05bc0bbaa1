//! What stands between a request and who it claims to come from: limits, and the checking of passwords.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::StatusCode;
use kymo_model::{DropReason, Timestamp};
use kymo_store::{Action, Actor, Store, Token};
use tokio::sync::watch;

use super::Address;
use super::address::Network;
use super::allowances::{Allowance, Allowances};
use super::passwords::Passwords;
use crate::problem::{Problem, whole_seconds};

/// Failed sign-ins that are written to the audit log, over all names and addresses: enough to see what is
/// going on, and few enough that ten thousand rows reach back a day and more.
const AUDITED_FAILURES: Allowance = Allowance { burst: 100, every: Duration::from_secs(10) };
/// Longest name that is looked at: no member has a longer one.
const NAME_CHARS_MAX: usize = 100;

/// How much of what is allowed. Each default says what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLimits {
    /// Failed sign-ins of one name. At one a minute a list of the ten thousand most used passwords, none of
    /// them as long as we ask for, takes a week. Who is shut out by a stranger's tries signs in by a
    /// one-time link.
    pub sign_ins_per_name: Allowance,
    /// Failed sign-ins from one address: an office behind one, on the morning after a change.
    pub sign_ins_per_address: Allowance,
    /// Requests with a token that does not hold, from one address. Such secrets have 160 random bits (own)
    /// or at least ten characters (adopted), so this is against noise rather than against guessing; a token
    /// that holds is let in all the same.
    pub bad_tokens_per_address: Allowance,
    /// Requests with one `browser` token from one address. A page sends up to one a second while it has much
    /// to say and one in ten seconds else: room for an office of some hundreds behind one address, and
    /// a hundredth of what a server takes.
    pub browser_requests: Allowance,
    /// Proxies whose `X-Forwarded-For` is believed. Without, all that comes through one counts as one
    /// address.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for AccessLimits {
    fn default() -> Self {
        Self {
            sign_ins_per_name: Allowance { burst: 5, every: Duration::from_mins(1) },
            sign_ins_per_address: Allowance { burst: 20, every: Duration::from_secs(10) },
            bad_tokens_per_address: Allowance { burst: 60, every: Duration::from_secs(1) },
            browser_requests: Allowance { burst: 1000, every: Duration::from_millis(20) },
            trusted_proxies: Vec::new(),
        }
    }
}

/// One for all requests.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) passwords: Passwords,
    sign_ins_per_name: Allowances<String>,
    sign_ins_per_address: Allowances<Network>,
    bad_tokens: Allowances<Network>,
    browser_requests: Allowances<(i64, Network)>,
    audited_failures: Allowances<()>,
    changes: watch::Sender<()>,
}

impl Gate {
    pub(crate) fn new(limits: AccessLimits) -> Self {
        Self {
            trusted_proxies: limits.trusted_proxies,
            passwords: Passwords::default(),
            sign_ins_per_name: Allowances::new(limits.sign_ins_per_name),
            sign_ins_per_address: Allowances::new(limits.sign_ins_per_address),
            bad_tokens: Allowances::new(limits.bad_tokens_per_address),
            browser_requests: Allowances::new(limits.browser_requests),
            audited_failures: Allowances::new(AUDITED_FAILURES),
            changes: watch::Sender::new(()),
        }
    }

    /// Tells whoever answers for long that callers may have lost what they had.
    pub(crate) fn changed(&self) {
        self.changes.send_replace(());
    }

    /// Is told when callers may have lost what they had.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// A sign-in is about to be checked. It counts as failed until it is known to be good.
    pub(crate) fn try_sign_in(
        &self,
        name: Option<&str>,
        address: Address,
        now: Timestamp,
    ) -> Result<SignInAttempt<'_>, Duration> {
        let name = name.map(counted_name);
        self.sign_ins_per_address.take(address.network(), now)?;
        if let Some(name) = &name
            && let Err(wait) = self.sign_ins_per_name.take(name.clone(), now)
        {
            self.sign_ins_per_address.give_back(&address.network());
            return Err(wait);
        }
        Ok(SignInAttempt { gate: self, name, network: address.network() })
    }

    /// Whether a failed sign-in is written to the audit log.
    pub(crate) fn may_audit_failure(&self, now: Timestamp) -> bool {
        self.audited_failures.take((), now).is_ok()
    }

    /// A request came with a token that does not hold.
    ///
    /// # Errors
    /// How long whoever it is should wait.
    pub(crate) fn bad_token(&self, address: Address, now: Timestamp) -> Result<(), Duration> {
        self.bad_tokens.take(address.network(), now)
    }

    /// A request came with a `browser` token.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn browser_request(
        &self,
        token: &Token,
        address: Address,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.browser_requests.take((token.pk, address.network()), now)
    }
}

/// A sign-in that is being checked.
#[must_use]
pub(crate) struct SignInAttempt<'gate> {
    gate: &'gate Gate,
    name: Option<String>,
    network: Network,
}

impl SignInAttempt<'_> {
    /// It was a good one, or was not looked at.
    pub(crate) fn does_not_count(self) {
        self.gate.sign_ins_per_address.give_back(&self.network);
        if let Some(name) = &self.name {
            self.gate.sign_ins_per_name.give_back(name);
        }
    }
}

/// Names that sign in as one count as one.
fn counted_name(name: &str) -> String {
    name.trim().to_lowercase().chars().take(NAME_CHARS_MAX).collect()
}

/// Notes a failed sign-in, if there were not too many lately.
pub(crate) async fn audit_failure(gate: &Gate, store: &Store, name: &str, address: Address) {
    if !gate.may_audit_failure(store.now()) {
        return;
    }
    let by = Actor::member(&counted_name(name), Some(address.to_string()));
    if let Err(error) = store.record(&by, Action::SignInFailed, None, None).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a failed sign-in is not in the audit log");
    }
}

/// The answer to a caller who has to wait, which is counted.
pub(crate) fn too_many(store: &Store, what: &str, wait: Duration) -> Problem {
    store.count_refused(None, DropReason::RateLimited);
    let detail = format!("{what}: try again in {}", in_words(wait));
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(wait)
}

/// Rounded up to what is no shorter.
pub(crate) fn in_words(wait: Duration) -> String {
    let seconds = whole_seconds(wait);
    if seconds == 1 { "1 second".to_owned() } else { format!("{seconds} seconds") }
}
