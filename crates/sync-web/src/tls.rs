//! The certificate and its key, as files that somebody renews while we run.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or may not be read.
    #[error("{} cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file holds no certificate.
    #[error("{} holds no certificate", .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file holds no private key.
    #[error("{} holds no private key", .path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// Each is fine, and they do not belong together.
    #[error("the key {} does not belong to the certificate {}", .key.display(), .cert.display())]
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// They are of a kind that is not understood.
    #[error("the certificate {} with the key {} cannot be used", .cert.display(), .key.display())]
    Unusable {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What the library says; it repeats nothing of the key.
        source: rustls::Error,
    },
}

impl TlsError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "name an existing file and let this user read it; a relative path starts at the folder of the config file"
            }
            Self::NoCertificate { .. } => {
                "write the certificate and those between it and the authority as PEM, as fullchain.pem has them"
            }
            Self::NoKey { .. } => "write the private key as PEM, as privkey.pem has it, without a passphrase",
            Self::Mismatch { .. } => "name the key that the certificate was issued for",
            Self::Unusable { .. } => "use an X.509 certificate with an RSA, ECDSA or Ed25519 key",
        }
    }
}

/// What a look at the files found.
#[derive(Debug)]
pub enum Look {
    /// They are as they were.
    Same,
    /// They were renewed, and the new ones are in use.
    Renewed,
    /// They changed and cannot be used; the old ones are kept.
    Broken(TlsError),
    /// They are broken as they were at the last look.
    StillBroken,
}

/// A certificate with its key. Connections get the one that is in use when they come.
#[derive(Debug)]
pub struct Certificates {
    cert: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    seen: Mutex<Seen>,
}

/// What the last look saw: a digest of both files, and whether they were of use. None if one could not be read.
#[derive(Debug)]
struct Seen {
    files: Option<[u8; 32]>,
    usable: bool,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificates {
    /// Reads both files: PEM, the certificate first in its file, those between it and the authority after it.
    ///
    /// # Errors
    /// When they cannot be read or used, or do not belong together.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let (cert, key) = (cert.to_owned(), key.to_owned());
        let files = Files::read(&cert, &key)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(files.parse(&cert, &key)?))));
        let seen = Mutex::new(Seen { files: Some(files.digest()), usable: true });
        Ok(Self { cert, key, current, seen })
    }

    /// Looks at the files again. The content is compared and not the time of the last change, which copies and links of
    /// renewal tools do not always move.
    pub fn look(&self) -> Look {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let read = Files::read(&self.cert, &self.key);
        let files = read.as_ref().ok().map(Files::digest);
        if files == seen.files {
            return if seen.usable { Look::Same } else { Look::StillBroken };
        }
        let parsed = read.and_then(|files| files.parse(&self.cert, &self.key));
        *seen = Seen { files, usable: parsed.is_ok() };
        match parsed {
            Ok(renewed) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
                Look::Renewed
            }
            Err(error) => Look::Broken(error),
        }
    }

    /// Takes connections with whatever certificate is in use then.
    pub(crate) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

struct Files {
    cert: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
}

impl Files {
    fn read(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
        };
        Ok(Self { cert: read(cert)?, key: read(key)?.into() })
    }

    fn digest(&self) -> [u8; 32] {
        let lengths = (self.cert.len() as u64).to_be_bytes();
        Sha256::new()
            .chain_update(lengths)
            .chain_update(&self.cert)
            .chain_update(&*self.key)
            .finalize()
            .into()
    }

    fn parse(&self, cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
        let none = || TlsError::NoCertificate { path: cert.to_owned() };
        let chain: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(&self.cert).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(none)?;
        let private =
            PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::NoKey { path: key.to_owned() })?;
        let (cert, key) = (cert.to_owned(), key.to_owned());
        CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider()).map_err(
            |source| match source {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { cert, key },
                source => TlsError::Unusable { cert, key, source },
            },
        )
    }
}
