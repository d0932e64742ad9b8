//! Answering on deals and organizations how the way of a customer into the ERP stands: a few custom fields of our own.
//!
//! They are made when there is something to say for the first time. A company without room for them, or a user who may not make
//! them, has handovers without answers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use saas_http::Endpoint as _;
use serde_json::Value as Json;
use sync_core::{
    budget::Class,
    deals::CrmDeal,
    error::{CallError, Effect, ErrorKind},
    fields::CustomKind,
    handover::{AnswerField, AnsweredOn},
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
    client::Pipedrive,
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
    /// Codes by field; a kind of record is not in it before its fields were looked up.
    codes: BTreeMap<AnsweredOn, BTreeMap<AnswerField, String>>,
    /// Fields whose creation got no answer, and until when it may still take effect.
    doubts: BTreeMap<(AnsweredOn, AnswerField), Timestamp>,
    /// Why a field could not be made, and until when it is not tried again.
    refused: BTreeMap<AnsweredOn, (Timestamp, CallError)>,
}

/// A right, or room, that is missing is not asked for again before this: looking takes 10 tokens a hundred fields.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(24);

fn fielded(on: AnsweredOn) -> Fielded {
    match on {
        AnsweredOn::Deals => Fielded::Deals,
        AnsweredOn::Orgs => Fielded::Organizations,
    }
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

    /// Makes sure that the fields exist in which answers are written on these records. Tells whether any was made.
    pub(crate) async fn make_answer_fields(&self, on: AnsweredOn, class: Class) -> Called<bool> {
        let mut state = self.answer_fields.lock().await;
        if state.codes.contains_key(&on) {
            return Ok(false);
        }
        if let Some((_, error)) = state.refused.get(&on).filter(|(until, _)| self.clock.now() < *until) {
            return Err(error.clone());
        }
        let (codes, some) = self.fields_of(&mut state, on, class).await?;
        state.codes.insert(on, codes);
        state.doubts.retain(|(of, _), _| *of != on);
        state.refused.remove(&on);
        self.learn_asked_of_deals(None);
        Ok(some)
    }

    /// The codes of the fields on some records, making those that are missing; and whether any was.
    async fn fields_of(
        &self,
        state: &mut AnswerFields,
        on: AnsweredOn,
        class: Class,
    ) -> Called<(BTreeMap<AnswerField, String>, bool)> {
        let wanted = match on {
            AnsweredOn::Deals => &self.asked.on_deal,
            AnsweredOn::Orgs => &self.asked.on_org,
        };
        let mut codes = BTreeMap::new();
        if wanted.is_empty() {
            return Ok((codes, false));
        }
        let page = |cursor| ListFields { resource: fielded(on).resource(), cursor };
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
            codes.insert(*field, self.make_field(state, (on, *field), class).await?);
        }
        Ok((codes, !missing.is_empty()))
    }

    /// Names are not unique there: after a lost answer nothing is made again until it can no longer take effect.
    async fn make_field(
        &self,
        state: &mut AnswerFields,
        (on, field): (AnsweredOn, AnswerField),
        class: Class,
    ) -> Called<String> {
        let now = self.clock.now();
        if let Some(until) = state.doubts.get(&(on, field)).filter(|until| now < **until) {
            let kind = ErrorKind::Transient { after: Some(until.duration_since(now)) };
            let message = "a custom field may still be about to appear";
            return Err(CallError::without_effect(CreateField::NAME, kind, message));
        }
        let create = CreateField { resource: fielded(on).resource(), name: field.label(), kind: KIND };
        let made = new_code(&self.caller, &create, class).await;
        if let Err(error) = &made {
            let now = self.clock.now();
            if error.effect == Effect::InDoubt {
                state.doubts.insert((on, field), now + self.timeout + MARGIN);
            } else if matches!(error.kind, ErrorKind::Rejected | ErrorKind::Forbidden | ErrorKind::Missing) {
                state.refused.insert(on, (now + REFUSED_FOR, error.clone()));
            }
        }
        let code = made?;
        tracing::info!(
            field.name = field.label(),
            field.code = code,
            of = create.resource,
            "custom field created"
        );
        Ok(code)
    }

    /// What to send for these changes. The fields are made before anything is written.
    async fn coded(&self, on: AnsweredOn, changes: &Changes) -> Called<BTreeMap<String, Json>> {
        let codes = self.answer_fields.lock().await.codes.get(&on).cloned().unwrap_or_default();
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
        let custom = self.coded(AnsweredOn::Deals, changes).await?;
        let body = deal_json::body(&DealChanges { value: None, custom })
            .map_err(|why| CallError::without_effect(UpdateDeal::NAME, ErrorKind::Rejected, why))?;
        let update = UpdateDeal { id, body: body.into() };
        let sent = self.one(&update, permit, deal_json::read).await;
        self.unless_gone(AnsweredOn::Deals, sent).await
    }

    /// Sets answers on an organization.
    pub(crate) async fn write_on_org(&self, permit: Permit, id: OrgId, changes: &Changes) -> Called<()> {
        let custom = self.coded(AnsweredOn::Orgs, changes).await?;
        if custom.is_empty() {
            let message = "there is nothing to write";
            return Err(CallError::without_effect(UpdateOrganization::NAME, ErrorKind::Rejected, message));
        }
        let custom: serde_json::Map<String, Json> = custom.into_iter().collect();
        let body = serde_json::json!({ "custom_fields": custom });
        let sent = self.one(&UpdateOrganization { id, body }, permit, |_| Ok(())).await;
        self.unless_gone(AnsweredOn::Orgs, sent).await
    }

    /// A field that somebody deleted is looked up, or made, before the next answer.
    async fn unless_gone<T>(&self, on: AnsweredOn, sent: Called<T>) -> Called<T> {
        if sent.as_ref().is_err_and(|error| error.kind == ErrorKind::UnknownField) {
            self.answer_fields.lock().await.codes.remove(&on);
            self.learn_asked_of_deals(None);
        }
        sent
    }
}
