//! `[connection.customers_from_crm]`

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sync_core::{
    fields::{Field, FieldTable},
    handover::{self, AnswerRules, HandoverPolicy},
    ids::SetId,
    money::Amount,
};

use super::ConfigError;
use super::Duration;
use super::diagnose::At;
use super::duration;

/// Won deals become customers of the ERP: party, account with a site to bill to, and credit profile, each looked for before
/// it is created. Without this section nothing is ever written to the ERP.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomersFromCrm {
    /// What sets it off: `deal_won` (a deal of an organization was won), `org_created` (an organization was entered) and
    /// `org_assigned` (an organization was given to another user). The latter two only together with a `mark` or with
    /// `approval = "review"`; where there is a mark, they count for marked organizations only. Only what happens after this
    /// section was switched on counts by itself; for what is older, `sync --organization ID` or `sync --deal ID` asks. Default
    /// `["deal_won"]`.
    #[serde(default = "deal_won")]
    pub on: Vec<Trigger>,

    /// By what people say that an organization or a deal is meant for the ERP: `{ label = "Send to ERP" }`, or
    /// `{ field = "Send to ERP", values = ["Yes"] }` for a custom field, by name or code. No default.
    pub mark: Option<Mark>,

    /// Whether nothing is handed over without the mark, whatever else sets it off: of a won deal, the deal or its
    /// organization must have it. Default `false`.
    #[serde(default)]
    pub require_mark: bool,

    /// Whether a person is asked before anything is created: `auto` (nobody is) or `review` (somebody is, each time).
    /// Default `"auto"`.
    #[serde(default)]
    pub approval: Approval,

    /// From these values of a deal on a person is asked in any case, by currency, such as `{ USD = 50000 }`. Deals in a
    /// currency that is not named are asked about too, if any is named. Default `{}`.
    #[serde(default)]
    pub review_above: BTreeMap<String, u32>,

    /// For how long a question for approval can be answered with yes. Default `"336h"`.
    #[serde(default = "fortnight", with = "duration")]
    #[schemars(with = "Duration")]
    pub approval_lasts: SignedDuration,

    /// Whether the person of the deal becomes the contact to bill of the account that is created: a person of the ERP, a
    /// contact of the customer, a contact of the account with the responsibility to be billed, each looked for first. A
    /// customer can be invoiced all the same, so a contact that the ERP refuses is asked about and holds up nothing. Accounts
    /// that others created keep the contacts that they have. Default `false`.
    #[serde(default)]
    pub contact: bool,

    /// The usage of persons that are created as contacts. Default `"ORG_CONTACT"`.
    #[serde(default = "contact_usage")]
    pub contact_usage: String,

    /// The source system under which the ERP knows us: created in its setup under Manage Trading Community Source Systems,
    /// enabled for parties, addresses, accounts, sites and site uses. Default `"PIPEDRIVE"`.
    #[serde(default = "source_system")]
    pub source_system: String,

    /// The usage of parties that are created. Default `"EXTERNAL_LEGAL_ENTITY"`.
    #[serde(default = "party_usage")]
    pub party_usage: String,

    /// Whether a person is asked before a party becomes a customer that the ERP knows as something else, such as a supplier.
    /// Default `true`.
    #[serde(default = "yes")]
    pub ask_to_reuse: bool,

    /// Whether the ERP's own duplicate identification (Fusion Data Quality, with an active match configuration for
    /// organizations) is asked, too, before a customer is created: what it finds is compared as everything else that may be
    /// the same company. A pod without it says so once, and is not asked again before the next start. Default `false`.
    #[serde(default)]
    pub find_duplicates: bool,

    /// Whether a street address is needed; a country is needed always. Default `true`.
    #[serde(default = "yes")]
    pub address_required: bool,

    /// Countries (ISO 3166 alpha-2, or `*` for all) whose customers need a tax id. Default `[]`.
    #[serde(default)]
    pub tax_id_required: Vec<String>,

    /// What the deal shows of its customer, each in a custom field: `customer_id`, `account_number` and `status` (such as
    /// "customer created" or "waiting: approval"). The organization shows what is not mapped there already. `[]` shows
    /// nothing. Default `["customer_id", "account_number", "status"]`.
    #[serde(default = "answer")]
    pub answer: Vec<AnswerField>,

    /// The address of a customer in the ERP, shown on deal and organization, too: with `{host}` (of the ERP), `{party_id}`,
    /// `{party_number}`, `{account_id}` and `{account_number}`. Nothing if empty. Default `""`.
    #[serde(default)]
    pub link_template: String,

    /// Whether the owner of a won deal gets one activity that says what has to be filled in first (country, address, tax
    /// id). It is marked as done once that is there; one that is deleted is not made again. Default `false`.
    #[serde(default)]
    pub ask_owner: bool,

    /// Where a customer belongs: the first one that fits counts, and where none fits a person is asked. Required.
    pub business_unit: Vec<BusinessUnit>,
}

