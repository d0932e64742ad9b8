//! How a simulated Fusion pod behaves.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::assertion::Trust;
use super::resource::Resource;

/// Settings of a [`super::FusionSim`]. The defaults are the strict reading of the reference.
#[derive(Clone, Debug)]
pub struct FusionSettings {
    /// Client id at the token endpoint; `None` takes any that is not empty (section 5).
    pub client_id: Option<String>,
    /// Client secret at the token endpoint; `None` takes any that is not empty (section 5).
    pub client_secret: Option<String>,
    /// The certificate by which client assertions are checked; `None` takes none (section 5).
    pub assertion: Option<Trust>,
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
    /// Whether `FoundationSourceSystemService` answers `findSourceSystem`; if not, it is an unknown method (UNVERIFIED).
    pub source_system_service: bool,
    /// Services and resources that the user has no privilege for, as parts of their paths: 403 (section 4.8).
    pub forbidden: Vec<String>,
    /// Whether `Upsert-Mode: true` finds an existing party by source reference too, not only by PartyNumber (section
    /// 1.5, UNVERIFIED).
    pub upsert_by_reference: bool,
    /// Whether POST answers with a Location header (section 4.7, UNVERIFIED).
    pub location_header: bool,
    /// Whether a PartyNumber may be chosen on create and changed (profile HZ_GENERATE_PARTY_NUMBER, section 1.2).
    pub party_numbers_from_outside: bool,
    /// Whether `findDuplicates` is configured; otherwise it is 400 (section 1.5).
    pub duplicate_check: bool,
    /// Whether a changed primary address moves the party's LastUpdateDate too (sections 8 and 11, UNVERIFIED).
    pub address_moves_party: bool,
    /// Whether a payment or credit moves the invoice's LastUpdateDate (sections 2 and 11, UNVERIFIED).
    pub payment_moves_invoice: bool,
    /// Whether a relationship has a row for each direction, so that both parties list it (UNVERIFIED).
    pub relationships_both_ways: bool,
    /// How many children an expanded collection shows; the rest is behind `hasMore` (UNVERIFIED).
    pub expanded_children: usize,
    /// Attributes that the last quarterly update took away, as `resource.attribute` (section 8).
    pub removed_attributes: Vec<String>,
    /// Whether `fields` and `totalResults` on purchase orders end in 500, as on some pods (section 3.1).
    pub purchase_orders_fail_on_fields: bool,
    /// Reference data sets that account sites can be in (section 1.4, SetId).
    pub set_ids: Vec<i64>,
    /// Profile classes that are set up (section 1.4, step 3).
    pub profile_classes: Vec<String>,
    /// User and password taken as HTTP Basic besides Bearer tokens; the real pod takes them (section 5).
    pub basic: Option<(String, String)>,
    /// Whether a source reference is refused that another row of the table has, over REST and SOAP (section 1.5,
    /// UNVERIFIED).
    pub refuse_duplicate_references: bool,
    /// Whether one row may carry several active references of a system (section 1.5, MULTIPLE_FLAG).
    pub several_references: bool,
    /// Whether an account's second site for one address and set, and a site's second use of one kind, are refused
    /// (not in the reference, UNVERIFIED).
    pub refuse_duplicate_sites: bool,
    /// Whether a profile is refused for an account that has one in force (section 1.4, UNVERIFIED).
    pub refuse_second_profile: bool,
}

impl FusionSettings {
    pub(crate) fn removed(&self, resource: &Resource, attribute: &str) -> bool {
        !self.removed_attributes.is_empty() && self.removed_from(resource).contains(attribute)
    }

    pub(crate) fn removed_from(&self, resource: &Resource) -> BTreeSet<String> {
        let ours = self.removed_attributes.iter().filter_map(|name| name.split_once('.'));
        ours.filter(|(name, _)| *name == resource.name).map(|(_, attribute)| attribute.to_owned()).collect()
    }
}

impl Default for FusionSettings {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: None,
            assertion: None,
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
            source_system_service: true,
            forbidden: Vec::new(),
            upsert_by_reference: false,
            location_header: false,
            party_numbers_from_outside: false,
            duplicate_check: false,
            address_moves_party: false,
            payment_moves_invoice: false,
            relationships_both_ways: true,
            expanded_children: 25,
            removed_attributes: Vec::new(),
            purchase_orders_fail_on_fields: true,
            set_ids: vec![300_000_001_127_004, 300_000_001_127_005, 300_000_001_127_006],
            profile_classes: vec!["DEFAULT".to_owned()],
            basic: None,
            refuse_duplicate_references: true,
            several_references: false,
            refuse_duplicate_sites: true,
            refuse_second_profile: true,
        }
    }
}
