//! Answering on deals and organizations how the way of a customer into the ERP stands: a few custom fields of our own.
//!
//! They are made when there is something to say for the first time. A company without room for them, or a user who may not make
//! them, has handovers without answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use saas_http::{Answer, Endpoint as _, Pass};
use serde_json::Value as Json;
use sync_core::{
    budget::Class,
    deals::CrmDeal,
    error::{CallError, Effect, ErrorKind},
    fields::CustomKind,
    handover::AnswerField,
    ids::{DealId, OrgId},
    ports::{Called, Permit},
    text::squeeze,
};

use crate::{
    api::{
        deals::UpdateDeal,
        organization_fields::{CreateField, FieldDto, ListFields, type_of},
        organizations::UpdateOrganization,
    },
    client::{Pipedrive, unreadable},
    deal_json,
    deals::DealChanges,
    provision::{MARGIN, new_code},
    survey::Fielded,
};

/// The type of all of them: searchable, and with room for a link.
const KIND: CustomKind = CustomKind::ShortText;

/// What is set; none clears.
type Changes = BTreeMap<AnswerField, Option<String>>;

/// Where answers are written.
#[derive(Debug, Default)]
pub(crate) struct AnswerFields {
    /// Codes by field, of deals and of organizations; none before they were looked up.
    codes: Option<[BTreeMap<AnswerField, String>; 2]>,
    /// Fields whose creation got no answer, and until when it may still take effect.
    doubts: BTreeMap<(Fielded, AnswerField), Timestamp>,
}

/// Whether a field of the company is this one of ours.
pub(crate) fn is_ours(row: &FieldDto, field: AnswerField) -> bool {
    row.is_custom_field == Some(true)
        && row.field_type.as_deref() == Some(type_of(KIND))
        && row.field_name.as_deref().is_some_and(|name| squeeze(name) == field.label())
}

impl Pipedrive {
    /// Tokens for one answer: a PATCH of a deal costs as much as one of an organization.
    pub(crate) const ANSWER: u32 = UpdateDeal::TOKENS;

    /// Makes sure that the fields exist in which answers are written. Tells whether any was made.
    pub(crate) async fn make_answer_fields(&self, class: Class) -> Called<bool> {
        let mut state = self.answer_fields.lock().await;
        if state.codes.is_some() {
            return Ok(false);
        }
        let (of_deals, some) = self.fields_of(&mut state, Fielded::Deals, &self.asked.on_deal, class).await?;
        let (of_orgs, others) =
            self.fields_of(&mut state, Fielded::Organizations, &self.asked.on_org, class).await?;
        state.codes = Some([of_deals, of_orgs]);
        state.doubts.clear();
        self.learn_asked_of_deals(None);
        Ok(some || others)
    }

    /// The codes of some fields, making those that are missing; and whether any was.
    async fn fields_of(
        &self,
        state: &mut AnswerFields,
        of: Fielded,
        wanted: &BTreeSet<AnswerField>,
        class: Class,
    ) -> Called<(BTreeMap<AnswerField, String>, bool)> {
        let mut codes = BTreeMap::new();
        if wanted.is_empty() {
            return Ok((codes, false));
        }
        let page = |cursor| ListFields { resource: of.resource(), cursor };
        let read = |row: &Json| Ok(serde_json::from_value::<FieldDto>(row.clone()).ok());
        for row in self.every(class, page, read).await? {
            let ours = wanted.iter().find(|field| is_ours(&row, **field));
            let code = row.field_code.filter(|code| !code.is_empty());
            if let Some((field, code)) = ours.zip(code) {
                // The first one listed stays ours, also when a person made another of the same name.
                codes.entry(*field).or_insert(code);
            }
        }
        let missing: Vec<AnswerField> =
            wanted.iter().copied().filter(|field| !codes.contains_key(field)).collect();
        for field in &missing {
            codes.insert(*field, self.make_field(state, (of, *field), class).await?);
        }
        Ok((codes, !missing.is_empty()))
    }