/// By what people say that something is meant for the ERP: a label, or what a custom field says.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mark {
    /// A label of organizations or deals, as it is in the CRM; letter case does not matter. Default `""`.
    pub label: String,
    /// A custom field of organizations or deals, by name or code. Default `""`.
    pub field: String,
    /// What it says, one of these; letter case does not matter. Of a field with several options one is enough. Default `[]`.
    pub values: Vec<String>,
}

/// A custom field that says something.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldIs {
    /// Its name or code. Required.
    pub name: String,
    /// What it says; letter case does not matter. Required.
    pub value: String,
}

/// A business unit, and what its customers get.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BusinessUnit {
    /// What people call it. Required.
    pub name: String,

    /// The number of its reference data set for customer sites: in the ERP under Manage Set Assignments, "Customer Account
    /// Site". Required.
    pub set_id: i64,

    /// What belongs to it; everything if this is left out. Default `{}`.
    #[serde(default)]
    pub when: When,

    /// The profile class of its customers. Default `"DEFAULT"`.
    #[serde(default = "profile_class")]
    pub profile_class: String,

    /// The class of its customers' accounts, from the ERP's own list; none if empty. Default `""`.
    #[serde(default)]
    pub customer_class: String,

    /// The currency that a party created for it prefers (ISO 4217); none if empty. Parties that the ERP has already keep theirs.
    /// Default `""`.
    #[serde(default)]
    pub currency: String,

    /// The payment terms of its customers, by their name in the ERP; those of the profile class if empty. A profile that is
    /// there already keeps its own. Default `""`.
    #[serde(default)]
    pub payment_terms: String,
}

/// What has to be true; what is left out asks for nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The deal is in one of these pipelines, by name or number. Default `[]`.
    pub pipeline: Vec<String>,
    /// The organization is in one of these countries (ISO 3166 alpha-2). Default `[]`.
    pub country: Vec<String>,
    /// The deal belongs to one of these users, by name, e-mail address or number. Default `[]`.
    pub owner: Vec<String>,
    /// A custom field of the deal or the organization says this, such as `{ name = "Region", value = "EMEA" }`. No default.
    pub field: Option<FieldIs>,
}

/// What sets a handover off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A deal of the organization was won.
    DealWon,
    /// The organization was entered.
    OrgCreated,
    /// The organization was given to another user.
    OrgAssigned,
}

/// What is shown of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerField {
    /// The party's id, as organizations carry it.
    CustomerId,
    /// The number of its account.
    AccountNumber,
    /// How far it is.
    Status,
}

/// Whether a person is asked first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody is.
    #[default]
    Auto,
    /// Somebody is, each time.
    Review,
}

fn deal_won() -> Vec<Trigger> {
    vec![Trigger::DealWon]
}

fn answer() -> Vec<AnswerField> {
    vec![AnswerField::CustomerId, AnswerField::AccountNumber, AnswerField::Status]
}

fn fortnight() -> SignedDuration {
    SignedDuration::from_hours(14 * 24)
}

fn source_system() -> String {
    "PIPEDRIVE".to_owned()
}

fn contact_usage() -> String {
    "ORG_CONTACT".to_owned()
}

fn party_usage() -> String {
    "EXTERNAL_LEGAL_ENTITY".to_owned()
}

fn profile_class() -> String {
    "DEFAULT".to_owned()
}

fn yes() -> bool {
    true
}

impl CustomersFromCrm {
    /// The policy. `host` is the ERP's, `mapped` what organizations show already; `settle` and `freshness` are those of the
    /// connection. The company is learned from the CRM.
    #[must_use]
    pub fn policy(
        &self,
        (host, mapped): (&str, &FieldTable),
        settle: SignedDuration,
        freshness: SignedDuration,
    ) -> HandoverPolicy {
        let upper = |codes: &[String]| codes.iter().map(|code| code.trim().to_uppercase()).collect();
        HandoverPolicy {
            on: self.on.iter().map(|trigger| trigger.policy()).collect(),
            mark: self.mark.as_ref().map(Mark::policy),
            require_mark: self.require_mark,
            approval: match self.approval {
                Approval::Auto => handover::Approval::Auto,
                Approval::Review => handover::Approval::Review,
            },
            review_above: self
                .review_above
                .iter()
                .map(|(currency, units)| (currency.clone(), Amount(i64::from(*units) * 10_000)))
                .collect(),
            approval_lasts: self.approval_lasts,
            source_system: self.source_system.clone(),
            company: 0,
            usage: self.party_usage.clone(),
            contact: self.contact.then(|| self.contact_usage.clone()),
            ask_to_reuse: self.ask_to_reuse,
            required: handover::Required {
                address: self.address_required,
                tax_id: upper(&self.tax_id_required),
            },
            business_units: self.business_unit.iter().map(BusinessUnit::policy).collect(),
            answers: self.answers(host, mapped),
            settle,
            freshness,
        }
    }

