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
    /// Registered source systems (section 1.5); others are refused with HZ-120559.
    pub source_systems: Vec<String>,
    /// Reference data sets that account sites can be in (section 1.4, SetId).
    pub set_ids: Vec<i64>,
    /// Profile classes that are set up (section 1.4, step 3).
    pub profile_classes: Vec<String>,
    /// User and password taken as HTTP Basic besides Bearer tokens; the real pod takes them (section 5).
    pub basic: Option<(String, String)>,
    /// Whether a source reference is refused that another row of the table has (section 1.5, UNVERIFIED).
    pub refuse_duplicate_references: bool,
    /// Whether one row may carry several active references of a system (section 1.5, MULTIPLE_FLAG).
    pub several_references: bool,
    /// Whether an account's second site for one address and set, and a site's second use of one kind, are refused
    /// (not in the reference, UNVERIFIED).
    pub refuse_duplicate_sites: bool,
    /// Whether a profile is refused for an account that has one in force (section 1.4, UNVERIFIED).
    pub refuse_second_profile: bool,
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
            source_systems: vec!["PIPEDRIVE".to_owned()],
            set_ids: vec![300_000_001_127_004],
            profile_classes: vec!["DEFAULT".to_owned()],
            basic: None,
            refuse_duplicate_references: true,
            several_references: false,
            refuse_duplicate_sites: true,
            refuse_second_profile: true,
        }
    }
}
