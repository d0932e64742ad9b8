//! Making sure that our custom fields exist, once each.
//!
//! Names are not unique there, so a field is looked for before it is created, every time; and after a create
//! whose answer was lost nothing is created again until the lost request can no longer take effect.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use saas_http::{Answer, Caller, Endpoint, Pass, scalar::int};
use sync_core::{
    budget::Class,
    error::{CallError, Effect, ErrorKind},
    fields::{CustomField, CustomKind, Field},
    handover::Interest,
    ports::{Called, Clock, Missing},
    text::squeeze,
};

use crate::{
    answers::OwnField,
    api::organization_fields::{CreateField, FieldDto, ListFields, ORGANIZATIONS, OptionDto, type_of},
    asked::AskedFields,
    client::unreadable,
    codes::{Code, Codes, Labels},
};

/// Added to the request timeout: after that a lost request has taken effect or never will.
pub(crate) const MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// A person waits for the first preparation, and nothing else works without it.
const CLASS: Class = Class::Urgent;

/// What a company has to have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Custom fields; they are created.
    pub(crate) fields: &'a [CustomField],
    /// Labels of organizations; they are not: that options of a built-in field can be added is nowhere promised (2).
    pub(crate) labels: &'a [String],
    /// What rules ask about beside; it is nobody's duty to have it.
    pub(crate) asked: &'a Interest,
}

/// What is remembered between preparations.
#[derive(Debug, Default)]
pub(crate) struct Provision {
    /// Fields whose creation got no answer, and until when it may still take effect.
    doubts: BTreeMap<Field, Timestamp>,
}

impl Provision {
    /// The codes of all our fields, creating those that are missing.
    pub(crate) async fn run(
        &mut self,
        wanted: Wanted<'_>,
        caller: &Caller,
        clock: &dyn Clock,
        timeout: SignedDuration,
    ) -> Called<Codes> {
        let Wanted { fields, labels, asked } = wanted;
        let Found { mut known, labels: all_labels, asked } = list(fields, asked, caller).await?;
        let all_labels = with_ours(labels, all_labels)?;
        for custom in fields {
            let CustomField { field, name, kind } = custom;
            let (field, kind) = (*field, *kind);
            if known.contains_key(&field) {
                continue;
            }
            if matches!(kind, CustomKind::Option | CustomKind::Options) {
                // Nobody but the company knows which options it should have.
                let message = format!(
                    "there is no custom field \"{name}\" of type {}: create it in Pipedrive with its options",
                    type_of(kind)
                );
                return Err(CallError::without_effect(ListFields::NAME, ErrorKind::Rejected, message));
            }
            self.no_doubt(field, clock.now())?;
            let create = CreateField { resource: ORGANIZATIONS, name, kind };
            let code = new_code(caller, &create, CLASS).await.inspect_err(|error| {
                if error.effect == Effect::InDoubt {
                    self.doubts.insert(field, clock.now() + timeout + MARGIN);
                }
            })?;
            tracing::info!(field.name = name, field.code = code, "custom field created");
            known.insert(field, Code { code, kind, options: BTreeMap::new() });
        }
        self.doubts.clear();
        let codes = Codes::complete(fields, known);
        codes
            .map(|codes| codes.with_labels(all_labels).asking(asked))
            .ok_or_else(|| unreadable::<ListFields>("a custom field has no code"))
    }

    /// The codes of those fields that exist, and the ones that do not. Creates nothing.
    pub(crate) async fn look(wanted: Wanted<'_>, caller: &Caller) -> Called<(Codes, Missing)> {
        let Wanted { fields, labels, asked } = wanted;
        let Found { known, labels: all_labels, asked } = list(fields, asked, caller).await?;
        let all_labels = with_ours(labels, all_labels)?;
        let missing: Vec<Field> =
            fields.iter().map(|custom| custom.field).filter(|field| !known.contains_key(field)).collect();
        let tokens = u32::try_from(missing.len()).unwrap_or(u32::MAX).saturating_mul(CreateField::TOKENS);
        Ok((Codes::partial(known).with_labels(all_labels).asking(asked), Missing { fields: missing, tokens }))
    }

