//! What tests see of organizations, deals, persons and activities.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::activities::Activity;
use super::deals::Deal;
use super::fields::Fields;
use super::organizations::Organization;
use super::persons::Person;

/// An organization as it is stored, with its custom fields by name.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationView {
    /// The organization's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Its owner's user id.
    pub owner_id: i64,
    /// Ids of its labels.
    pub label_ids: Vec<i64>,
    /// The free text of its address.
    pub address: Option<String>,
    /// Its website.
    pub website: Option<String>,
    /// Values of all custom fields by field name, null when unset. Of several fields with one name a set one wins.
    pub custom: BTreeMap<String, Value>,
    /// When it was created, in whole seconds.
    pub add_time: Timestamp,
    /// When it was last written to, in whole seconds.
    pub update_time: Timestamp,
}

impl OrganizationView {
    pub(super) fn of(organization: &Organization, fields: &Fields) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
            deleted: organization.is_deleted,
            owner_id: organization.owner_id,
            label_ids: organization.label_ids.clone(),
            address: organization.address["value"].as_str().map(str::to_owned),
            website: organization.plain.get("website").and_then(Value::as_str).map(str::to_owned),
            custom: by_name(&organization.custom, fields),
            add_time: organization.add_time,
            update_time: organization.update_time,
        }
    }
}

/// A deal as it is stored, with its custom fields by name. Times are in whole seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct DealView {
    /// The deal's id.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Whether it is archived.
    pub archived: bool,
    /// `open`, `won` or `lost`, also of a deleted deal.
    pub status: &'static str,
    /// Its owner's user id.
    pub owner_id: i64,
    /// The amount as the number that was written.
    pub value: serde_json::Number,
    /// The code of the currency.
    pub currency: String,
    /// The organization.
    pub org_id: Option<i64>,
    /// The person.
    pub person_id: Option<i64>,
    /// The pipeline.
    pub pipeline_id: i64,
    /// The stage.
    pub stage_id: i64,
    /// Why it was lost.
    pub lost_reason: Option<String>,
    /// When it was won, if it is.
    pub won_time: Option<Timestamp>,
    /// When it was lost, if it is.
    pub lost_time: Option<Timestamp>,
    /// When it was won for the first time, also if it is not any more.
    pub first_won_time: Option<Timestamp>,
    /// Values of all custom fields by field name, null when unset. Of several fields with one name a set one wins.
    pub custom: BTreeMap<String, Value>,
    /// When it was created.
    pub add_time: Timestamp,
    /// When it was last written to.
    pub update_time: Timestamp,
}

impl DealView {
    pub(super) fn of(deal: &Deal, fields: &Fields) -> Self {
        Self {
            id: deal.id,
            title: deal.title.clone(),
            deleted: deal.is_deleted,
            archived: deal.is_archived,
            status: deal.status.name(),
            owner_id: deal.owner_id,
            value: deal.value.clone(),
            currency: deal.currency.clone(),
            org_id: deal.org_id,
            person_id: deal.person_id,
            pipeline_id: deal.pipeline_id,
            stage_id: deal.stage_id,
            lost_reason: deal.lost_reason.clone(),
            won_time: deal.won_time,
            lost_time: deal.lost_time,
            first_won_time: deal.first_won_time,
            custom: by_name(&deal.custom, fields),
            add_time: deal.add_time,
            update_time: deal.update_time,
        }
    }
}

/// A person as it is stored, with its custom fields by name. Times are in whole seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonView {
    /// The person's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Its owner's user id.
    pub owner_id: i64,
    /// The organization.
    pub org_id: Option<i64>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// Values of all custom fields by field name, null when unset. Of several fields with one name a set one wins.
    pub custom: BTreeMap<String, Value>,
    /// When it was last written to.
    pub update_time: Timestamp,
}

impl PersonView {
    pub(super) fn of(person: &Person, fields: &Fields) -> Self {
        Self {
            id: person.id,
            name: person.name.clone(),
            deleted: person.is_deleted,
            owner_id: person.owner_id,
            org_id: person.org_id,
            emails: person.emails.iter().map(|email| email.value.clone()).collect(),
            phones: person.phones.iter().map(|phone| phone.value.clone()).collect(),
            custom: by_name(&person.custom, fields),
            update_time: person.update_time,
        }
    }
}

/// An activity as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityView {
    /// The activity's id.
    pub id: i64,
    /// What it is about.
    pub subject: String,
    /// The key of its type.
    pub kind: String,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Its owner's user id.
    pub owner_id: i64,
    /// The deal.
    pub deal_id: Option<i64>,
    /// The organization.
    pub org_id: Option<i64>,
    /// The primary participant.
    pub person_id: Option<i64>,
    /// The day it is due, `YYYY-MM-DD`.
    pub due_date: Option<String>,
    /// Whether it is done.
    pub done: bool,
    /// The note on it.
    pub note: Option<String>,
    /// When it was last written to, in whole seconds.
    pub update_time: Timestamp,
}

impl ActivityView {
    pub(super) fn of(activity: &Activity) -> Self {
        Self {
            id: activity.id,
            subject: activity.subject.clone(),
            kind: activity.kind.clone(),
            deleted: activity.is_deleted,
            owner_id: activity.owner_id,
            deal_id: activity.deal_id,
            org_id: activity.org_id,
            person_id: activity.person_id(),
            due_date: activity.due_date.clone(),
            done: activity.done.is_some(),
            note: activity.note.clone(),
            update_time: activity.update_time,
        }
    }
}

fn by_name(set: &BTreeMap<String, Value>, fields: &Fields) -> BTreeMap<String, Value> {
    let mut custom: BTreeMap<String, Value> = BTreeMap::new();
    for field in fields.custom() {
        let known = custom.entry(field.name.clone()).or_default();
        if known.is_null() {
            *known = set.get(&field.code).cloned().unwrap_or_default();
        }
    }
    custom
}
