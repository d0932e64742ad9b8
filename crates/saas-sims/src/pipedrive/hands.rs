//! What people do in the web application with deals, persons, activities, merges, pipelines and filters: no tokens, source
//! `app`.

use serde_json::{Value, json};

use super::entity::Entity;
use super::filters::Filter;
use super::v1::notes::hands as notes;
use super::view::{ActivityView, DealView, PersonView};
use super::write::whole;
use super::{PipedriveSim, activities, deals, fields, merge, object, persons};

impl PipedriveSim {
    /// All deals, deleted ones included until they are purged, by id.
    pub fn deals(&self) -> Vec<DealView> {
        let state = self.lock();
        state.deals.all().map(|deal| DealView::of(deal, &state.deal_fields)).collect()
    }

    /// One deal, also when it is deleted.
    pub fn deal(&self, id: i64) -> Option<DealView> {
        let state = self.lock();
        state.deals.get(id).map(|deal| DealView::of(deal, &state.deal_fields))
    }

    /// Ids of the deals that are neither deleted nor archived.
    pub fn deal_ids(&self) -> Vec<i64> {
        let state = self.lock();
        state.deals.all().filter(|deal| !deal.is_deleted && !deal.is_archived).map(|deal| deal.id).collect()
    }

    /// Whether there is any deal, deleted and archived ones included.
    pub fn has_deals(&self) -> bool {
        self.lock().deals.all().next().is_some()
    }

    /// All persons, deleted ones included until they are purged, by id.
    pub fn persons(&self) -> Vec<PersonView> {
        let state = self.lock();
        state.persons.all().map(|person| PersonView::of(person, &state.person_fields)).collect()
    }

    /// One person, also when it is deleted.
    pub fn person(&self, id: i64) -> Option<PersonView> {
        let state = self.lock();
        state.persons.get(id).map(|person| PersonView::of(person, &state.person_fields))
    }

    /// Code and name of the custom deal fields, in the order of their creation.
    pub fn custom_deal_fields(&self) -> Vec<(String, String)> {
        self.lock()
            .deal_fields
            .custom()
            .iter()
            .map(|field| (field.code.clone(), field.name.clone()))
            .collect()
    }

    /// Deletes a custom field of deals; what it said on them is gone.
    pub fn delete_deal_field(&self, code: &str) -> Result<(), String> {
        self.as_person(|_, state, by| fields::delete(state, code, Entity::Deal, by)).map(drop)
    }

    /// Creates a deal; the body is that of the API.
    pub fn create_deal(&self, body: &Value) -> Result<i64, String> {
        let record =
            self.as_person(|settings, state, by| deals::create(settings, state, object(body)?, by))?;
        Ok(record["id"].as_i64().unwrap_or_default())
    }

    /// Edits a deal; the body is that of a PATCH, and null cuts the links to organization and person.
    pub fn edit_deal(&self, id: i64, body: &Value) -> Result<(), String> {
        self.as_person(|settings, state, by| deals::update(settings, state, id, object(body)?, by)).map(drop)
    }

    /// Marks a deal as won.
    pub fn win_deal(&self, id: i64) -> Result<(), String> {
        self.edit_deal(id, &json!({"status": "won"}))
    }

    /// Marks a deal as lost.
    pub fn lose_deal(&self, id: i64, reason: &str) -> Result<(), String> {
        self.edit_deal(id, &json!({"status": "lost", "lost_reason": reason}))
    }

    /// Opens a won or lost deal again.
    pub fn reopen_deal(&self, id: i64) -> Result<(), String> {
        self.edit_deal(id, &json!({"status": "open"}))
    }

    /// Drags a deal to another stage, of whichever pipeline.
    pub fn move_deal(&self, id: i64, stage_id: i64) -> Result<(), String> {
        self.edit_deal(id, &json!({"stage_id": stage_id}))
    }

    /// Archives a deal, or gets it back from there.
    pub fn archive_deal(&self, id: i64, archived: bool) -> Result<(), String> {
        self.edit_deal(id, &json!({"is_archived": archived}))
    }

    /// Deletes a deal, also an archived one.
    pub fn delete_deal(&self, id: i64) -> Result<(), String> {
        self.as_person(|settings, state, by| deals::delete(settings, state, id, by)).map(drop)
    }

    /// Id and content of the notes on a deal that are not deleted, by id.
    pub fn notes_on_deal(&self, deal: i64) -> Vec<(i64, String)> {
        notes::on_deal(&self.lock(), deal)
    }

