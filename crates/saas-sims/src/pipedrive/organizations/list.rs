//! `GET /api/v2/organizations` (section 1.5).

use super::super::entity::Entity;
use super::super::filters::Selection;
use super::super::listing::Listing;
use super::super::params;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::show::Show;
use super::super::state::State;
use crate::call::Reply;

const KNOWN: [&str; 13] = [
    "filter_id",
    "ids",
    "owner_id",
    "updated_since",
    "updated_until",
    "sort_by",
    "sort_direction",
    "include_fields",
    "custom_fields",
    "include_option_labels",
    "include_labels",
    "limit",
    "cursor",
];

pub(crate) fn list(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    let Request { call, settings, .. } = *request;
    params::check_names(call, &KNOWN, settings)?;
    let listing = Listing::read(call, settings)?;
    let show = Show::read(call, state, Entity::Organization)?;
    let chosen = Selection::read(call, state, Entity::Organization)?;
    Ok(listing.page(state, &state.organizations, chosen.ids.as_ref(), &show, |organization| {
        !organization.is_deleted && chosen.owner.is_none_or(|owner| organization.owner_id == owner)
    }))
}
