//! The SOAP services: customer accounts and their credit profiles (oracle-fusion.md 1.4), source systems.

pub(crate) mod accounts;
pub(crate) mod call;
pub(crate) mod fault;
pub(crate) mod profiles;
pub(crate) mod read;
pub(crate) mod source_systems;
pub(crate) mod tree;
pub(crate) mod write;

/// The envelope of SOAP 1.1.
pub(crate) const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
