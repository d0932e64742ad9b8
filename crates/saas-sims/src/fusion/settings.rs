//! How a simulated Fusion pod behaves.

use jiff::SignedDuration;

/// Settings of a [`super::FusionSim`]. The defaults are the strict reading of the reference.
#[derive(Clone, Debug)]
pub struct FusionSettings {
    /// Client id at the token endpoint; `None` takes any that is not empty (section 5).
    pub client_id: Option<String>,
    /// Client secret at the token endpoint; `None` takes any that is not empty (section 5).
    pub client_secret: Option<String>,
    /// The scope, one concatenated string; `None` takes any that is not empty (section 5).
    pub scope: Option<String>,
    /// How long an access token works; 3600 s (section 5).
    pub token_lifetime: SignedDuration,
    /// Whether the pod knows a user for the token; if not, every call is 401 (section 5, "token != access").
    pub user_known: bool,
    /// Whether the user may see data; if not, collections are 200 and empty (section 4.8).
    pub data_access: bool,
    /// The largest page; a larger `limit` is clamped to it and echoed. 500 or 499 (section 4.1, UNVERIFIED).
    pub page_cap: usize,
    /// The Fusion user of the token, as LastUpdatedBy shows it (section 1.2).
    pub user: String,
    /// Whether a time without zone is read as UTC; otherwise it is refused (section 4.3, UNVERIFIED).
    pub zoneless_literals: bool,
    /// Whether query parameters that the framework does not know are refused (section 9.2, UNVERIFIED).
    pub refuse_unknown_parameters: bool,
    /// Whether naming the error media type in `Accept` gives 406 with an empty body (section 4.8, seen on one pod).
    pub error_accept_is_406: bool,
    /// Whether structured errors need the error media type in `Accept`, besides framework 4 (section 4.8).
    pub structured_errors_need_accept: bool,
}

impl Default for FusionSettings {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: None,
            scope: None,
            token_lifetime: SignedDuration::from_secs(3600),
            user_known: true,
            data_access: true,
            page_cap: 500,
            user: "ml.connector".to_owned(),
            zoneless_literals: false,
            refuse_unknown_parameters: true,
            error_accept_is_406: false,
            structured_errors_need_accept: false,
        }
    }
}