    fn answers(&self, host: &str, mapped: &FieldTable) -> AnswerRules {
        let link = Some(self.link_template.trim()).filter(|link| !link.is_empty());
        let mut deal: BTreeSet<_> = self.answer.iter().map(|field| field.policy()).collect();
        deal.extend(link.map(|_| handover::AnswerField::Link));
        let shown = |field: &handover::AnswerField| match field {
            handover::AnswerField::CustomerId => mapped.has(Field::ErpCustomerId),
            handover::AnswerField::AccountNumber => mapped.has(Field::AccountNumbers),
            handover::AnswerField::Status | handover::AnswerField::Link => false,
        };
        let org = deal.iter().copied().filter(|field| !shown(field)).collect();
        AnswerRules {
            deal,
            org,
            link: link.map(|link| link.replace("{host}", host)),
            activity: self.ask_owner,
        }
    }

    pub(super) fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self {
            on,
            mark,
            require_mark,
            approval,
            review_above,
            approval_lasts,
            contact: _,
            contact_usage,
            source_system,
            party_usage,
            ask_to_reuse: _,
            find_duplicates: _,
            address_required: _,
            tax_id_required,
            answer: _,
            link_template,
            ask_owner: _,
            business_unit,
        } = self;
        if on.is_empty() {
            return Err(at.key("on").fail("nothing would ever set it off", "write on = [\"deal_won\"]"));
        }
        let unasked = *approval == Approval::Auto && mark.is_none();
        for (trigger, key, whoever) in [
            (Trigger::OrgCreated, "org_created", "that anybody enters"),
            (Trigger::OrgAssigned, "org_assigned", "that is given to somebody else"),
        ] {
            if unasked && on.contains(&trigger) {
                return Err(at.key("on").fail(
                    format!("every organization {whoever} would become a customer of the ERP"),
                    format!("name a mark, such as mark = {{ label = \"Send to ERP\" }}, write approval = \"review\", or remove \"{key}\""),
                ));
            }
        }
        if *require_mark && mark.is_none() {
            return Err(at.key("require_mark").fail(
                "there is no mark, so nothing would ever be handed over",
                "name one, such as mark = { label = \"Send to ERP\" }",
            ));
        }
        if let Some(mark) = mark {
            mark.check(&at.key("mark"))?;
        }
        if let Some(currency) = review_above.keys().find(|code| !is_code(code, 3)) {
            return Err(at
                .key("review_above")
                .key(currency)
                .fail("this is not a currency", "write its ISO 4217 code in capitals, such as USD"));
        }
        if *approval_lasts < SignedDuration::from_hours(1) {
            return Err(at
                .key("approval_lasts")
                .fail("nobody can answer so soon", "write at least \"1h\", such as \"336h\""));
        }
        let codes = [
            ("source_system", source_system),
            ("party_usage", party_usage),
            ("contact_usage", contact_usage),
        ];
        for (key, value) in codes {
            // A finder of the ERP cannot say these (oracle-fusion.md 4.2).
            if value.trim().is_empty() || value.contains([',', ';', '=']) || value.len() > 30 {
                return Err(at.key(key).fail(
                    "the ERP has no such code",
                    "write the code from its setup: at most 30 characters, without comma, semicolon and equals sign",
                ));
            }
        }
        if let Some(code) = tax_id_required.iter().find(|code| *code != "*" && !is_code(code, 2)) {
            return Err(at.key("tax_id_required").fail(
                format!("\"{code}\" is not a country"),
                "write ISO 3166 codes of two capitals, such as DE, or \"*\" for all",
            ));
        }
        check_link(link_template, &at.key("link_template"))?;
        if business_unit.is_empty() {
            return Err(at.key("business_unit").fail(
                "no customer would belong anywhere",
                "write a [[connection.customers_from_crm.business_unit]] with name and set_id",
            ));
        }
        for (index, unit) in business_unit.iter().enumerate() {
            let at = at.key("business_unit").index(index);
            if unit.name.trim().is_empty() {
                return Err(at
                    .key("name")
                    .fail("it has no name", "write what people call the business unit"));
            }
            if unit.set_id <= 0 {
                return Err(at.key("set_id").fail(
                    "this is not a reference data set",
                    "write the number of the set that the business unit has for customer account sites",
                ));
            }
            if let Some(code) = unit.when.country.iter().find(|code| !is_code(code, 2)) {
                return Err(at.key("when").key("country").fail(
                    format!("\"{code}\" is not a country"),
                    "write ISO 3166 codes of two capitals, such as DE",
                ));
            }
            if let Some(code) = said(&unit.currency).filter(|code| !is_code(code, 3)) {
                return Err(at.key("currency").fail(
                    format!("\"{code}\" is not a currency"),
                    "write its ISO 4217 code in capitals, such as USD",
                ));
            }
            if unit.payment_terms.trim().chars().count() > 30 {
                return Err(at.key("payment_terms").fail(
                    "the ERP's payment terms have shorter names",
                    "write the name that the ERP shows",
                ));
            }
            let blank = |field: &FieldIs| field.name.trim().is_empty() || field.value.trim().is_empty();
            if unit.when.field.as_ref().is_some_and(blank) {
                return Err(at.key("when").key("field").fail(
                    "it names no custom field, or not what it has to say",
                    "write field = { name = \"Region\", value = \"EMEA\" }",
                ));
            }
        }
        Ok(())
    }
}

