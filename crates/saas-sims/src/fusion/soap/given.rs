//! Attributes as a request gives them: absent, cleared, or with a value that fits (section 1.4).

use std::collections::BTreeMap;

use super::fault::Fault;
use super::level::{Attribute, Kind};
use super::xml::Element;

/// What a request says of the attributes it names: `None` clears.
pub(crate) type Given = BTreeMap<&'static str, Option<String>>;

/// Reads the attributes among an element's children. Children that are none are left to `other`.
pub(crate) fn read<'a>(
    element: &'a Element,
    namespace: &str,
    object: &str,
    attributes: &'static [Attribute],
    mut other: impl FnMut(&'a Element) -> bool,
) -> Result<Given, Fault> {
    let mut given = Given::new();
    if element.nil || !element.text.is_empty() {
        return Err(Fault::malformed(&format!("{object} has no content or text")));
    }
    for child in &element.children {
        if child.namespace != namespace {
            return Err(Fault::unknown_method());
        }
        if other(child) {
            continue;
        }
        let attribute = attributes.iter().find(|attribute| attribute.name == child.name);
        let attribute = attribute
            .ok_or_else(|| Fault::not_modelled(&format!("the attribute {} of {object}", child.name)))?;
        if given.insert(attribute.name, value(child, attribute, object)?).is_some() {
            return Err(Fault::malformed(&format!("{} is repeated", child.name)));
        }
    }
    Ok(given)
}

/// Empty text is NULL in Oracle; an empty number or date does not fit its type.
fn value(element: &Element, attribute: &Attribute, object: &str) -> Result<Option<String>, Fault> {
    let text = &element.text;
    if element.nil {
        return Ok(None);
    }
    if !element.children.is_empty() {
        return Err(Fault::malformed(&format!("{} has elements", attribute.name)));
    }
    let fits = match attribute.kind {
        Kind::Id => text.parse::<i64>().is_ok_and(|id| id > 0 && id.to_string() == *text),
        Kind::Number => is_decimal(text),
        Kind::Text(most) => {
            if text.trim().is_empty() {
                return Ok(None);
            }
            text.chars().count() <= most
        }
        Kind::Code(codes) => codes.contains(&text.as_str()),
        Kind::Date => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        Kind::Who => true,
    };
    if fits { Ok(Some(text.clone())) } else { Err(Fault::invalid(attribute.name, object, text)) }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(fraction)
}
