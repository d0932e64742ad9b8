//! What rules ask about beside the mapped fields: labels, and custom fields by name or code, of organizations and of deals.
//!
//! Nothing that is written depends on it, so whatever cannot be read of it counts as not said.

use std::collections::{BTreeMap, BTreeSet};

use saas_http::scalar::{amount, day, int, text};
use serde_json::{Map, Value as Json};
use sync_core::{
    documents::{RollUpField, RollUpValue},
    fields::CustomKind,
    handover::{Answers, Interest},
    money::Money,
    text::squeeze,
};

use crate::{
    answers::OwnField,
    api::organization_fields::{FieldDto, OptionDto},
    codes::Labels,
};

/// The fields that are asked about, as one kind of record has them, and its labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AskedFields {
    /// By the names that the rules have for them; the first of several of one name.
    fields: BTreeMap<String, AskedField>,
    labels: Option<Labels>,
    /// Codes of the fields in which we write ourselves.
    own: BTreeMap<OwnField, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AskedField {
    code: String,
    /// Labels by id, of an option field.
    options: BTreeMap<i64, String>,
}

impl AskedFields {
    /// Takes note of a field of the company, if it is asked about.
    pub(crate) fn note(&mut self, interest: &Interest, own: &BTreeSet<OwnField>, row: &FieldDto) {
        if row.is_labels() {
            self.labels = interest.labels.then(|| Labels::of(options(row)));
            return;
        }
        let Some(code) = row.field_code.as_deref().filter(|code| !code.is_empty()) else { return };
        if row.is_custom_field != Some(true) {
            return;
        }
        for field in own.iter().filter(|field| field.is(row)) {
            self.own.entry(*field).or_insert_with(|| code.to_owned());
        }
        let name = row.field_name.as_deref().unwrap_or_default();
        for asked in &interest.fields {
            if asked.trim() == code || same(asked, name) {
                let field = || AskedField { code: code.to_owned(), options: options(row) };
                self.fields.entry(asked.clone()).or_insert_with(field);
            }
        }
    }

    /// The codes of those that exist.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        let own = self.own.values().map(String::as_str);
        self.fields.values().map(|field| field.code.as_str()).chain(own)
    }

    /// The names of the labels with these ids; one that is not known has none.
    pub(crate) fn labels(&self, ids: &[i64]) -> Vec<String> {
        let Some(labels) = &self.labels else { return Vec::new() };
        ids.iter().filter_map(|id| labels.if_known(*id)).collect()
    }

    /// What the fields say that say something, as people read it.
    pub(crate) fn read<'a>(&self, said: impl Fn(&str) -> Option<&'a Json>) -> BTreeMap<String, Vec<String>> {
        let read = |field: &AskedField| {
            let said = said(&field.code).map(|value| shown(value, &field.options)).unwrap_or_default();
            (!said.is_empty()).then_some(said)
        };
        self.fields.iter().filter_map(|(asked, field)| Some((asked.clone(), read(field)?))).collect()
    }

    /// What our answers say.
    pub(crate) fn shown<'a>(&self, said: impl Fn(&str) -> Option<&'a Json>) -> Answers {
        let read = |(field, code): (&OwnField, &String)| match field {
            OwnField::Answer(field) => Some((*field, text("custom field", said(code)).unwrap_or(None)?)),
            OwnField::RollUp(_) => None,
        };
        self.own.iter().filter_map(read).collect()
    }

    /// What a deal shows of its documents. Something that no such field can say is what nobody wrote.
    pub(crate) fn rolled<'a>(
        &self,
        said: impl Fn(&str) -> Option<&'a Json>,
    ) -> BTreeMap<RollUpField, RollUpValue> {
        let read = |(field, code): (&OwnField, &String)| match field {
            OwnField::RollUp(field) => Some((*field, rolled(*field, said(code))?)),
            OwnField::Answer(_) => None,
        };
        self.own.iter().filter_map(read).collect()
    }

    /// What our answers say on an organization.
    pub(crate) fn shown_in(&self, custom_fields: Option<&Json>) -> Answers {
        let fields: Option<&Map<String, Json>> = custom_fields.and_then(Json::as_object);
        self.shown(|code| fields?.get(code))
    }

    /// The same of an organization.
    pub(crate) fn read_in(&self, custom_fields: Option<&Json>) -> BTreeMap<String, Vec<String>> {
        let fields: Option<&Map<String, Json>> = custom_fields.and_then(Json::as_object);
        self.read(|code| fields?.get(code))
    }
}

/// What a field of such a type says (pipedrive.md 1.8).
fn rolled(field: RollUpField, value: Option<&Json>) -> Option<RollUpValue> {
    let name = field.label();
    let value = value.filter(|value| !value.is_null())?;
    match field.kind() {
        CustomKind::Money => {
            let amount = amount(name, value.get("value")).ok()??;
            let currency = text(name, value.get("currency")).ok()??;
            Some(RollUpValue::Money(Money { amount, currency }))
        }
        CustomKind::Date => day(name, Some(value)).ok()?.map(RollUpValue::Date),
        CustomKind::Number => {
            let count = int(name, Some(value)).ok()??;
            u64::try_from(count).ok().map(RollUpValue::Count)
        }
        CustomKind::ShortText
        | CustomKind::LongText
        | CustomKind::Phone
        | CustomKind::Option
        | CustomKind::Options => text(name, Some(value)).ok()?.map(RollUpValue::Text),
    }
}