    fn no_doubt(&self, field: Field, now: Timestamp) -> Called<()> {
        match self.doubts.get(&field) {
            Some(&until) if now < until => {
                let kind = ErrorKind::Transient { after: Some(until.duration_since(now)) };
                let message = "a custom field may still be about to appear";
                Err(CallError::without_effect(CreateField::NAME, kind, message))
            }
            _ => Ok(()),
        }
    }
}

/// The labels, if ours are among them; none if none are wanted.
fn with_ours(wanted: &[String], known: Option<Labels>) -> Called<Option<Labels>> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let known = known.unwrap_or_default();
    match wanted.iter().find(|name| known.known(name).is_none()) {
        None => Ok(Some(known)),
        Some(name) => {
            let message =
                format!("there is no label \"{name}\": create it in Pipedrive, as a label of organizations");
            Err(CallError::without_effect(ListFields::NAME, ErrorKind::Rejected, message))
        }
    }
}

/// What organizations have of what we look for.
struct Found {
    /// Our fields.
    known: BTreeMap<Field, Code>,
    /// All labels.
    labels: Option<Labels>,
    /// What rules ask about.
    asked: AskedFields,
}

async fn list(fields: &[CustomField], interest: &Interest, caller: &Caller) -> Called<Found> {
    let mut known: BTreeMap<Field, Code> = BTreeMap::new();
    let (mut labels, mut asked, mut cursor) = (None, AskedFields::default(), None);
    let own = interest.on_org.iter().copied().map(OwnField::Answer).collect();
    loop {
        let answer = caller
            .send(&ListFields { resource: ORGANIZATIONS, cursor: cursor.clone() }, Pass::Class(CLASS))
            .await?;
        let listed = answer.value.listed().map_err(unreadable::<ListFields>)?;
        for row in listed.rows {
            let Ok(row) = serde_json::from_value::<FieldDto>(row) else { continue };
            asked.note(interest, &own, &row);
            if row.is_labels() {
                labels = Some(Labels::of(options(row.options)));
                continue;
            }
            let Some((field, code)) = ours(fields, row) else { continue };
            // The first one listed stays ours, also when a person made another of the same name.
            if let Some(first) = known.get(&field) {
                tracing::warn!(
                    field.name = field.label(),
                    field.code = first.code,
                    "several custom fields have this name"
                );
                continue;
            }
            known.insert(field, code);
        }
        match listed.next {
            Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
            _ => return Ok(Found { known, labels, asked }),
        }
    }
}

/// Makes a field and gives its code.
pub(crate) async fn new_code(caller: &Caller, create: &CreateField<'_>, class: Class) -> Called<String> {
    let Answer { value, correlation, .. } = caller.send(create, Pass::Class(class)).await?;
    let code = value.one().and_then(|data| {
        let dto: Option<FieldDto> = serde_json::from_value(data).ok();
        dto.and_then(|dto| dto.field_code).filter(|code| !code.is_empty()).ok_or("the new field has no code")
    });
    code.map_err(|what| unreadable::<CreateField>(what).with_correlation(correlation))
}

/// Which field of ours this is, by name, kind and type.
fn ours(fields: &[CustomField], row: FieldDto) -> Option<(Field, Code)> {
    let FieldDto { field_name, field_code, field_type, is_custom_field, options: all } = row;
    if is_custom_field != Some(true) {
        return None;
    }
    let name = squeeze(&field_name?);
    let custom = fields.iter().find(|custom| {
        squeeze(&custom.name) == name && field_type.as_deref() == Some(type_of(custom.kind))
    })?;
    let code = field_code.filter(|code| !code.is_empty())?;
    Some((custom.field, Code { code, kind: custom.kind, options: options(all) }))
}

/// Labels by id.
fn options(all: Option<Vec<OptionDto>>) -> BTreeMap<i64, String> {
    let readable = |option: OptionDto| Some((int("id", option.id.as_ref()).ok()??, squeeze(&option.label?)));
    all.into_iter().flatten().filter_map(readable).collect()
}
