//! findCriteria: the filter in the order of its schema (section 1.4), evaluated from left to right.

use super::fault::Fault;
use super::level::{Attribute, Kind, Level};
use super::node::Node;
use super::sequence::Sequence;
use super::xml::Element;

/// Parts and whether each is joined to those before it by Or.
type Chain<T> = Vec<(bool, T)>;

/// What to find, from where, how much of it.
#[derive(Debug)]
pub(crate) struct Criteria {
    start: usize,
    /// `None` for -1: all.
    size: Option<usize>,
    groups: Chain<Chain<Item>>,
    shown: Vec<String>,
    hide: bool,
}

#[derive(Debug)]
struct Item {
    fold: bool,
    attribute: &'static Attribute,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Criteria {
    pub(crate) fn read(element: &Element) -> Result<Self, Fault> {
        let mut parts = Sequence::of(element)?;
        let start = parts.need("fetchStart")?;
        let start = start.text.parse().map_err(|_| Fault::malformed("fetchStart"))?;
        let size = match parts.need("fetchSize")?.text.as_str() {
            "-1" => None,
            text => Some(text.parse().map_err(|_| Fault::malformed("fetchSize"))?),
        };
        let groups = parts.maybe("filter").map(filter).transpose()?.unwrap_or_default();
        let shown = parts.many("findAttribute").into_iter().map(|element| {
            let known = Level::Account.child(&element.text).is_some() || attribute(&element.text).is_ok();
            if known { Ok(element.text.clone()) } else { Err(bad("findAttribute", &element.text)) }
        });
        let shown = shown.collect::<Result<Vec<_>, _>>()?;
        let hide = parts.maybe("excludeAttribute").map(flag).transpose()?.unwrap_or(false);
        parts.end()?;
        Ok(Self { start, size, groups, shown, hide })
    }

    /// Whether an account's own row fulfils the filter.
    fn holds(&self, account: &Node) -> bool {
        chain(&self.groups, |items| chain(items, |item| item.holds(account)))
    }

    /// The values of the accounts that fulfil the filter.
    pub(crate) fn select(&self, accounts: impl Iterator<Item = Node>) -> Vec<Element> {
        let found = accounts.filter(|account| self.holds(account)).skip(self.start);
        let found = found.take(self.size.unwrap_or(usize::MAX));
        found
            .map(|account| {
                let mut value = account.element("Value", 0);
                let named = |child: &Element| self.shown.contains(&child.name);
                value.children.retain(|child| self.shown.is_empty() || named(child) != self.hide);
                value
            })
            .collect()
    }
}

/// From left to right, each part joined by its own conjunction; nothing at all holds.
fn chain<T>(parts: &[(bool, T)], mut holds: impl FnMut(&T) -> bool) -> bool {
    let mut whole = None;
    for (or, part) in parts {
        let holds = holds(part);
        whole = Some(match whole {
            None => holds,
            Some(before) if *or => before || holds,
            Some(before) => before && holds,
        });
    }
    whole.unwrap_or(true)
}

fn filter(element: &Element) -> Result<Chain<Chain<Item>>, Fault> {
    let mut parts = Sequence::of(element)?;
    if conjunction(&mut parts)? {
        return Err(Fault::not_modelled("Or as the conjunction of a filter"));
    }
    let groups = parts.many("group").into_iter().map(group).collect::<Result<Vec<_>, _>>()?;
    parts.end()?;
    if groups.is_empty() { Err(Fault::malformed("filter needs group")) } else { Ok(groups) }
}

fn group(element: &Element) -> Result<(bool, Chain<Item>), Fault> {
    let mut parts = Sequence::of(element)?;
    let or = conjunction(&mut parts)?;
    let outer = flag(parts.need("upperCaseCompare")?)?;
    let items = parts.many("item").into_iter().map(|element| item(element, outer));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    parts.end()?;
    if items.is_empty() { Err(Fault::malformed("group needs item")) } else { Ok((or, items)) }
}

fn item(element: &Element, outer: bool) -> Result<(bool, Item), Fault> {
    let mut parts = Sequence::of(element)?;
    let or = conjunction(&mut parts)?;
    let fold = flag(parts.need("upperCaseCompare")?)? || outer;
    let attribute = attribute(&parts.need("attribute")?.text)?;
    let operator = operator(&parts.need("operator")?.text)?;
    let value = parts.need("value")?.text.clone();
    parts.end()?;
    if value.is_empty() || (attribute.kind == Kind::Id && value.parse::<i64>().is_err()) {
        return Err(bad(attribute.name, &value));
    }
    Ok((or, Item { fold, attribute, operator, value }))
}

/// Whether parts are joined by Or; And when nothing is said.
fn conjunction(parts: &mut Sequence<'_>) -> Result<bool, Fault> {
    match parts.maybe("conjunction").map(|element| element.text.as_str()) {
        None | Some("And") => Ok(false),
        Some("Or") => Ok(true),
        Some(other) => Err(bad("conjunction", other)),
    }
}

fn flag(element: &Element) -> Result<bool, Fault> {
    match element.text.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(bad(&element.name, other)),
    }
}

fn attribute(name: &str) -> Result<&'static Attribute, Fault> {
    let found = Level::Account.attributes().iter().find(|attribute| attribute.name == name);
    found.ok_or_else(|| bad("attribute", name))
}

fn operator(text: &str) -> Result<Operator, Fault> {
    match text {
        "=" => Ok(Operator::Equal),
        "<>" => Ok(Operator::Unequal),
        "<" => Ok(Operator::Less),
        "<=" => Ok(Operator::AtMost),
        ">" => Ok(Operator::Greater),
        ">=" => Ok(Operator::AtLeast),
        other => Err(Fault::not_modelled(&format!("the operator {other}"))),
    }
}

fn bad(what: &str, value: &str) -> Fault {
    Fault::invalid(what, "FindCriteria", value)
}

impl Item {
    /// NULL fulfils nothing.
    fn holds(&self, account: &Node) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let Some(own) = account.text(self.attribute, 0) else { return false };
        let order = match self.attribute.kind {
            Kind::Id => own.parse::<i64>().ok().cmp(&self.value.parse().ok()),
            _ if self.fold => own.to_uppercase().cmp(&self.value.to_uppercase()),
            Kind::Number | Kind::Text(_) | Kind::Code(_) | Kind::Date | Kind::Who => own.cmp(&self.value),
        };
        match self.operator {
            Operator::Equal => order == Equal,
            Operator::Unequal => order != Equal,
            Operator::Less => order == Less,
            Operator::AtMost => order != Greater,
            Operator::Greater => order == Greater,
            Operator::AtLeast => order != Less,
        }
    }
}

/// findControl: nothing but `retrieveAllTranslations`.
pub(crate) fn control(element: &Element) -> Result<(), Fault> {
    let mut parts = Sequence::of(element)?;
    parts.maybe("retrieveAllTranslations").map(flag).transpose()?;
    parts.end()
}
