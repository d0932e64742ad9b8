//! Paging by offset (section 1.4): `start`, `limit`, `additional_data.pagination`.

use serde_json::{Value, json};

use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::bad;
use crate::call::{Call, Reply};

/// The answer with the asked page of all records; `cap` is the largest `limit`.
pub(super) fn page(
    settings: &PipedriveSettings,
    call: &Call,
    all: &[Value],
    cap: usize,
) -> Result<Reply, Problem> {
    let limit = params::limit(call, cap, settings)?;
    let start = call.param("start").unwrap_or("0");
    let start: usize = start.parse().map_err(|_| bad("start: must be an integer of at least 0"))?;
    let shown: Vec<&Value> = all.iter().skip(start).take(limit).collect();
    let next = start.saturating_add(limit);
    let more = next < all.len();
    let mut pagination = json!({"start": start, "limit": limit, "more_items_in_collection": more});
    if more {
        pagination["next_start"] = Value::from(next);
    }
    let data = if shown.is_empty() && settings.v1.empty_list_is_null { Value::Null } else { json!(shown) };
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"pagination": pagination}})))
}
