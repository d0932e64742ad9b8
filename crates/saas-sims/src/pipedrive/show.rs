//! What a record is read with: `custom_fields`, `include_fields`, option labels, labels (section 1.5).

use serde_json::{Map, Value, json};

use super::entity::Entity;
use super::fields::Fields;
use super::optional;
use super::params;
use super::problem::Problem;
use super::state::State;
use super::table::Row;
use super::values::address_for_reading;
use crate::call::Call;

/// What the request wants to see.
#[derive(Debug, Default)]
pub(crate) struct Show<'a> {
    only: Option<Vec<&'a str>>,
    include: Vec<&'static str>,
    option_labels: bool,
    labels: bool,
}

impl<'a> Show<'a> {
    pub(crate) fn read(call: &'a Call, state: &State, entity: Entity) -> Result<Self, Problem> {
        let known = optional::names(entity);
        let asked = call.param("include_fields").into_iter().flat_map(|list| list.split(','));
        let include = asked.map(|name| {
            let found = known.iter().copied().find(|known| *known == name);
            found.ok_or_else(|| Problem::invalid(format_args!("include_fields: '{name}' is not valid")))
        });
        Ok(Self {
            only: custom_fields(call, state.fields_of(entity))?,
            include: include.collect::<Result<_, _>>()?,
            option_labels: params::boolean(call, "include_option_labels")?,
            labels: params::boolean(call, "include_labels")?,
        })
    }

    /// The record as it was asked for.
    pub(crate) fn record<R: Row>(&self, state: &State, row: &R) -> Value {
        let fields = state.fields_of(R::ENTITY);
        let mut record = row.json(fields, self.only.as_deref());
        if self.option_labels {
            for field in fields.custom().iter().filter(|field| matches!(field.kind.as_str(), "enum" | "set"))
            {
                if let Some(value) = record["custom_fields"].get_mut(&field.code) {
                    *value = labelled(value, &field.options);
                }
            }
        }
        if self.labels {
            let labels: Vec<(i64, String)> =
                R::ENTITY.labels().iter().map(|(id, label)| (*id, (*label).to_owned())).collect();
            record["labels"] = labelled(&record["label_ids"], &labels);
        }
        for name in &self.include {
            record[*name] = optional::value(state, R::ENTITY, row.id(), name);
        }
        record
    }
}

/// Ids as `{id, label}`.
fn labelled(value: &Value, options: &[(i64, String)]) -> Value {
    match value {
        Value::Array(ids) => Value::Array(ids.iter().map(|id| labelled(id, options)).collect()),
        Value::Number(number) => {
            let found = options.iter().find(|(id, _)| number.as_i64() == Some(*id));
            found.map_or(Value::Null, |(id, label)| json!({"id": id, "label": label}))
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => value.clone(),
    }
}

/// The custom fields of a record as they are read.
pub(crate) fn custom(
    set: &std::collections::BTreeMap<String, Value>,
    fields: &Fields,
    only: Option<&[&str]>,
) -> Map<String, Value> {
    let shown =
        fields.custom().iter().filter(|field| only.is_none_or(|only| only.contains(&field.code.as_str())));
    shown
        .map(|field| {
            let value = set.get(&field.code).cloned().unwrap_or_default();
            let value = if field.kind == "address" { address_for_reading(&value) } else { value };
            (field.code.clone(), value)
        })
        .collect()
}

/// The hashes in `custom_fields`: at most 15, all known.
fn custom_fields<'a>(call: &'a Call, fields: &Fields) -> Result<Option<Vec<&'a str>>, Problem> {
    let Some(list) = call.param("custom_fields") else { return Ok(None) };
    let codes: Vec<&str> = list.split(',').collect();
    if codes.len() > 15 {
        return Err(Problem::invalid("custom_fields: must contain at most 15 items"));
    }
    match codes.iter().find(|code| fields.get(code).is_none()) {
        Some(code) => Err(Problem::invalid(format_args!("custom_fields: Unknown key '{code}'"))),
        None => Ok(Some(codes)),
    }
}