    /// Writes something else into a note.
    pub fn edit_note(&self, id: i64, content: &str) -> Result<(), String> {
        let edit = |state: &mut _, by: &_| notes::change(state, id, Some(content), by);
        self.as_person(|_, state, by| edit(state, by).map(|()| Value::Null)).map(drop)
    }

    /// Deletes a note.
    pub fn delete_note(&self, id: i64) -> Result<(), String> {
        let delete = |state: &mut _, by: &_| notes::change(state, id, None, by);
        self.as_person(|_, state, by| delete(state, by).map(|()| Value::Null)).map(drop)
    }

    /// Creates a person; the body is that of the API.
    pub fn create_person(&self, body: &Value) -> Result<i64, String> {
        let record =
            self.as_person(|settings, state, by| persons::create(settings, state, object(body)?, by))?;
        Ok(record["id"].as_i64().unwrap_or_default())
    }

    /// Edits a person; the body is that of a PATCH.
    pub fn edit_person(&self, id: i64, body: &Value) -> Result<(), String> {
        self.as_person(|settings, state, by| persons::update(settings, state, id, object(body)?, by))
            .map(drop)
    }

    /// Deletes a person.
    pub fn delete_person(&self, id: i64) -> Result<(), String> {
        self.as_person(|settings, state, by| persons::delete(settings, state, id, by)).map(drop)
    }

    /// All activities, deleted ones included until they are purged, by id.
    pub fn activities(&self) -> Vec<ActivityView> {
        self.lock().activities.all().map(ActivityView::of).collect()
    }

    /// Creates an activity; the body is that of the API.
    pub fn create_activity(&self, body: &Value) -> Result<i64, String> {
        let record =
            self.as_person(|settings, state, by| activities::create(settings, state, object(body)?, by))?;
        Ok(record["id"].as_i64().unwrap_or_default())
    }

    /// Edits an activity, or marks it as done; the body is that of a PATCH, and null cuts links.
    pub fn edit_activity(&self, id: i64, body: &Value) -> Result<(), String> {
        self.as_person(|settings, state, by| activities::update(settings, state, id, object(body)?, by))
            .map(drop)
    }

    /// Deletes an activity.
    pub fn delete_activity(&self, id: i64) -> Result<(), String> {
        self.as_person(|settings, state, by| activities::delete(settings, state, id, by)).map(drop)
    }

    /// Adds a type of activities and gives its key.
    pub fn add_activity_type(&self, name: &str) -> String {
        let now = whole(self.now());
        self.lock().v1.activity_types.add(name, now)
    }

    /// Switches a type of activities off.
    pub fn switch_off_activity_type(&self, key: &str) -> Result<(), String> {
        let now = whole(self.now());
        let found = self.lock().v1.activity_types.switch_off(key, now);
        found.then_some(()).ok_or_else(|| format!("there is no activity type {key} in use"))
    }

    /// Merges an organization into another one, which survives.
    pub fn merge_organizations(&self, loser: i64, survivor: i64) -> Result<(), String> {
        self.as_person(|settings, state, by| merge::organizations(settings, state, loser, survivor, by))
            .map(drop)
    }

    /// Merges a deal into another one, which survives.
    pub fn merge_deals(&self, loser: i64, survivor: i64) -> Result<(), String> {
        self.as_person(|settings, state, by| merge::deals(settings, state, loser, survivor, by)).map(drop)
    }

    /// Adds a pipeline without stages.
    pub fn add_pipeline(&self, name: &str) -> i64 {
        let now = whole(self.now()).to_string();
        self.lock().pipelines.add(name, &now)
    }

    /// Adds a stage at the end of a pipeline.
    pub fn add_stage(&self, pipeline_id: i64, name: &str) -> Result<i64, String> {
        let now = whole(self.now()).to_string();
        let stage = self.lock().pipelines.add_stage(pipeline_id, name, &now);
        stage.ok_or_else(|| format!("there is no pipeline {pipeline_id}"))
    }

    /// Saves a filter: `{"entity": "deal", "ids": [1, 2]}`, or with `owner_id`, or with both.
    pub fn save_filter(&self, filter: &Value) -> Result<i64, String> {
        let filter: Filter = serde_json::from_value(filter.clone()).map_err(|error| error.to_string())?;
        filter.check().map_err(|problem| problem.error)?;
        let filters = &mut self.lock().filters;
        let id = filters.last_key_value().map_or(1, |(id, _)| id + 1);
        filters.insert(id, filter);
        Ok(id)
    }
}
