//! A few custom fields of our own: on deals and organizations how the way of a customer into the ERP stands, on deals what they
//! have of documents.
//!
//! They are made when there is something to say for the first time. A company without room for them, or a user who may not make
//! them, has handovers without answers and notes alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use saas_http::Endpoint as _;
use serde_json::Value as Json;
use sync_core::{
    budget::Class,
    deals::CrmDeal,
    documents::{FieldWrite, RollUpField, RollUpValue},
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

/// The type of all answers: searchable, and with room for a link.
const ANSWER: CustomKind = CustomKind::ShortText;

/// What is set; none clears.
type Changes = BTreeMap<AnswerField, Option<String>>;

/// Fields that are made together, once one of them has something to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Together {
    /// Answers on these records.
    Answers(AnsweredOn),
    /// What deals show of documents.
    RollUps,
}

/// A field of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnField {
    Answer(AnswerField),
    RollUp(RollUpField),
}

impl Together {
    fn fielded(self) -> Fielded {
        match self {
            Self::Answers(AnsweredOn::Deals) | Self::RollUps => Fielded::Deals,
            Self::Answers(AnsweredOn::Orgs) => Fielded::Organizations,
        }
    }
}

impl OwnField {
    fn label(self) -> &'static str {
        match self {
            Self::Answer(field) => field.label(),
            Self::RollUp(field) => field.label(),
        }
    }

    fn kind(self) -> CustomKind {
        match self {
            Self::Answer(_) => ANSWER,
            Self::RollUp(field) => field.kind(),
        }
    }

    /// Whether a field of the company is this one.
    pub(crate) fn is(self, row: &FieldDto) -> bool {
        row.is_custom_field == Some(true)
            && row.field_type.as_deref() == Some(type_of(self.kind()))
            && row.field_name.as_deref().is_some_and(|name| squeeze(name) == self.label())
    }
}

/// Where we write.
#[derive(Debug, Default)]
pub(crate) struct OwnFields {
    /// Codes by field; what was not looked up is not in it.
    codes: BTreeMap<Together, BTreeMap<OwnField, String>>,
    /// Fields whose creation got no answer, and until when it may still take effect.
    doubts: BTreeMap<(Together, OwnField), Timestamp>,
    /// Why a field could not be made, and until when it is not tried again.
    refused: BTreeMap<Together, (Timestamp, CallError)>,
}

/// A right, or room, that is missing is not asked for again before this: looking takes 10 tokens a hundred fields.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(24);

impl Pipedrive {
    /// Tokens for one answer: a PATCH of a deal costs as much as one of an organization.
    pub(crate) const ANSWER: u32 = UpdateDeal::TOKENS;

    /// Makes sure that the fields exist in which we write on these records. Tells whether any was made.
    pub(crate) async fn make_own_fields(&self, of: Together, class: Class) -> Called<bool> {
        let mut state = self.own_fields.lock().await;
        if state.codes.contains_key(&of) {
            return Ok(false);
        }
        if let Some((_, error)) = state.refused.get(&of).filter(|(until, _)| self.clock.now() < *until) {
            return Err(error.clone());
        }
        let (codes, some) = self.fields_of(&mut state, of, class).await?;
        state.codes.insert(of, codes);
        state.doubts.retain(|(other, _), _| *other != of);
        state.refused.remove(&of);
        self.learn_asked_of_deals(None);
        Ok(some)
    }

    fn own(&self, of: Together) -> BTreeSet<OwnField> {
        let answers = |fields: &BTreeSet<AnswerField>| fields.iter().copied().map(OwnField::Answer).collect();
        match of {
            Together::Answers(AnsweredOn::Deals) => answers(&self.asked.on_deal),
            Together::Answers(AnsweredOn::Orgs) => answers(&self.asked.on_org),
            Together::RollUps => self.asked.rolled.iter().copied().map(OwnField::RollUp).collect(),
        }
    }

    /// The codes of the fields on some records, making those that are missing; and whether any was.
    async fn fields_of(
        &self,
        state: &mut OwnFields,
        of: Together,
        class: Class,
    ) -> Called<(BTreeMap<OwnField, String>, bool)> {
        let wanted = self.own(of);
        let mut codes = BTreeMap::new();
        if wanted.is_empty() {
            return Ok((codes, false));
        }
        let page = |cursor| ListFields { resource: of.fielded().resource(), cursor };
        let read = |row: &Json| Ok(serde_json::from_value::<FieldDto>(row.clone()).ok());
        for row in self.every(class, page, read).await? {
            let ours = wanted.iter().find(|field| field.is(&row));
            let code = row.field_code.filter(|code| !code.is_empty());
            if let Some((field, code)) = ours.zip(code) {
                // The first one listed stays ours, also when a person made another of the same name.
                codes.entry(*field).or_insert(code);
            }
        }
        let missing: Vec<OwnField> =
            wanted.iter().copied().filter(|field| !codes.contains_key(field)).collect();
        for field in &missing {
            codes.insert(*field, self.make_field(state, (of, *field), class).await?);
        }
        Ok((codes, !missing.is_empty()))
    }

