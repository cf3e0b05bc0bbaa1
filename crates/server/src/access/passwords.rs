//! Passwords: hashed with argon2id, checked a few at a time.

use std::ops::RangeInclusive;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Memory of one check. The least that OWASP's "Password Storage Cheat Sheet" gives for argon2id with two
/// passes, and all that a server can spare that promises to stay below 200 MB: see [`CHECKS_MAX`].
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it; with the memory above some 30 ms of one core.
const PASSES: u32 = 2;
/// Threads of one check.
const LANES: u32 = 1;
/// Checks at once: 19 MB beside what requests take, and the other cores are left for what agents send.
const CHECKS_MAX: usize = 1;
/// Checks that wait for it: two seconds' worth. More are told to come again.
const WAITING_MAX: usize = 64;
/// Twelve characters of any kind. The length is the only rule: what else is asked for makes passwords
/// that are forgotten, not ones that are not guessed (NIST SP 800-63B, 3.1.1).
pub(crate) const CHARS: RangeInclusive<usize> = 12..=256;
const SALT_BYTES: usize = 16;

/// Of a password that nobody has, with the parameters above: what is checked for a name that nobody has, or
/// that has no password, so that the answer takes the same time.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBvZiBub2JvZHkgIQ$USvAATBIxPD4ym4eG1DTamSY6LtXXVmdDbTMN5tfPtU";

/// Checks passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    checks: Semaphore,
    waiting: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { checks: Semaphore::new(CHECKS_MAX), waiting: Semaphore::new(WAITING_MAX) }
    }
}

impl Passwords {
    /// Whether that is the password of that hash. No hash takes as long, and is not.
    pub(crate) async fn is_good(&self, password: &str, hash: Option<String>) -> Result<bool, Problem> {
        let password = password.to_owned();
        self.in_turn(move || {
            let has_hash = hash.is_some();
            let hash = hash.as_deref().unwrap_or(NOBODYS);
            has_hash & hasher().verify_password(password.as_bytes(), hash).is_ok()
        })
        .await
    }

    /// What is kept of a password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Problem> {
        let mut salt = [0_u8; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the system gave no random numbers")
        })?;
        let password = password.to_owned();
        let hash = self.in_turn(move || hash(&password, &salt)).await?;
        hash.ok_or_else(|| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the password could not be hashed")
        })
    }

    /// Works on a thread for that, when it is its turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many passwords are being checked, try again")
                .retry_after(std::time::Duration::from_secs(2))
        };
        let _waiting = self.waiting.try_acquire().map_err(|_| busy())?;
        let _turn = self.checks.acquire().await.map_err(|_| busy())?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the check of a password failed"))
    }
}

/// Whether a password may be set.
pub(crate) fn check_new(password: &str) -> Result<(), Problem> {
    if CHARS.contains(&password.chars().count()) {
        return Ok(());
    }
    let (least, most) = (CHARS.start(), CHARS.end());
    Err(Problem::input(format!("password: expected {least} to {most} characters of any kind")))
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("within the algorithm's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str, salt: &[u8]) -> Option<String> {
    hasher().hash_password_with_salt(password.as_bytes(), salt).ok().map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_its_own_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse battery").await.unwrap();
        let again = passwords.hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && hash != again, "{hash} {again}");
        assert!(passwords.is_good("correct horse battery", Some(hash.clone())).await.unwrap());
        assert!(!passwords.is_good("Correct horse battery", Some(hash)).await.unwrap());
        assert!(!passwords.is_good("correct horse battery", None).await.unwrap());
        assert!(!passwords.is_good("x", Some("damaged".into())).await.unwrap());
    }

    #[tokio::test]
    async fn nobodys_hash_costs_what_a_members_does_and_opens_nothing() {
        let made = hash("nobody has this one", b"salt of nobody !").unwrap();
        assert_eq!(NOBODYS, made, "made anew when the parameters change");
        assert!(!Passwords::default().is_good("nobody has this one", None).await.unwrap());
    }

    #[test]
    fn the_length_is_the_only_rule() {
        for (password, expected) in [
            ("eleven char", false),
            ("twelve chars", true),
            ("ääääääääääää", true),
            ("            ", true),
            (&"x".repeat(256), true),
            (&"x".repeat(257), false),
        ] {
            assert_eq!(check_new(password).is_ok(), expected, "{password}");
        }
    }
}
