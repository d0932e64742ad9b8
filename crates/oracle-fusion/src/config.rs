//! What must be known about one Fusion instance; everything environment-specific (oracle-fusion.md 10, no. 13).

use std::{collections::BTreeSet, time::Duration};

use saas_http::ClientProof;

/// Settings of one Fusion instance. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct FusionConfig {
    /// Where the pod lives, e.g. `https://fa-abcd-saasfaprod1.fa.ocs.oraclecloud.com`; opaque (section 6).
    pub base_url: String,
    /// Token endpoint of its identity domain, e.g. `https://idcs-….identity.oraclecloud.com/oauth2/v1/token` (5).
    pub token_url: String,
    /// OAuth client.
    pub client_id: String,
    /// How it proves that it is itself: a secret or a signed assertion (5).
    pub client_proof: ClientProof,
    /// One string, audience and scope together, exactly as it was given to us (5).
    pub scope: String,
    /// Rows a page; servers may clamp it (4.1). 500 is the most that is known to work.
    pub page_size: u32,
    /// Version in the path: `11.13.18.05` or `latest` (6).
    pub api_version: String,
    /// The most time for one request: heavy pages take 3 to 7 seconds, so at least 60 s (4.1).
    pub timeout: Duration,
    /// Requests at a time: two to five (4.9).
    pub concurrency: usize,
    /// Attributes and children of parties that are read beside our own, for expressions.
    pub attributes: BTreeSet<String>,
    /// What is read of accounts beside what lists show.
    pub terms: Terms,
    /// What new accounts, sites and references say created them: a code of lookup HZ_CREATED_BY_MODULES (1.4).
    pub created_by_module: String,
}

/// What the services say about accounts, and lists do not (1.4): a request for each account and each of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// The class of accounts.
    pub class: bool,
    /// The payment terms of their profiles.
    pub payment_terms: bool,
}

impl FusionConfig {
    /// Rows a page unless configured otherwise.
    pub const PAGE_SIZE: u32 = 500;
    /// Version in the path unless configured otherwise.
    pub const API_VERSION: &str = "11.13.18.05";
    /// Time for one request unless configured otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(120);
    /// Requests at a time unless configured otherwise.
    pub const CONCURRENCY: usize = 3;
    /// Who creates unless configured otherwise: the module of web services.
    pub const CREATED_BY_MODULE: &str = "HZ_WS";
}
