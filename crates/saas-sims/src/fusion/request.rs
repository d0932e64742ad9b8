//! The parameters of a REST call: framework version, `limit`, `offset`, `orderBy`, `fields` and the flags (section 4.2).

use std::collections::{BTreeMap, BTreeSet};

use super::catalog;
use super::errors::Failure;
use super::query::{self, Expr, Grammar};
use super::resource::{Attribute, How, Resource};
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
const NOT_MODELLED: [&str; 3] = ["links", "dependency", "effectiveDate"];

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
    /// The surrogate key of the row whose children are listed.
    pub(crate) owner: Option<i64>,
}

/// How items are printed.
#[derive(Default)]
pub(crate) struct Shape {
    pub(crate) fields: Option<BTreeSet<&'static str>>,
    pub(crate) only_data: bool,
    /// Children that are printed inside.
    pub(crate) expand: Vec<&'static Resource>,
    /// How many of them.
    pub(crate) expand_limit: usize,
    /// The framework version.
    pub(crate) version: u8,
    /// Attributes that the last update of the pod took away.
    removed: BTreeSet<String>,
}

impl Shape {
    /// Everything of an item, as answers to writes print it.
    pub(crate) fn whole(version: u8, resource: &Resource, settings: &FusionSettings) -> Self {
        Self { version, removed: settings.removed_from(resource), ..Self::default() }
    }

    /// How the children of an item are printed that is printed like this.
    pub(crate) fn of_child(&self) -> Self {
        Self { only_data: self.only_data, version: self.version, ..Self::default() }
    }

    pub(crate) fn leaves_out(&self, attribute: &str) -> bool {
        self.fields.as_ref().is_some_and(|only| !only.contains(attribute)) || self.removed.contains(attribute)
    }
}

/// The PartyIds that a source system's reference leads to.
pub(crate) type References<'a> = &'a dyn Fn(&str, &str) -> Vec<i64>;

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
    references: References<'_>,
) -> Result<Read, Failure> {
    check_names(call, &LIST, settings)?;
    let grammar = Grammar { resource, settings };
    let mut filters = Vec::new();
    if let Some(text) = call.param("q") {
        filters
            .push(query::parse(text, version, &grammar).map_err(|refusal| Failure::bad_request(refusal.0))?);
    }
    if let Some(text) = call.param("finder") {
        filters.push(finder(text, &grammar, references)?);
    }
    let limit = number(call, "limit")?.unwrap_or(25).min(settings.page_cap);
    if limit == 0 {
        return Err(Failure::bad_request("The value of limit isn't valid."));
    }
    Ok(Read {
        filters,
        order: order(call.param("orderBy"), resource, settings)?,
        limit,
        offset: number(call, "offset")?.unwrap_or(0),
        total: flag(call, "totalResults")?,
        shape: shape(call, resource, version, settings)?,
        owner: None,
    })
}

pub(crate) fn read_item(
    call: &Call,
    resource: &'static Resource,
    version: u8,
    settings: &FusionSettings,
) -> Result<Shape, Failure> {
    check_names(call, &ITEM, settings)?;
    shape(call, resource, version, settings)
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

/// `fields` wins over `expand` (section 4.2).
fn shape(
    call: &Call,
    resource: &'static Resource,
    version: u8,
    settings: &FusionSettings,
) -> Result<Shape, Failure> {
    let removed = settings.removed_from(resource);
    let fields = call.param("fields").map(|list| {
        let names = list.split(',').map(|name| {
            let attribute = resource.attribute(name.trim()).map(|attribute| attribute.name);
            attribute
                .filter(|name| !removed.contains(*name))
                .ok_or_else(|| Failure::bad_request(format!("Attribute {name} in fields isn't valid.")))
        });
        names.collect::<Result<BTreeSet<_>, _>>()
    });
    let fields = fields.transpose()?;
    let expand = match call.param("expand") {
        Some(list) if fields.is_none() => expanded(list, resource)?,
        Some(_) | None => Vec::new(),
    };
    let only_data = flag(call, "onlyData")?;
    Ok(Shape { fields, only_data, expand, expand_limit: settings.expanded_children, version, removed })
}

/// `expand=all` or a comma list of children.
fn expanded(list: &str, resource: &Resource) -> Result<Vec<&'static Resource>, Failure> {
    if list == "all" {
        return Ok(resource.children.iter().filter_map(|name| catalog::child(resource, name)).collect());
    }
    let found = list.split(',').map(|name| {
        let refusal = if resource.children.contains(&name) || name.contains('.') {
            format!("The child {name} is not modelled by this simulator.")
        } else {
            format!("The child {name} in expand isn't valid.")
        };
        catalog::child(resource, name).ok_or_else(|| Failure::bad_request(refusal))
    });
    found.collect()
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

fn order(
    text: Option<&str>,
    resource: &'static Resource,
    settings: &FusionSettings,
) -> Result<Vec<Column>, Failure> {
    let removed = settings.removed_from(resource);
    let columns = text.into_iter().flat_map(|text| text.split(',')).map(|column| {
        let (name, direction) = column.split_once(':').unwrap_or((column, "asc"));
        let attribute = resource.attribute(name);
        let attribute =
            attribute.filter(|attribute| attribute.queryable && !removed.contains(attribute.name));
        match (attribute, direction) {
            (Some(attribute), "asc" | "desc") => Ok((attribute, direction == "desc")),
            _ => Err(Failure::bad_request(format!("The orderBy column {column} isn't valid."))),
        }
    });
    columns.collect()
}

/// `finder=Name;Variable=value,Variable2=value2`.
fn finder(text: &str, grammar: &Grammar<'_>, references: References<'_>) -> Result<Expr, Failure> {
    let bad = |what: &str| Failure::bad_request(format!("The finder {what} isn't valid."));
    let refused = |refusal: query::Refusal| Failure::bad_request(refusal.0);
    let (name, rest) = text.split_once(';').unwrap_or((text, ""));
    let finder =
        grammar.resource.finders.iter().find(|finder| finder.name == name).ok_or_else(|| bad(name))?;
    let mut given = BTreeMap::new();
    for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
        let (variable, value) = pair.split_once('=').ok_or_else(|| bad(pair))?;
        let known = finder.variables.iter().find(|(known, _)| *known == variable);
        let (_, attribute) = known.ok_or_else(|| bad(variable))?;
        if given.insert(variable, (*attribute, value)).is_some() {
            return Err(bad(variable));
        }
    }
    if given.is_empty() || (finder.complete && given.len() < finder.variables.len()) {
        return Err(bad(name));
    }
    let value = |variable: &str| given.get(variable).map_or("", |(_, value)| *value);
    match finder.how {
        How::Equal => {
            let parts = given.values().map(|(attribute, value)| Expr::equal(attribute, value, grammar));
            Ok(Expr::All(parts.collect::<Result<_, _>>().map_err(refused)?))
        }
        How::Reference => {
            let found = references(value("SourceSystem"), value("SourceSystemReferenceValue"));
            Expr::one_of(grammar.resource, found).ok_or_else(|| bad(name))
        }
        How::Between(attribute) => {
            Expr::between(attribute, value("FromDate"), value("ToDate"), grammar).map_err(refused)
        }
    }
}
