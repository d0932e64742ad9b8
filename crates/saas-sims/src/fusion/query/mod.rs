//! The `q` parameter: the syntax of framework 1 ([`qbe`]), that of framework 2 and later ([`rowmatch`]), and what both mean.

mod expr;
mod lexer;
mod literal;
mod plan;
mod qbe;
mod rowmatch;

pub(crate) use expr::Expr;
pub(crate) use plan::Bounds;

use super::resource::{Attribute, Resource};
use super::settings::FusionSettings;

/// Why a query is refused; the text goes into the answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl Refusal {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// What a parser needs to know besides the text.
pub(crate) struct Grammar<'a> {
    pub(crate) resource: &'static Resource,
    pub(crate) settings: &'a FusionSettings,
}

impl Grammar<'_> {
    /// The attribute of that exact name, if it may be searched for.
    pub(crate) fn queryable(&self, name: &str) -> Result<&'static Attribute, Refusal> {
        let attribute = self.known(name)?;
        if attribute.queryable {
            Ok(attribute)
        } else {
            Err(Refusal::new(format!("Attribute {name} is not queryable.")))
        }
    }

    /// The attribute of that exact name, also one that only a finder may name.
    pub(crate) fn known(&self, name: &str) -> Result<&'static Attribute, Refusal> {
        let attribute = self.resource.attribute(name).filter(|_| !self.settings.removed(self.resource, name));
        attribute.ok_or_else(|| {
            Refusal::new(format!("Attribute {name} isn't valid for resource {}.", self.resource.name))
        })
    }
}

/// Parses `q` as framework `version` reads it.
pub(crate) fn parse(text: &str, version: u8, grammar: &Grammar<'_>) -> Result<Expr, Refusal> {
    if version == 1 { qbe::parse(text, grammar) } else { rowmatch::parse(text, grammar) }
}
