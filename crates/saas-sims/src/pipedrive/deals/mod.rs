//! Deals: the record and how it is read (section 1.6).

mod endpoints;
mod status;
mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use endpoints::{archived, create, delete, list, one, update};
pub(crate) use status::Status;

use super::attributes;
use super::entity::Entity;
use super::fields::Fields;
use super::show;
use super::table::{Link, Row};

/// One deal. Times are in whole seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deal {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) creator_user_id: i64,
    pub(crate) owner_id: i64,
    pub(crate) value: serde_json::Number,
    pub(crate) currency: String,
    pub(crate) person_id: Option<i64>,
    pub(crate) org_id: Option<i64>,
    pub(crate) pipeline_id: i64,
    pub(crate) stage_id: i64,
    pub(crate) status: Status,
    pub(crate) probability: Option<serde_json::Number>,
    pub(crate) lost_reason: Option<String>,
    pub(crate) visible_to: i64,
    pub(crate) add_time: Timestamp,
    pub(crate) update_time: Timestamp,
    pub(crate) stage_change_time: Option<Timestamp>,
    pub(crate) close_time: Option<Timestamp>,
    pub(crate) won_time: Option<Timestamp>,
    pub(crate) lost_time: Option<Timestamp>,
    /// Survives a reopen.
    pub(crate) first_won_time: Option<Timestamp>,
    pub(crate) expected_close_date: Option<String>,
    pub(crate) is_deleted: bool,
    pub(crate) is_archived: bool,
    pub(crate) archive_time: Option<Timestamp>,
    pub(crate) label_ids: Vec<i64>,
    pub(crate) origin: &'static str,
    pub(crate) custom: BTreeMap<String, Value>,
}

/// The day in the company's zone, `+02:00` as users/me says it.
fn local_date(time: Option<Timestamp>) -> Value {
    let zone = jiff::tz::offset(2).to_time_zone();
    json!(time.map(|time| time.to_zoned(zone).date().to_string()))
}

impl Deal {
    /// The status as it is read.
    pub(crate) fn status_name(&self) -> &'static str {
        if self.is_deleted { "deleted" } else { self.status.name() }
    }

    /// Names of the attributes and custom fields that differ, `update_time` aside.
    pub(crate) fn changed_from(&self, old: &Self) -> Vec<String> {
        let same = [
            ("title", self.title == old.title),
            ("owner_id", self.owner_id == old.owner_id),
            ("value", self.value == old.value),
            ("currency", self.currency == old.currency),
            ("person_id", self.person_id == old.person_id),
            ("org_id", self.org_id == old.org_id),
            ("pipeline_id", self.pipeline_id == old.pipeline_id),
            ("stage_id", self.stage_id == old.stage_id),
            ("status", self.status == old.status),
            ("probability", self.probability == old.probability),
            ("lost_reason", self.lost_reason == old.lost_reason),
            ("visible_to", self.visible_to == old.visible_to),
            ("stage_change_time", self.stage_change_time == old.stage_change_time),
            ("close_time", self.close_time == old.close_time),
            ("won_time", self.won_time == old.won_time),
            ("lost_time", self.lost_time == old.lost_time),
            ("expected_close_date", self.expected_close_date == old.expected_close_date),
            ("is_archived", self.is_archived == old.is_archived),
            ("archive_time", self.archive_time == old.archive_time),
            ("label_ids", self.label_ids == old.label_ids),
        ];
        let plain = same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned());
        plain.chain(attributes::changed_custom(&self.custom, &old.custom)).collect()
    }
}

impl Row for Deal {
    const ENTITY: Entity = Entity::Deal;

    fn id(&self) -> i64 {
        self.id
    }

    fn owner_id(&self) -> i64 {
        self.owner_id
    }

    fn add_time(&self) -> Timestamp {
        self.add_time
    }

    fn update_time(&self) -> Timestamp {
        self.update_time
    }

    fn set_update_time(&mut self, at: Timestamp) {
        self.update_time = at;
    }

    fn is_deleted(&self) -> bool {
        self.is_deleted
    }

    fn links(&self) -> Vec<Link> {
        let open = self.status == Status::Open && !self.is_deleted && !self.is_archived;
        let organization = self.org_id.map(Link::Organization);
        let person = self.person_id.map(Link::Person);
        organization.into_iter().chain(person).chain(open.then_some(Link::Open)).collect()
    }

    fn custom(&self) -> &BTreeMap<String, Value> {
        &self.custom
    }

    fn custom_mut(&mut self) -> &mut BTreeMap<String, Value> {
        &mut self.custom
    }

    fn json(&self, fields: &Fields, only: Option<&[&str]>) -> Value {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        json!({
            "id": self.id,
            "title": self.title,
            "creator_user_id": self.creator_user_id,
            "owner_id": self.owner_id,
            "value": self.value,
            "currency": self.currency,
            "person_id": self.person_id,
            "org_id": self.org_id,
            "pipeline_id": self.pipeline_id,
            "stage_id": self.stage_id,
            "status": self.status_name(),
            "probability": self.probability,
            "lost_reason": self.lost_reason,
            "visible_to": self.visible_to,
            "add_time": self.add_time.to_string(),
            "update_time": self.update_time.to_string(),
            "stage_change_time": time(self.stage_change_time),
            "close_time": time(self.close_time),
            "won_time": time(self.won_time),
            "lost_time": time(self.lost_time),
            "local_won_date": local_date(self.won_time),
            "local_lost_date": local_date(self.lost_time),
            "local_close_date": local_date(self.close_time),
            "expected_close_date": self.expected_close_date,
            "is_deleted": self.is_deleted,
            "is_archived": self.is_archived,
            "archive_time": time(self.archive_time),
            "label_ids": self.label_ids,
            "origin": self.origin,
            "origin_id": null,
            "channel": null,
            "channel_id": null,
            "acv": null,
            "arr": null,
            "mrr": null,
            "custom_fields": show::custom(&self.custom, fields, only),
        })
    }
}
