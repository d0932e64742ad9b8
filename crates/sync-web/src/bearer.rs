//! The token of the configuration file, which has every role: `Authorization: Bearer TOKEN`.
//!
//! Only its digest is kept, and digests are compared in constant time: neither its length nor where a guess goes wrong
//! shows in how long an answer takes.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The fewest characters of a token.
pub const FEWEST: usize = 16;

/// What callers have to show, as a digest.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// The token; none if it has fewer than [`FEWEST`] characters.
    #[must_use]
    pub fn new(token: &str) -> Option<Self> {
        (token.chars().count() >= FEWEST).then(|| Self(Sha256::digest(token).into()))
    }

    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        let shown: [u8; 32] = Sha256::digest(shown).into();
        self.0.ct_eq(&shown).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(redacted)")
    }
}
