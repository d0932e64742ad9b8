//! Bodies of deal writes: strict types, all or nothing (sections 1.3, 1.6, 8).

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::attributes;
use super::super::entity::Entity;
use super::super::params::whole_seconds;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::super::v1;
use super::super::write::whole;
use super::{Deal, status};

/// Puts the body into the deal; on a problem the caller throws the half-written copy away.
pub(super) fn apply(
    deal: &mut Deal,
    body: &Map<String, Value>,
    state: &State,
    settings: &PipedriveSettings,
    by: &Writer,
) -> Result<(), Problem> {
    if body.is_empty() {
        return Err(Problem::invalid("the body must not be empty"));
    }
    for (name, value) in body {
        let expected = |what: &str| Problem::invalid(format_args!("{name}: must be {what}"));
        match name.as_str() {
            "title" => deal.title = attributes::name("title", value, settings)?,
            "owner_id" => deal.owner_id = attributes::owner(value, settings)?,
            "visible_to" => deal.visible_to = attributes::visible_to(value)?,
            "label_ids" => deal.label_ids = attributes::labels(Entity::Deal, value)?,
            "person_id" => {
                let living = |id| state.persons.living(id).is_some();
                deal.person_id = attributes::link(name, value, living, by.source, settings)?;
            }
            "org_id" => {
                let living = |id| state.organizations.living(id).is_some();
                deal.org_id = attributes::link(name, value, living, by.source, settings)?;
            }
            "value" => match value {
                Value::Number(number) => deal.value = number.clone(),
                Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(expected("a number"));
                }
            },
            "currency" => {
                let code = value.as_str().filter(|code| v1::currency_known(settings, code));
                code.ok_or_else(|| expected("the code of a currency"))?.clone_into(&mut deal.currency);
            }
            "probability" => {
                deal.probability = match value {
                    Value::Null => None,
                    Value::Number(number)
                        if number.as_f64().is_some_and(|share| (0.0..=100.0).contains(&share)) =>
                    {
                        Some(number.clone())
                    }
                    Value::Number(_)
                    | Value::Bool(_)
                    | Value::String(_)
                    | Value::Array(_)
                    | Value::Object(_) => return Err(expected("a number from 0 to 100")),
                }
            }
            "expected_close_date" => deal.expected_close_date = attributes::date(name, value, by.source)?,
            "is_deleted" if value == &Value::Bool(false) => {}
            "is_deleted" => return Err(expected("false: deals are deleted with DELETE")),
            "custom_fields" => attributes::custom(&mut deal.custom, value, &state.deal_fields, settings)?,
            "pipeline_id" | "stage_id" | "is_archived" | "archive_time" | "status" | "won_time"
            | "lost_time" | "close_time" | "lost_reason" => {}
            other => return Err(Problem::invalid(format_args!("\"{other}\" is not allowed"))),
        }
    }
    let now = whole(by.now);
    status::apply(deal, body, settings, now)?;
    stage(deal, body, state, now)?;
    archive(deal, body, now)
}

/// A stage brings its pipeline along, a pipeline its first stage; together they have to fit.
fn stage(deal: &mut Deal, body: &Map<String, Value>, state: &State, now: Timestamp) -> Result<(), Problem> {
    let id = |name: &str| match body.get(name) {
        None => Ok(None),
        Some(value) => match value.as_i64() {
            Some(id) => Ok(Some(id)),
            None => Err(Problem::invalid(format_args!("{name}: must be an integer"))),
        },
    };
    let old = deal.stage_id;
    let pipelines = &state.pipelines;
    match (id("pipeline_id")?, id("stage_id")?) {
        (None, None) => return Ok(()),
        (pipeline, Some(stage)) => {
            let found =
                pipelines.stage(stage).filter(|stage| pipeline.is_none_or(|id| id == stage.pipeline_id));
            let found =
                found.ok_or_else(|| Problem::invalid("stage_id: there is no such stage in the pipeline"))?;
            (deal.pipeline_id, deal.stage_id) = (found.pipeline_id, found.id);
        }
        (Some(pipeline), None) if pipeline == deal.pipeline_id => {}
        (Some(pipeline), None) => {
            let first = pipelines.first_stage(pipeline);
            let first = first.ok_or_else(|| Problem::invalid("pipeline_id: there is no such pipeline"))?;
            (deal.pipeline_id, deal.stage_id) = (first.pipeline_id, first.id);
        }
    }
    if deal.stage_id != old && state.deals.get(deal.id).is_some() {
        deal.stage_change_time = Some(now);
    }
    Ok(())
}

/// `archive_time` only together with `is_archived: true`.
fn archive(deal: &mut Deal, body: &Map<String, Value>, now: Timestamp) -> Result<(), Problem> {
    let wanted = match body.get("is_archived") {
        None => None,
        Some(Value::Bool(wanted)) => Some(*wanted),
        Some(_) => return Err(Problem::invalid("is_archived: must be a boolean")),
    };
    let time = match body.get("archive_time") {
        None => None,
        Some(_) if wanted != Some(true) => {
            return Err(Problem::invalid("archive_time: can only be set together with is_archived"));
        }
        // The body's description says `YYYY-MM-DD HH:MM:SS`, the general rules of version 2 say RFC 3339.
        Some(value) => {
            let text = value.as_str().unwrap_or_default();
            let time =
                whole_seconds(text).or_else(|| whole_seconds(&format!("{}Z", text.replacen(' ', "T", 1))));
            Some(time.ok_or_else(|| Problem::invalid("archive_time: is not a valid datetime"))?)
        }
    };
    match wanted {
        Some(true) if !deal.is_archived => {
            deal.is_archived = true;
            deal.archive_time = time.or(Some(now));
        }
        Some(false) => {
            deal.is_archived = false;
            deal.archive_time = None;
        }
        Some(true) | None => {}
    }
    Ok(())
}
