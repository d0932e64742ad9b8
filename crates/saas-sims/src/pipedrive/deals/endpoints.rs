//! Lists of deals, and one deal: create, read, update, delete (section 1.6).

use serde_json::{Map, Value, json};

use super::super::entity::Entity;
use super::super::events::{Action, Source};
use super::super::filters::Selection;
use super::super::listing::Listing;
use super::super::params;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::settings::PipedriveSettings;
use super::super::show::Show;
use super::super::state::{State, Writer};
use super::super::table::Link;
use super::super::write::whole;
use super::{Deal, Status, write};
use crate::call::Reply;

/// That of the company, as users/me says it.
const DEFAULT_CURRENCY: &str = "EUR";

const KNOWN: [&str; 18] = [
    "filter_id",
    "ids",
    "owner_id",
    "person_id",
    "org_id",
    "pipeline_id",
    "stage_id",
    "status",
    "updated_since",
    "updated_until",
    "sort_by",
    "sort_direction",
    "include_fields",
    "custom_fields",
    "limit",
    "cursor",
    // Not for archived deals:
    "include_option_labels",
    "include_labels",
];

/// `GET /api/v2/deals`.
pub(crate) fn list(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    page(state, request, false)
}

/// `GET /api/v2/deals/archived`.
pub(crate) fn archived(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    page(state, request, true)
}

fn page(state: &State, request: &Request<'_>, archived: bool) -> Result<Reply, Problem> {
    let Request { call, settings, .. } = *request;
    params::check_names(call, if archived { &KNOWN[..16] } else { &KNOWN }, settings)?;
    let listing = Listing::read(call, settings)?;
    let show = Show::read(call, state, Entity::Deal)?;
    let mut chosen = Selection::read(call, state, Entity::Deal)?;
    let statuses = match params::choices(call, "status", &["open", "won", "lost", "deleted"])? {
        Some(statuses) if !chosen.filtered => statuses,
        Some(_) | None => vec!["open", "won", "lost"],
    };
    if let Some(id) = chosen.integer(call, "org_id")? {
        chosen.narrow(state.deals.linked_ids(Link::Organization(id)));
    }
    if let Some(id) = chosen.integer(call, "person_id")? {
        chosen.narrow(state.deals.linked_ids(Link::Person(id)));
    }
    let (pipeline, stage) = (chosen.integer(call, "pipeline_id")?, chosen.integer(call, "stage_id")?);
    Ok(listing.page(state, &state.deals, chosen.ids.as_ref(), &show, |deal| {
        let status = if deal.is_deleted { "deleted" } else { deal.status.name() };
        deal.is_archived == archived
            && statuses.contains(&status)
            && chosen.owner.is_none_or(|owner| deal.owner_id == owner)
            && pipeline.is_none_or(|id| deal.pipeline_id == id)
            && stage.is_none_or(|id| deal.stage_id == id)
    }))
}

pub(crate) fn one(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    request.one(state, &state.deals)
}

/// Creates a deal; what is left out gets its default.
pub(crate) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Value, Problem> {
    if !body.contains_key("title") {
        return Err(Problem::invalid("title: is required"));
    }
    let first = state.pipelines.default_stage();
    let first = first.ok_or_else(|| Problem::invalid("stage_id: there is no stage"))?;
    let now = whole(by.now);
    let mut deal = Deal {
        id: state.deals.next_id(),
        title: String::new(),
        creator_user_id: by.user_id,
        owner_id: by.user_id,
        value: 0.into(),
        currency: DEFAULT_CURRENCY.to_owned(),
        person_id: None,
        org_id: None,
        pipeline_id: first.pipeline_id,
        stage_id: first.id,
        status: Status::Open,
        probability: None,
        lost_reason: None,
        visible_to: 3,
        add_time: now,
        update_time: now,
        stage_change_time: None,
        close_time: None,
        won_time: None,
        lost_time: None,
        first_won_time: None,
        expected_close_date: None,
        is_deleted: false,
        is_archived: false,
        archive_time: None,
        label_ids: Vec::new(),
        origin: if by.source == Source::Api { "API" } else { "ManuallyCreated" },
        custom: std::collections::BTreeMap::new(),
    };
    write::apply(&mut deal, body, state, settings, by)?;
    if settings.enforce_deals_limit && state.deals.count(Link::Open) >= settings.open_deals() {
        return Err(Problem::deal_limit());
    }
    Ok(store(settings, state, deal, Action::Create, Vec::new(), by))
}

pub(crate) fn update(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Value, Problem> {
    let old = state.deals.living(id).ok_or_else(|| Problem::not_found("Deal"))?;
    let only_unarchives = body.len() == 1 && body.get("is_archived") == Some(&Value::Bool(false));
    if old.is_archived && !only_unarchives {
        return Err(Problem::archived());
    }
    let mut deal = old.clone();
    write::apply(&mut deal, body, state, settings, by)?;
    let changed = deal.changed_from(old);
    if !changed.is_empty() || settings.unchanged_patch_moves_update_time {
        deal.update_time = whole(by.now);
    }
    Ok(store(settings, state, deal, Action::Change, changed, by))
}

/// Deletes softly: the update time is that of the deletion.
pub(crate) fn delete(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    by: &Writer,
) -> Result<Value, Problem> {
    let mut deal = state.deals.living(id).ok_or_else(|| Problem::not_found("Deal"))?.clone();
    if deal.is_archived && by.source == Source::Api && !settings.archived_deals_can_be_deleted {
        return Err(Problem::archived());
    }
    deal.is_deleted = true;
    deal.update_time = whole(by.now);
    store(settings, state, deal, Action::Delete, Vec::new(), by);
    Ok(json!({"id": id}))
}

fn store(
    settings: &PipedriveSettings,
    state: &mut State,
    deal: Deal,
    action: Action,
    changed: Vec<String>,
    by: &Writer,
) -> Value {
    let before = state.deals.get(deal.id);
    let counted = |deal: &Deal| (deal.org_id, deal.person_id, deal.status, deal.is_deleted);
    let moved = before.map(counted) != Some(counted(&deal));
    let old = before.map(|deal| (deal.org_id, deal.person_id));
    state.store(settings, deal.clone(), action, changed, by);
    if moved && settings.linked_writes_move_update_time {
        let (organizations, persons): (Vec<_>, Vec<_>) =
            old.into_iter().chain([(deal.org_id, deal.person_id)]).unzip();
        for id in organizations.into_iter().flatten() {
            state.organizations.touch(id, whole(by.now));
        }
        for id in persons.into_iter().flatten() {
            state.persons.touch(id, whole(by.now));
        }
    }
    super::Row::json(&deal, &state.deal_fields, None)
}
