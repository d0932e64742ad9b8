//! Values that come only when `include_fields` asks for them (sections 1.5, 1.6). Files, notes and mail are not
//! counted: zero or null.

use serde_json::{Value, json};

use super::deals::{Deal, Status};
use super::entity::Entity;
use super::state::State;
use super::table::Link;

const ORGANIZATION: [&str; 19] = [
    "next_activity_id",
    "last_activity_id",
    "open_deals_count",
    "related_open_deals_count",
    "closed_deals_count",
    "related_closed_deals_count",
    "email_messages_count",
    "people_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "files_count",
    "notes_count",
    "followers_count",
    "won_deals_count",
    "related_won_deals_count",
    "lost_deals_count",
    "related_lost_deals_count",
    "smart_bcc_email",
];

const DEAL: [&str; 16] = [
    "next_activity_id",
    "last_activity_id",
    "first_won_time",
    "products_count",
    "files_count",
    "notes_count",
    "followers_count",
    "email_messages_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "participants_count",
    "last_incoming_mail_time",
    "last_outgoing_mail_time",
    "smart_bcc_email",
    "source_lead_id",
];

/// Without `marketing_status` and `doi_status`, which need the marketing app.
const PERSON: [&str; 22] = [
    "next_activity_id",
    "last_activity_id",
    "open_deals_count",
    "related_open_deals_count",
    "closed_deals_count",
    "related_closed_deals_count",
    "participant_open_deals_count",
    "participant_closed_deals_count",
    "email_messages_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "files_count",
    "notes_count",
    "followers_count",
    "won_deals_count",
    "related_won_deals_count",
    "lost_deals_count",
    "related_lost_deals_count",
    "last_incoming_mail_time",
    "last_outgoing_mail_time",
    "smart_bcc_email",
];

pub(crate) fn names(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::Organization => &ORGANIZATION,
        Entity::Deal => &DEAL,
        Entity::Person => &PERSON,
    }
}

pub(crate) fn value(state: &State, entity: Entity, id: i64, name: &str) -> Value {
    let link = match entity {
        Entity::Organization => Some(Link::Organization(id)),
        Entity::Person => Some(Link::Person(id)),
        Entity::Deal => None,
    };
    let deals = |fits: fn(&Deal) -> bool| match link {
        Some(link) => json!(state.deals.linked(link).filter(|deal| fits(deal)).count()),
        None => json!(0),
    };
    let done = || state.activities.on(entity, id).filter(|activity| activity.done.is_some());
    let undone = || state.activities.on(entity, id).filter(|activity| activity.done.is_none());
    let deal = state.deals.get(id).filter(|_| entity == Entity::Deal);
    match name {
        "open_deals_count" | "related_open_deals_count" | "participant_open_deals_count" => {
            deals(|deal| deal.status == Status::Open)
        }
        "closed_deals_count" | "related_closed_deals_count" | "participant_closed_deals_count" => {
            deals(|deal| deal.status != Status::Open)
        }
        "won_deals_count" | "related_won_deals_count" => deals(|deal| deal.status == Status::Won),
        "lost_deals_count" | "related_lost_deals_count" => deals(|deal| deal.status == Status::Lost),
        "activities_count" => json!(state.activities.on(entity, id).count()),
        "done_activities_count" => json!(done().count()),
        "undone_activities_count" => json!(undone().count()),
        "next_activity_id" => json!(undone().min_by_key(|next| next.due()).map(|next| next.id)),
        "last_activity_id" => json!(done().max_by_key(|last| (last.done, last.id)).map(|last| last.id)),
        "followers_count" => json!(state.followers.count(entity, id)),
        "products_count" => json!(state.products.count_on_deal(id)),
        "people_count" => json!(state.persons.linked(Link::Organization(id)).count()),
        "participants_count" => json!(deal.map_or(0, |deal| i32::from(deal.person_id.is_some()))),
        "first_won_time" => {
            json!(deal.and_then(|deal| deal.first_won_time).map(|time| time.to_string()))
        }
        "smart_bcc_email" => json!(format!("sandbox+{}{id}@pipedrivemail.example", entity.name())),
        other if other.ends_with("_count") => json!(0),
        _ => Value::Null,
    }
}
