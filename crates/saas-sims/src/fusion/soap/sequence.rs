//! Children in the order of a schema: findCriteria is refused in any other (section 1.4).

use super::fault::Fault;
use super::names::FIND;
use super::xml::Element;

/// Children in the order of a schema: each is taken when it is next.
pub(crate) struct Sequence<'a> {
    owner: &'a str,
    rest: std::slice::Iter<'a, Element>,
}

impl<'a> Sequence<'a> {
    pub(crate) fn of(element: &'a Element) -> Result<Self, Fault> {
        if element.nil || !element.text.is_empty() {
            return Err(Fault::malformed(&format!("{} has no content or text", element.name)));
        }
        if element.children.iter().any(|child| child.namespace != FIND) {
            return Err(Fault::unknown_method());
        }
        Ok(Self { owner: &element.name, rest: element.children.iter() })
    }

    pub(crate) fn maybe(&mut self, name: &str) -> Option<&'a Element> {
        let next = self.rest.as_slice().first().filter(|element| element.name == name)?;
        self.rest.next();
        Some(next)
    }

    pub(crate) fn need(&mut self, name: &str) -> Result<&'a Element, Fault> {
        let missing = format!("{} needs {name} here, in the order of the schema", self.owner);
        self.maybe(name).ok_or_else(|| Fault::malformed(&missing))
    }

    pub(crate) fn many(&mut self, name: &str) -> Vec<&'a Element> {
        std::iter::from_fn(|| self.maybe(name)).collect()
    }

    pub(crate) fn end(mut self) -> Result<(), Fault> {
        match self.rest.next() {
            None => Ok(()),
            Some(other) => {
                let what = format!("{} at this place of {} (or it is not modelled)", other.name, self.owner);
                Err(Fault::malformed(&what))
            }
        }
    }
}