    /// Names are not unique there: after a lost answer nothing is made again until it can no longer take effect.
    async fn make_field(
        &self,
        state: &mut OwnFields,
        (of, field): (Together, OwnField),
        class: Class,
    ) -> Called<String> {
        let now = self.clock.now();
        if let Some(until) = state.doubts.get(&(of, field)).filter(|until| now < **until) {
            let kind = ErrorKind::Transient { after: Some(until.duration_since(now)) };
            let message = "a custom field may still be about to appear";
            return Err(CallError::without_effect(CreateField::NAME, kind, message));
        }
        let create =
            CreateField { resource: of.fielded().resource(), name: field.label(), kind: field.kind() };
        let made = new_code(&self.caller, &create, class).await;
        if let Err(error) = &made {
            let now = self.clock.now();
            if error.effect == Effect::InDoubt {
                state.doubts.insert((of, field), now + self.timeout + MARGIN);
            } else if matches!(error.kind, ErrorKind::Rejected | ErrorKind::Forbidden | ErrorKind::Missing) {
                state.refused.insert(of, (now + REFUSED_FOR, error.clone()));
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
    async fn coded(
        &self,
        of: Together,
        changes: impl IntoIterator<Item = (OwnField, Json)>,
    ) -> Called<BTreeMap<String, Json>> {
        let codes = self.own_fields.lock().await.codes.get(&of).cloned().unwrap_or_default();
        let coded = changes.into_iter().map(|(field, value)| {
            let code = codes.get(&field).cloned().ok_or_else(|| {
                let message = format!("the field {} does not exist yet", field.label());
                CallError::without_effect(UpdateDeal::NAME, ErrorKind::UnknownField, message)
            })?;
            Ok((code, value))
        });
        coded.collect()
    }

    /// Sets fields of a deal and gives what became of it.
    async fn write_own(
        &self,
        permit: Permit,
        (id, of): (DealId, Together),
        custom: BTreeMap<String, Json>,
    ) -> Called<CrmDeal> {
        let body = deal_json::body(&DealChanges { value: None, custom })
            .map_err(|why| CallError::without_effect(UpdateDeal::NAME, ErrorKind::Rejected, why))?;
        let update = UpdateDeal { id, body: body.into() };
        let sent = self.one(&update, permit, deal_json::read).await;
        self.unless_gone(of, sent).await
    }

    /// Sets what a deal shows of its documents.
    pub(crate) async fn write_roll_ups(
        &self,
        permit: Permit,
        id: DealId,
        writes: &[FieldWrite],
    ) -> Called<CrmDeal> {
        let mut values = Vec::with_capacity(writes.len());
        for write in writes {
            let value = match &write.value {
                None => Json::Null,
                Some(RollUpValue::Text(text)) => Json::String(text.clone()),
                Some(RollUpValue::Date(day)) => Json::String(day.to_string()),
                Some(RollUpValue::Count(count)) => Json::from(*count),
                Some(RollUpValue::Money(money)) => deal_json::monetary(money)
                    .map_err(|why| CallError::without_effect(UpdateDeal::NAME, ErrorKind::Rejected, why))?,
            };
            values.push((OwnField::RollUp(write.field), value));
        }
        let custom = self.coded(Together::RollUps, values).await?;
        self.write_own(permit, (id, Together::RollUps), custom).await
    }

    /// Sets answers on a deal.
    pub(crate) async fn write_on_deal(
        &self,
        permit: Permit,
        id: DealId,
        changes: &Changes,
    ) -> Called<CrmDeal> {
        let of = Together::Answers(AnsweredOn::Deals);
        let custom = self.coded(of, answers(changes)).await?;
        self.write_own(permit, (id, of), custom).await
    }

    /// Sets answers on an organization.
    pub(crate) async fn write_on_org(&self, permit: Permit, id: OrgId, changes: &Changes) -> Called<()> {
        let of = Together::Answers(AnsweredOn::Orgs);
        let custom = self.coded(of, answers(changes)).await?;
        if custom.is_empty() {
            let message = "there is nothing to write";
            return Err(CallError::without_effect(UpdateOrganization::NAME, ErrorKind::Rejected, message));
        }
        let custom: serde_json::Map<String, Json> = custom.into_iter().collect();
        let body = serde_json::json!({ "custom_fields": custom });
        let sent = self.one(&UpdateOrganization { id, body }, permit, |_| Ok(())).await;
        self.unless_gone(of, sent).await
    }

    /// A field that somebody deleted is looked up, or made, before the next answer.
    async fn unless_gone<T>(&self, of: Together, sent: Called<T>) -> Called<T> {
        if sent.as_ref().is_err_and(|error| error.kind == ErrorKind::UnknownField) {
            self.own_fields.lock().await.codes.remove(&of);
            self.learn_asked_of_deals(None);
        }
        sent
    }
}

fn answers(changes: &Changes) -> impl Iterator<Item = (OwnField, Json)> {
    changes
        .iter()
        .map(|(field, value)| (OwnField::Answer(*field), value.clone().map_or(Json::Null, Json::String)))
}
