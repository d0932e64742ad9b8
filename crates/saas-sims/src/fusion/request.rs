//! The parameters of a REST call: framework version, `limit`, `offset`, `orderBy`, `fields` and the flags (section 4.2).

use std::collections::BTreeSet;

use super::errors::Failure;
use super::query::{self, Expr, Grammar};
use super::resource::{Attribute, Resource};
use super::settings::FusionSettings;
use crate::call::Call;

const LIST: [&str; 12] = [
    "q",
    "finder",
    "fields",
    "expand",
    "onlyData",
    "links",
    "limit",
    "offset",
    "orderBy",
    "totalResults",
    "dependency",
    "effectiveDate",
];
const ITEM: [&str; 6] = ["fields", "expand", "onlyData", "links", "dependency", "effectiveDate"];
/// What the simulator does not model; refused rather than ignored.
const NOT_MODELLED: [&str; 4] = ["expand", "links", "dependency", "effectiveDate"];

/// A column of `orderBy` and whether it is descending.
pub(crate) type Column = (&'static Attribute, bool);

/// A read, checked.
pub(crate) struct Read {
    /// `q` and `finder`; all have to hold.
    pub(crate) filters: Vec<Expr>,
    pub(crate) order: Vec<Column>,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) total: bool,
    pub(crate) shape: Shape,
}

/// How items are printed.
pub(crate) struct Shape {
    pub(crate) fields: Option<BTreeSet<&'static str>>,
    pub(crate) only_data: bool,
}

/// The version to speak; 1 when the header is absent, 1 to 9 otherwise (section 4.4).
pub(crate) fn version(call: &Call) -> Result<u8, Failure> {
    match call.header("rest-framework-version") {
        None => Ok(1),
        Some(text) => match text.parse() {
            Ok(version @ 1..=9) if text.len() == 1 => Ok(version),
            _ => Err(Failure::bad_request(format!("The REST-Framework-Version {text} isn't supported."))),
        },
    }
}

pub(crate) fn read_list(
    call: &Call,
    resource: &'static Resource,
    version: u8,
    settings: &FusionSettings,
) -> Result<Read, Failure> {
    check_names(call, &LIST, settings)?;
    let grammar = Grammar { resource, settings };
    let mut filters = Vec::new();
    if let Some(text) = call.param("q") {
        filters
            .push(query::parse(text, version, &grammar).map_err(|refusal| Failure::bad_request(refusal.0))?);
    }
    if let Some(text) = call.param("finder") {
        filters.push(finder(text, &grammar)?);
    }
    let limit = number(call, "limit")?.unwrap_or(25).min(settings.page_cap);
    if limit == 0 {
        return Err(Failure::bad_request("The value of limit isn't valid."));
    }
    Ok(Read {
        filters,
        order: order(call.param("orderBy"), resource)?,
        limit,
        offset: number(call, "offset")?.unwrap_or(0),
        total: flag(call, "totalResults")?,
        shape: shape(call, resource)?,
    })
}

pub(crate) fn read_item(
    call: &Call,
    resource: &'static Resource,
    settings: &FusionSettings,
) -> Result<Shape, Failure> {
    check_names(call, &ITEM, settings)?;
    shape(call, resource)
}

fn check_names(call: &Call, known: &[&str], settings: &FusionSettings) -> Result<(), Failure> {
    if let Some(name) = call.repeated_param() {
        return Err(Failure::bad_request(format!("The URL request parameter {name} is repeated.")));
    }
    for (name, _) in &call.query {
        if NOT_MODELLED.contains(&name.as_str()) {
            return Err(Failure::bad_request(format!(
                "The URL request parameter {name} is not modelled by this simulator."
            )));
        }
        if settings.refuse_unknown_parameters && !known.contains(&name.as_str()) {
            return Err(Failure::bad_request(format!("The URL request parameter {name} isn't valid.")));
        }
    }
    Ok(())
}

fn shape(call: &Call, resource: &'static Resource) -> Result<Shape, Failure> {
    let fields = call.param("fields").map(|list| {
        let names = list.split(',').map(|name| {
            let attribute = resource.attribute(name.trim()).map(|attribute| attribute.name);
            attribute.ok_or_else(|| Failure::bad_request(format!("Attribute {name} in fields isn't valid.")))
        });
        names.collect::<Result<BTreeSet<_>, _>>()
    });
    Ok(Shape { fields: fields.transpose()?, only_data: flag(call, "onlyData")? })
}

fn number(call: &Call, name: &str) -> Result<Option<usize>, Failure> {
    let parse = |text: &str| {
        text.parse().map_err(|_| Failure::bad_request(format!("The value of {name} isn't valid.")))
    };
    call.param(name).map(parse).transpose()
}

fn flag(call: &Call, name: &str) -> Result<bool, Failure> {
    match call.param(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Failure::bad_request(format!("The value of {name} isn't valid."))),
    }
}

fn order(text: Option<&str>, resource: &'static Resource) -> Result<Vec<Column>, Failure> {
    let columns = text.into_iter().flat_map(|text| text.split(',')).map(|column| {
        let (name, direction) = column.split_once(':').unwrap_or((column, "asc"));
        let attribute = resource.attribute(name).filter(|attribute| attribute.queryable);
        match (attribute, direction) {
            (Some(attribute), "asc" | "desc") => Ok((attribute, direction == "desc")),
            _ => Err(Failure::bad_request(format!("The orderBy column {column} isn't valid."))),
        }
    });
    columns.collect()
}

/// `finder=Name;Variable=value,Variable2=value2`: every value has to be equal.
fn finder(text: &str, grammar: &Grammar<'_>) -> Result<Expr, Failure> {
    let bad = |what: &str| Failure::bad_request(format!("The finder {what} isn't valid."));
    let (name, rest) = text.split_once(';').unwrap_or((text, ""));
    let finder =
        grammar.resource.finders.iter().find(|finder| finder.name == name).ok_or_else(|| bad(name))?;
    let mut given = BTreeSet::new();
    let mut parts = Vec::new();
    for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
        let (variable, value) = pair.split_once('=').ok_or_else(|| bad(pair))?;
        if !finder.variables.contains(&variable) || !given.insert(variable) {
            return Err(bad(variable));
        }
        let expr = Expr::equal(variable, value, grammar);
        parts.push(expr.map_err(|refusal| Failure::bad_request(refusal.0))?);
    }
    if given.is_empty() || (finder.complete && given.len() < finder.variables.len()) {
        return Err(bad(name));
    }
    Ok(Expr::All(parts))
}