    /// Names are not unique there: after a lost answer nothing is made again until it can no longer take effect.
    async fn make_field(
        &self,
        state: &mut AnswerFields,
        (of, field): (Fielded, AnswerField),
        class: Class,
    ) -> Called<String> {
        let now = self.clock.now();
        if let Some(until) = state.doubts.get(&(of, field)).filter(|until| now < **until) {
            let kind = ErrorKind::Transient { after: Some(until.duration_since(now)) };
            let message = "a custom field may still be about to appear";
            return Err(CallError::without_effect(CreateField::NAME, kind, message));
        }
        let create = CreateField { resource: of.resource(), name: field.label(), kind: KIND };
        let made = new_code(&self.caller, &create, class).await;
        if made.as_ref().is_err_and(|error| error.effect == Effect::InDoubt) {
            state.doubts.insert((of, field), self.clock.now() + self.timeout + MARGIN);
        }
        let code = made?;
        tracing::info!(
            field.name = field.label(),
            field.code = code,
            of = of.resource(),
            "custom field created"
        );
        Ok(code)
    }

    /// What to send for these changes. The fields are made before anything is written.
    async fn coded(&self, of: Fielded, changes: &Changes) -> Called<BTreeMap<String, Json>> {
        let state = self.answer_fields.lock().await;
        let [of_deals, of_orgs] = state.codes.clone().unwrap_or_default();
        drop(state);
        let codes = if of == Fielded::Deals { of_deals } else { of_orgs };
        let coded = changes.iter().map(|(field, value)| {
            let code = codes.get(field).cloned().ok_or_else(|| {
                let message = format!("the field {} does not exist yet", field.label());
                CallError::without_effect(UpdateDeal::NAME, ErrorKind::UnknownField, message)
            })?;
            Ok((code, value.clone().map_or(Json::Null, Json::String)))
        });
        coded.collect()
    }

    /// Sets answers on a deal.
    pub(crate) async fn write_on_deal(
        &self,
        permit: Permit,
        id: DealId,
        changes: &Changes,
    ) -> Called<CrmDeal> {
        let custom = self.coded(Fielded::Deals, changes).await?;
        let body = deal_json::body(&DealChanges { value: None, custom })
            .map_err(|why| CallError::without_effect(UpdateDeal::NAME, ErrorKind::Rejected, why))?;
        let update = UpdateDeal { id, body: body.into() };
        let sent = self.caller.send(&update, Pass::Permit(permit)).await;
        let Answer { value, correlation, .. } = self.unless_gone(sent).await?;
        let deal = value.one().map_err(str::to_owned).and_then(|data| deal_json::read(&data));
        deal.map_err(|what| unreadable::<UpdateDeal>(what).with_correlation(correlation))
    }

    /// Sets answers on an organization.
    pub(crate) async fn write_on_org(&self, permit: Permit, id: OrgId, changes: &Changes) -> Called<()> {
        let custom = self.coded(Fielded::Organizations, changes).await?;
        if custom.is_empty() {
            let message = "there is nothing to write";
            return Err(CallError::without_effect(UpdateOrganization::NAME, ErrorKind::Rejected, message));
        }
        let custom: serde_json::Map<String, Json> = custom.into_iter().collect();
        let body = serde_json::json!({ "custom_fields": custom });
        let sent = self.caller.send(&UpdateOrganization { id, body }, Pass::Permit(permit)).await;
        let Answer { value, correlation, .. } = self.unless_gone(sent).await?;
        let done = value.one().map(drop);
        done.map_err(|what| unreadable::<UpdateOrganization>(what).with_correlation(correlation))
    }

    /// A field that somebody deleted is looked up, or made, before the next answer.
    async fn unless_gone<T>(&self, sent: Called<T>) -> Called<T> {
        if sent.as_ref().is_err_and(|error| error.kind == ErrorKind::UnknownField) {
            self.answer_fields.lock().await.codes = None;
            self.learn_asked_of_deals(None);
        }
        sent
    }
}
