//! Passwords: what makes one fit, and hashing that does not keep others waiting.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

/// The fewest characters of a password.
const SHORTEST: usize = 12;

/// The most bytes of one.
const LONGEST: usize = 1024;

/// Hashes under way at a time: each takes 19 MiB and some milliseconds of a processor.
const AT_A_TIME: usize = 2;

/// Of nobody's password: compared with where the name is unknown, so that names cannot be told by how long an answer takes.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU$K8b0sHn1Y8X3j0m0G0m3nN2Yx2m3rP5cH5n0o3Yk1mA";

/// Why a password is not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It has fewer than twelve characters.
    Short,
    /// It has more than 1,024 bytes.
    Long,
    /// It is, or has in it, the name.
    Name,
    /// It is one character again and again.
    Monotonous,
}

impl Unfit {
    /// What is wrong and what to do.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::Short => "The password has fewer than 12 characters. Take three or four words.",
            Self::Long => "The password has more than 1,024 bytes. Take a shorter one.",
            Self::Name => "The password has the name in it. Take another one.",
            Self::Monotonous => "The password is one character again and again. Take three or four words.",
        }
    }
}

/// Whether a password will do. Length counts, not the kinds of characters (NIST SP 800-63B, 3.1.1.2).
pub(crate) fn fitness(name: &str, password: &str) -> Result<(), Unfit> {
    let first = password.chars().next();
    if password.chars().count() < SHORTEST {
        Err(Unfit::Short)
    } else if password.len() > LONGEST {
        Err(Unfit::Long)
    } else if name.chars().count() > 2 && password.to_lowercase().contains(&name.trim().to_lowercase()) {
        Err(Unfit::Name)
    } else if password.chars().all(|one| Some(one) == first) {
        Err(Unfit::Monotonous)
    } else {
        Ok(())
    }
}

/// Hashes and compares, a few at a time.
pub(crate) struct Passwords(Semaphore);

impl Default for Passwords {
    fn default() -> Self {
        Self(Semaphore::new(AT_A_TIME))
    }
}

impl Passwords {
    /// The argon2id hash, as a PHC string; none where the machine has no memory for it.
    pub(crate) async fn hash(&self, password: SecretString) -> Option<String> {
        let _turn = self.0.acquire().await.ok()?;
        let hashing = tokio::task::spawn_blocking(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hash.map(|hash| hash.to_string()).ok()
        });
        hashing.await.ok().flatten()
    }

    /// Whether it is the password behind the hash. Without a hash it takes as long and is not.
    pub(crate) async fn is(&self, password: SecretString, hash: Option<String>) -> bool {
        let Ok(_turn) = self.0.acquire().await else { return false };
        let known = hash.is_some();
        let comparing = tokio::task::spawn_blocking(move || {
            let hash = hash.as_deref().unwrap_or(NOBODY);
            PasswordHash::new(hash).is_ok_and(|hash| {
                Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok()
            })
        });
        comparing.await.unwrap_or(false) && known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ones_are_fit_whatever_they_are_made_of() {
        for (name, password, expected) in [
            ("ada", "correct horse battery", Ok(())),
            ("ada", "twelve chars", Ok(())),
            ("ada", "eleven char", Err(Unfit::Short)),
            ("ada", "ääääääääääää", Err(Unfit::Monotonous)),
            ("lovelace", "my name is Lovelace", Err(Unfit::Name)),
            ("x", "the name is one letter: x", Ok(())),
        ] {
            assert_eq!(fitness(name, password), expected, "{name} {password}");
        }
        assert_eq!(fitness("ada", &"ab".repeat(513)), Err(Unfit::Long));
        for unfit in [Unfit::Short, Unfit::Long, Unfit::Name, Unfit::Monotonous] {
            assert!(unfit.says().contains("Take"));
        }
    }

    #[tokio::test]
    async fn only_the_password_is_the_password() {
        let passwords = Passwords::default();
        let secret = |text: &str| SecretString::from(text.to_owned());
        let hash = passwords.hash(secret("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(passwords.hash(secret("correct horse battery")).await.unwrap(), hash, "salted");
        assert!(passwords.is(secret("correct horse battery"), Some(hash.clone())).await);
        assert!(!passwords.is(secret("Correct horse battery"), Some(hash)).await);
        assert!(!passwords.is(secret("correct horse battery"), None).await);
        assert!(!passwords.is(secret("correct horse battery"), Some("garbage".to_owned())).await);
        assert!(PasswordHash::new(NOBODY).is_ok(), "what stands in for nobody's takes as long as a real one");
    }
}
