//! How a simulated Pipedrive company behaves.

use jiff::SignedDuration;

use super::oauth::OAuthSettings;
use super::v1::V1Settings;
use super::webhooks::WebhookSettings;

/// A plan and what it allows (sections 2, 3.1, 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// 30,000 tokens a day and seat, 20 requests in 2 s, 30 custom fields.
    Lite,
    /// Twice the tokens of Lite, 40 requests in 2 s, 100 custom fields.
    #[default]
    Growth,
    /// Five times the tokens of Lite, 100 requests in 2 s, 300 custom fields.
    Premium,
    /// Seven times the tokens of Lite, 120 requests in 2 s, 500 custom fields.
    Ultimate,
}

impl Plan {
    /// Tokens a day for one seat.
    pub fn daily_tokens(self) -> u64 {
        30_000
            * match self {
                Self::Lite => 1,
                Self::Growth => 2,
                Self::Premium => 5,
                Self::Ultimate => 7,
            }
    }

    /// Requests in a rolling window of 2 s: with an API token, or four times as many with OAuth.
    pub fn burst(self, oauth: bool) -> usize {
        let with_token = match self {
            Self::Lite => 20,
            Self::Growth => 40,
            Self::Premium => 100,
            Self::Ultimate => 120,
        };
        if oauth { 4 * with_token } else { with_token }
    }

    /// Custom fields of one company.
    pub fn custom_fields(self) -> usize {
        match self {
            Self::Lite => 30,
            Self::Growth => 100,
            Self::Premium => 300,
            Self::Ultimate => 500,
        }
    }
}

/// Settings of a [`super::PipedriveSim`]. The defaults are the strict reading of the reference.
#[derive(Clone, Debug)]
pub struct PipedriveSettings {
    /// The API token; `None` takes any that is not empty (section 4.1).
    pub api_token: Option<String>,
    /// OAuth client id; `None` takes any that is not empty (section 4.2).
    pub client_id: Option<String>,
    /// OAuth client secret; `None` takes any that is not empty (section 4.2).
    pub client_secret: Option<String>,
    /// The refresh token of the installation; `None` takes any that is not empty (section 4.2).
    pub refresh_token: Option<String>,
    /// Whether each refresh gives a new refresh token and ends the old one (section 4.2, contradictory docs).
    pub rotate_refresh_tokens: bool,
    /// What `api_domain` says; `None` for `http://` and the Host of the request.
    pub public_url: Option<String>,
    /// The plan.
    pub plan: Plan,
    /// Paid seats; the daily budget is the plan's times this.
    pub seats: u32,
    /// Whether the rolling windows of 2 s are enforced (section 3.3).
    pub enforce_burst: bool,
    /// Whether the daily budget is enforced (section 3.1).
    pub enforce_daily: bool,
    /// When the day of the budget begins, after midnight UTC: "midnight, server's timezone" (section 3.1, UNVERIFIED
    /// which).
    pub day_starts_after: SignedDuration,
    /// Whether a request that ends in 4xx is charged (section 3.2, UNVERIFIED).
    pub charge_refused: bool,
    /// The share of answers that carry the undocumented headers about the daily budget, 0 to 1; which ones, the seed
    /// decides (section 3.4).
    pub daily_headers: f64,
    /// After so many 429 in a row API-token traffic gets Cloudflare's HTML 403; `None` for never (section 3.5).
    pub block_after_429s: Option<u32>,
    /// How long Cloudflare blocks (section 3.5, UNVERIFIED).
    pub block_time: SignedDuration,
    /// How long a write needs to reach the search index; 3 s (section 7).
    pub search_delay: SignedDuration,
    /// Whether hits of `itemSearch/field` are `{result_score, item}` as in the schema rather than `{id, name}` as in
    /// the example of the specification (UNVERIFIED).
    pub field_search_items: bool,
    /// Whether a `limit` above the cap is refused; otherwise it is clamped (section 1.4, UNVERIFIED).
    pub refuse_limit_above_cap: bool,
    /// Whether the searches per kind of record refuse a `limit` above 100, as seen live, rather than above 500, as the
    /// specification has it (section 1.4).
    pub search_refuses_limit_above_100: bool,
    /// Whether unknown query parameters are refused; otherwise they are ignored (UNVERIFIED).
    pub refuse_unknown_parameters: bool,
    /// Longest organization name in characters; `None` for no limit (section 7, UNVERIFIED).
    pub name_limit: Option<usize>,
    /// Whether an empty text in a custom field is stored as null (UNVERIFIED).
    pub empty_text_is_null: bool,
    /// Whether a PATCH that changes nothing moves `update_time` (section 5.4, UNVERIFIED).
    pub unchanged_patch_moves_update_time: bool,
    /// Whether GET of a deleted record is 404; otherwise it shows `is_deleted: true` (section 1.5, UNVERIFIED).
    pub deleted_is_404: bool,
    /// Whether null in `org_id` or `person_id` of a write over the API cuts the link; otherwise it is refused (section 8
    /// has it for dates, for links UNVERIFIED).
    pub null_cuts_links: bool,
    /// Whether winning, losing and reopening move `stage_change_time` like a change of the stage (UNVERIFIED).
    pub status_change_moves_stage_time: bool,
    /// Whether creating, moving, closing and deleting deals, persons and activities moves `update_time` of the
    /// organization, person and deal they are linked to (section 8, UNVERIFIED).
    pub linked_writes_move_update_time: bool,
    /// Whether the API may delete an archived deal, which is read-only (section 1.2, UNVERIFIED).
    pub archived_deals_can_be_deleted: bool,
    /// Whether creates of deals above the plan's number of open ones are refused (section 2).
    pub enforce_deals_limit: bool,
    /// The company's id.
    pub company_id: i64,
    /// The company's name.
    pub company_name: String,
    /// The first part of the company's host name.
    pub company_domain: String,
    /// The user of the API token and of the OAuth installation.
    pub user_id: i64,
    /// That user's name.
    pub user_name: String,
    /// The OAuth server.
    pub oauth: OAuthSettings,
    /// What is not known about version 1.
    pub v1: V1Settings,
    /// Webhooks.
    pub webhooks: WebhookSettings,
}

