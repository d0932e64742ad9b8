//! Pipelines and stages (section 1.7): people make them, the API lists them.

use serde_json::{Value, json};

use super::cursor::Cursor;
use super::params;
use super::problem::Problem;
use super::records::Request;
use super::state::State;
use crate::call::Reply;

/// When the company began.
const FOUNDED: &str = "2024-03-01T09:30:00Z";

#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) id: i64,
    pub(crate) name: String,
    added: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) id: i64,
    pub(crate) pipeline_id: i64,
    pub(crate) name: String,
    order: i64,
    added: String,
}

#[derive(Debug)]
pub(crate) struct Pipelines {
    pipelines: Vec<Pipeline>,
    stages: Vec<Stage>,
}

impl Default for Pipelines {
    fn default() -> Self {
        let mut all = Self { pipelines: Vec::new(), stages: Vec::new() };
        let sales = all.add("Pipeline", FOUNDED);
        for name in ["Qualified", "Contact Made", "Demo Scheduled", "Proposal Made", "Negotiations Started"] {
            all.add_stage(sales, name, FOUNDED);
        }
        let partners = all.add("Partners", FOUNDED);
        for name in ["Lead In", "Offer Sent", "Contract"] {
            all.add_stage(partners, name, FOUNDED);
        }
        all
    }
}

impl Pipelines {
    pub(crate) fn add(&mut self, name: &str, now: &str) -> i64 {
        let id = self.pipelines.last().map_or(1, |last| last.id + 1);
        self.pipelines.push(Pipeline { id, name: name.to_owned(), added: now.to_owned() });
        id
    }

    /// Adds a stage at the end of a pipeline that exists.
    pub(crate) fn add_stage(&mut self, pipeline_id: i64, name: &str, now: &str) -> Option<i64> {
        self.pipelines.iter().find(|pipeline| pipeline.id == pipeline_id)?;
        let id = self.stages.last().map_or(1, |last| last.id + 1);
        let order = self.stages.iter().filter(|stage| stage.pipeline_id == pipeline_id).count();
        let order = i64::try_from(order).unwrap_or(i64::MAX);
        self.stages.push(Stage { id, pipeline_id, name: name.to_owned(), order, added: now.to_owned() });
        Some(id)
    }

    pub(crate) fn stage(&self, id: i64) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    pub(crate) fn first_stage(&self, pipeline_id: i64) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.pipeline_id == pipeline_id)
    }

    /// The first stage of the first pipeline.
    pub(crate) fn default_stage(&self) -> Option<&Stage> {
        self.first_stage(self.pipelines.first()?.id)
    }

    pub(crate) fn json(&self) -> Value {
        let stages: Vec<Value> = self.stages.iter().map(Stage::json).collect();
        json!({"pipelines": self.pipelines.iter().map(Pipeline::json).collect::<Vec<_>>(), "stages": stages})
    }
}

impl Pipeline {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "order_nr": self.id, "is_deleted": false,
            "is_deal_probability_enabled": true, "add_time": self.added, "update_time": self.added,
        })
    }
}

impl Stage {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "order_nr": self.order, "name": self.name, "is_deleted": false, "deal_probability": 100,
            "pipeline_id": self.pipeline_id, "is_deal_rot_enabled": false, "days_to_rotten": null,
            "add_time": self.added, "update_time": self.added,
        })
    }
}

pub(crate) fn list(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    let all = state.pipelines.pipelines.iter().map(Pipeline::json).collect();
    page(request, all, &["id", "update_time", "add_time"], &[])
}

pub(crate) fn one(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let id = request.id()?;
    let found = state.pipelines.pipelines.iter().find(|pipeline| pipeline.id == id);
    found.map(|found| request.data(found.json())).ok_or_else(|| Problem::not_found("Pipeline"))
}

/// Stages; none for a pipeline that does not exist (LIVE, section 1.7).
pub(crate) fn stages(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    let pipeline = params::integer(request.call, "pipeline_id")?;
    let stages = state.pipelines.stages.iter();
    let found = stages.filter(|stage| pipeline.is_none_or(|id| stage.pipeline_id == id)).map(Stage::json);
    page(request, found.collect(), &["id", "update_time", "add_time", "order_nr"], &["pipeline_id"])
}

pub(crate) fn stage(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let found = state.pipelines.stage(request.id()?).ok_or_else(|| Problem::not_found("Stage"))?;
    Ok(request.data(found.json()))
}

/// One page of a short list.
pub(super) fn page(
    request: &Request<'_>,
    mut rows: Vec<Value>,
    sorts: &[&str],
    extra: &[&str],
) -> Result<Reply, Problem> {
    let Request { call, settings, .. } = *request;
    let known = [&["sort_by", "sort_direction", "limit", "cursor"], extra].concat();
    params::check_names(call, &known, settings)?;
    let sort = params::choice(call, "sort_by", sorts)?.unwrap_or("id");
    let direction = params::choice(call, "sort_direction", &["asc", "desc"])?.unwrap_or("asc");
    let limit = params::limit(call, 500, settings)?;
    // All times are RFC 3339 in UTC and whole seconds, so their texts are in order too.
    rows.sort_by_key(|row| (row[sort].to_string().len(), row[sort].to_string(), row["id"].as_i64()));
    if direction == "desc" {
        rows.reverse();
    }
    let marker = |row: &Value| Cursor {
        field: sort.to_owned(),
        field_value: row[sort].clone(),
        sort_direction: direction.to_owned(),
        id: row["id"].as_i64().unwrap_or_default(),
    };
    let start = match params::cursor(call)? {
        None => 0,
        Some(cursor) => {
            let at = rows.iter().position(|row| marker(row) == cursor);
            at.ok_or_else(|| Problem::invalid("cursor: is not valid"))?
        }
    };
    let next = rows.get(start.saturating_add(limit)).map(|row| marker(row).encode());
    let data: Vec<Value> = rows.into_iter().skip(start).take(limit).collect();
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": next}})))
}