impl Mark {
    fn policy(&self) -> handover::Mark {
        let Self { label, field, values } = self;
        match field.trim() {
            "" => handover::Mark::Label(label.clone()),
            name => {
                handover::Mark::Field(handover::FieldIs { name: name.to_owned(), values: values.clone() })
            }
        }
    }

    fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { label, field, values } = self;
        let (label, field) = (!label.trim().is_empty(), !field.trim().is_empty());
        let said = !values.is_empty() && values.iter().all(|value| !value.trim().is_empty());
        let both = "write { label = \"Send to ERP\" }, or { field = \"Send to ERP\", values = [\"Yes\"] }";
        match (label, field) {
            (true, true) => Err(at.fail("it is a label and a custom field at once", both)),
            (false, false) => Err(at.fail("it is neither a label nor a custom field", both)),
            (true, false) if !values.is_empty() => Err(at
                .key("values")
                .fail("a label says nothing but its name", "remove values, or name a field")),
            (false, true) if !said => Err(at.fail("it does not tell what the field has to say", both)),
            (true, false) | (false, true) => Ok(()),
        }
    }
}

/// An address with placeholders that we know, and with one at least: else all customers had the same.
fn check_link(template: &str, at: &At<'_>) -> Result<(), ConfigError> {
    if template.trim().is_empty() {
        return Ok(());
    }
    let help = "write an address such as \"https://{host}/fscmUI/customers/{party_id}\"; there are {host}, {party_id}, {party_number}, {account_id} and {account_number}";
    let mut rest = template.to_owned();
    for known in ["{party_id}", "{party_number}", "{account_id}", "{account_number}"] {
        rest = rest.replace(known, "");
    }
    let tells = rest.len() < template.len();
    let rest = rest.replace("{host}", "");
    if rest.contains(['{', '}']) {
        return Err(at.fail("it has a placeholder that nobody knows", help));
    }
    if !tells {
        return Err(at.fail("it is the same address for all customers", help));
    }
    if !(template.starts_with("https://") || template.starts_with("http://")) || template.len() > 200 {
        return Err(at.fail("this is not an address that fits into a field of 255 characters", help));
    }
    Ok(())
}

/// What a text says, unless it is empty.
fn said(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn is_code(code: &str, length: usize) -> bool {
    code.len() == length && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl AnswerField {
    fn policy(self) -> handover::AnswerField {
        match self {
            Self::CustomerId => handover::AnswerField::CustomerId,
            Self::AccountNumber => handover::AnswerField::AccountNumber,
            Self::Status => handover::AnswerField::Status,
        }
    }
}

impl Trigger {
    fn policy(self) -> handover::Trigger {
        match self {
            Self::DealWon => handover::Trigger::DealWon,
            Self::OrgCreated => handover::Trigger::OrgCreated,
            Self::OrgAssigned => handover::Trigger::OrgAssigned,
        }
    }
}

impl BusinessUnit {
    fn policy(&self) -> handover::BusinessUnit {
        let When { pipeline, country, owner, field } = &self.when;
        handover::BusinessUnit {
            name: self.name.clone(),
            set: SetId(self.set_id),
            when: handover::Conditions {
                pipeline: pipeline.clone(),
                country: country.clone(),
                owner: owner.clone(),
                field: field.as_ref().map(|FieldIs { name, value }| handover::FieldIs {
                    name: name.clone(),
                    values: vec![value.clone()],
                }),
            },
            profile_class: self.profile_class.clone(),
            customer_class: said(&self.customer_class),
            currency: said(&self.currency),
            payment_terms: said(&self.payment_terms),
        }
    }
}
