//! `Content-Digest` and `Repr-Digest` (RFC 9530): what bytes have to come to.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

use crate::problem::Problem;

/// What a digest says, of the algorithms that are known; others say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    sha256: Option<Vec<u8>>,
    sha512: Option<Vec<u8>>,
}

impl Expected {
    /// Of a header, which is a dictionary: `sha-256=:BASE64:, sha-512=:BASE64:`.
    pub(super) fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Self, Problem> {
        let mut expected = Self::default();
        for value in headers.get_all(name) {
            let members = value.to_str().unwrap_or("?").split(',');
            for member in members.map(str::trim).filter(|member| !member.is_empty()) {
                let bad = || Problem::input(format!("{name}: expected sha-256=:BASE64:, found {member:?}"));
                let (algorithm, value) = member.split_once('=').ok_or_else(bad)?;
                let text = value.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(bad)?;
                let digest = || STANDARD.decode(text).map_err(|_| bad());
                match algorithm {
                    "sha-256" => expected.sha256 = Some(digest()?),
                    "sha-512" => expected.sha512 = Some(digest()?),
                    _ => {}
                }
            }
        }
        Ok(expected)
    }

    /// It says something that can be checked.
    pub(super) fn is_given(&self) -> bool {
        *self != Self::default()
    }

    /// Whether the bytes, in pieces, are what it says.
    pub(super) fn holds<E>(&self, mut next: impl FnMut() -> Result<Option<Vec<u8>>, E>) -> Result<bool, E> {
        let (mut sha256, mut sha512) = (Sha256::new(), Sha512::new());
        while let Some(piece) = next()? {
            if self.sha256.is_some() {
                sha256.update(&piece);
            }
            if self.sha512.is_some() {
                sha512.update(&piece);
            }
        }
        let is =
            |expected: &Option<Vec<u8>>, found: &[u8]| expected.as_deref().is_none_or(|all| all == found);
        Ok(is(&self.sha256, &sha256.finalize()) && is(&self.sha512, &sha512.finalize()))
    }

    /// The same of bytes that are all there.
    pub(super) fn holds_of(&self, bytes: &[u8]) -> bool {
        let sha256 = self.sha256.as_deref().is_none_or(|all| all == &Sha256::digest(bytes)[..]);
        sha256 && self.sha512.as_deref().is_none_or(|all| all == &Sha512::digest(bytes)[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: HeaderName = HeaderName::from_static("content-digest");
    /// Of `hello`.
    const SHA256: &str = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";

    fn expected(value: &str) -> Result<Expected, Problem> {
        Expected::of(&HeaderMap::from_iter([(NAME, value.parse().unwrap())]), &NAME)
    }

    #[test]
    fn known_digests_are_checked_and_others_say_nothing() {
        let digest = expected(SHA256).unwrap();
        assert!(digest.is_given() && digest.holds_of(b"hello") && !digest.holds_of(b"hellO"));
        let mut pieces = [b"lo".to_vec(), b"hel".to_vec()].to_vec();
        assert_eq!(digest.holds(|| Ok::<_, ()>(pieces.pop())), Ok(true));
        assert!(!expected("md5=:AAAA:").unwrap().is_given());
        let both = expected(&format!("unixsum=:AAAA:, {SHA256}")).unwrap();
        assert!(both.holds_of(b"hello"));
        assert!(!Expected::of(&HeaderMap::new(), &NAME).unwrap().is_given());
        for bad in ["sha-256", "sha-256=LPJN", "sha-256=:!:", "hello"] {
            assert!(expected(bad).is_err(), "{bad}");
        }
    }
}