/// The ids in `label_ids`.
pub(crate) fn label_ids(value: Option<&Json>) -> Vec<i64> {
    let ids = value.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    ids.iter().filter_map(|id| int("label_ids", Some(id)).unwrap_or(None)).collect()
}

/// What people read: labels of options, the text of everything else (pipedrive.md 1.8).
fn shown(value: &Json, options: &BTreeMap<i64, String>) -> Vec<String> {
    match value {
        Json::Null | Json::Bool(_) => Vec::new(),
        Json::Array(several) => several.iter().flat_map(|one| shown(one, options)).collect(),
        Json::Object(parts) => match (parts.get("value"), parts.get("currency").and_then(Json::as_str)) {
            (Some(value), Some(currency)) => {
                shown(value, options).into_iter().map(|amount| format!("{amount} {currency}")).collect()
            }
            (Some(value), None) => shown(value, options),
            (None, _) => parts.get("id").map(|id| shown(id, options)).unwrap_or_default(),
        },
        Json::Number(_) | Json::String(_) if !options.is_empty() => {
            let id = int("option", Some(value)).unwrap_or(None);
            id.and_then(|id| options.get(&id)).cloned().into_iter().collect()
        }
        Json::Number(_) | Json::String(_) => {
            text("custom field", Some(value)).unwrap_or(None).into_iter().collect()
        }
    }
}

fn same(left: &str, right: &str) -> bool {
    squeeze(left).to_lowercase() == squeeze(right).to_lowercase()
}

fn options(row: &FieldDto) -> BTreeMap<i64, String> {
    let readable =
        |option: &OptionDto| Some((int("id", option.id.as_ref()).ok()??, squeeze(option.label.as_deref()?)));
    row.options.iter().flatten().filter_map(readable).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sync_core::handover::AnswerField;

    use super::*;

    fn row(row: Json) -> FieldDto {
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn fields_are_asked_for_by_name_or_code_and_say_what_people_read() {
        let interest = Interest {
            fields: vec!["send to erp".to_owned(), "c0de".to_owned(), "Segments".to_owned()],
            labels: true,
            ..Interest::default()
        };
        let mut asked = AskedFields::default();
        for one in [
            json!({ "field_code": "label_ids", "options": [{ "id": 5, "label": "Send to ERP" }] }),
            json!({ "field_code": "aa", "field_name": "Send  to ERP", "field_type": "enum", "is_custom_field": true,
                    "options": [{ "id": 1, "label": "Yes" }, { "id": 2, "label": "No" }] }),
            json!({ "field_code": "a2", "field_name": "Send to ERP", "field_type": "text", "is_custom_field": true }),
            json!({ "field_code": "c0de", "field_name": "Budget", "field_type": "monetary", "is_custom_field": true }),
            json!({ "field_code": "bb", "field_name": "Segments", "field_type": "set", "is_custom_field": true,
                    "options": [{ "id": 3, "label": "Gold" }, { "id": 4, "label": "Export" }] }),
            json!({ "field_code": "ans1", "field_name": "ERP handover", "field_type": "text", "is_custom_field": true }),
            json!({ "field_code": "ans2", "field_name": "ERP handover", "field_type": "varchar", "is_custom_field": true }),
            json!({ "field_code": "segments", "field_name": "Segments", "is_custom_field": false }),
        ] {
            asked.note(&interest, &BTreeSet::from([OwnField::Answer(AnswerField::Status)]), &row(one));
        }
        assert_eq!(
            asked.codes().collect::<Vec<_>>(),
            ["bb", "c0de", "aa", "ans2"],
            "the first of a name counts"
        );
        let said =
            json!({ "aa": 1, "a2": "No", "c0de": { "value": 500, "currency": "EUR" }, "bb": [3, 4, 99] });
        let read = asked.read_in(Some(&said));
        assert_eq!(read["send to erp"], ["Yes"]);
        assert_eq!(read["c0de"], ["500 EUR"]);
        assert_eq!(read["Segments"], ["Gold", "Export"], "an option that is not known says nothing");
        let answered = json!({ "ans1": "no", "ans2": "customer created" });
        assert_eq!(asked.shown_in(Some(&answered))[&AnswerField::Status], "customer created", "by type, too");
        let unset = json!({ "aa": null, "bb": null });
        assert_eq!(asked.read_in(Some(&unset)), BTreeMap::new());
        assert_eq!(asked.read_in(None), BTreeMap::new());
        assert_eq!(asked.labels(&label_ids(Some(&json!([5, "6"])))), ["Send to ERP"]);
    }
}