impl PipedriveSettings {
    /// Users that may own organizations: the token's user and three colleagues.
    pub fn users(&self) -> [i64; 4] {
        [0, 1, 2, 3].map(|offset| self.user_id + offset)
    }

    /// Open deals that the company may have (section 2).
    pub fn open_deals(&self) -> usize {
        let seats = usize::try_from(self.seats).unwrap_or(usize::MAX);
        seats.saturating_mul(match self.plan {
            Plan::Lite => 2_500,
            Plan::Growth => 5_000,
            Plan::Premium => 15_000,
            Plan::Ultimate => 20_000,
        })
    }

    /// The daily budget of the company, in tokens.
    pub fn daily_budget(&self) -> u64 {
        self.plan.daily_tokens() * u64::from(self.seats)
    }
}

impl Default for PipedriveSettings {
    fn default() -> Self {
        Self {
            api_token: None,
            client_id: None,
            client_secret: None,
            refresh_token: None,
            rotate_refresh_tokens: false,
            public_url: None,
            plan: Plan::default(),
            seats: 5,
            enforce_burst: true,
            enforce_daily: true,
            day_starts_after: SignedDuration::ZERO,
            charge_refused: true,
            daily_headers: 0.9,
            block_after_429s: Some(100),
            block_time: SignedDuration::from_mins(10),
            search_delay: SignedDuration::from_secs(3),
            field_search_items: false,
            refuse_limit_above_cap: true,
            search_refuses_limit_above_100: true,
            refuse_unknown_parameters: true,
            name_limit: Some(255),
            empty_text_is_null: true,
            unchanged_patch_moves_update_time: true,
            deleted_is_404: true,
            null_cuts_links: false,
            status_change_moves_stage_time: true,
            linked_writes_move_update_time: true,
            archived_deals_can_be_deleted: false,
            enforce_deals_limit: true,
            company_id: 8_087_566,
            company_name: "Northwind Trading".to_owned(),
            company_domain: "northwind-sandbox".to_owned(),
            user_id: 12_415_231,
            user_name: "ERP Integration".to_owned(),
            oauth: OAuthSettings::default(),
            v1: V1Settings::default(),
            webhooks: WebhookSettings::default(),
        }
    }
}
