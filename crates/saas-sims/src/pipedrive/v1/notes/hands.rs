//! Notes in the web application: what is there, and what people write over and delete.

use super::super::super::events::Action;
use super::super::super::problem::Problem;
use super::super::super::state::{State, Writer};
use super::super::super::write::whole;

/// Id and content of the notes on a deal that are not deleted, by id.
pub(crate) fn on_deal(state: &State, deal: i64) -> Vec<(i64, String)> {
    let here = state.v1.notes.all.values().filter(|note| note.active && note.deal_id == Some(deal));
    here.map(|note| (note.id, note.content.clone())).collect()
}

/// A person writes something else into a note, or, with nothing, deletes it.
pub(crate) fn change(state: &mut State, id: i64, content: Option<&str>, by: &Writer) -> Result<(), Problem> {
    let found = state.v1.notes.all.get_mut(&id).filter(|note| note.active);
    let note = found.ok_or_else(|| Problem::not_found("Note"))?;
    note.update_time = whole(by.now);
    note.last_update_user_id = by.user_id;
    let (action, changed) = match content {
        Some(content) => {
            content.clone_into(&mut note.content);
            (Action::Change, vec!["content".to_owned()])
        }
        None => {
            note.active = false;
            (Action::Delete, Vec::new())
        }
    };
    state.log("note", id.to_string(), action, changed, by);
    Ok(())
}
