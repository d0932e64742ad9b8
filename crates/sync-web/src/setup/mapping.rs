//! A mapping as a form shows it: fields picked from a list, whose value counts, and fields of one's own with their expressions.

use crate::told::plan::{Entry, Totals};

/// What is mapped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Fields that every installation knows.
    pub known: Vec<Known>,
    /// Fields of one's own.
    pub own: Vec<Own>,
}

/// A field that every installation knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its name in settings.
    pub key: String,
    /// What people call it.
    pub label: String,
    /// Where the CRM keeps it.
    pub place: String,
    /// Whether it is mapped whatever anybody says.
    pub always: bool,
    /// Whether it is mapped.
    pub mapped: bool,
    /// Whose value counts: `erp` or `ask`.
    pub owner: String,
    /// Whether that can be chosen.
    pub is_open: bool,
}

/// A field of one's own, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Its name in plans and the journal.
    pub id: String,
    /// The name of the custom field.
    pub name: String,
    /// What it shows.
    pub expression: String,
    /// The type of the custom field: one of [`KINDS`].
    pub kind: String,
    /// The currency of an amount that comes without one; may be empty.
    pub currency: String,
    /// Whose value counts.
    pub owner: String,
}

/// Types of fields of one's own.
pub const KINDS: [&str; 8] = ["text", "long_text", "number", "date", "money", "option", "options", "phone"];

/// Whose value counts, and what that means.
pub const OWNERS: [(&str, &str); 2] =
    [("erp", "the ERP's"), ("ask", "the ERP's; ask where the CRM was edited")];

/// What a mapping would write, decided on what was read last of both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foresight {
    /// Customers that were looked at.
    pub looked_at: u64,
    /// Whether there are more.
    pub more: bool,
    /// What would be done that is not done anyway.
    pub totals: Totals,
    /// What that costs, in the CRM's tokens.
    pub tokens: u64,
    /// The first of them.
    pub entries: Vec<Entry>,
    /// Fields that are read for the first time when the mapping is in force: what they will write is not known before.
    pub unread: Vec<String>,
}

impl Mapping {
    /// What a form says of this mapping: what is not said is not mapped, and a field of one's own without anything typed is none.
    pub(crate) fn said(mut self, form: &[(String, String)]) -> Self {
        let all = |name: &str| -> Vec<&str> {
            let said = form.iter().filter(|(field, _)| field == name);
            said.map(|(_, value)| value.trim()).collect()
        };
        let of = |name: &str| all(name).first().map(|value| (*value).to_owned());
        for known in &mut self.known {
            known.mapped = known.always || all("more").contains(&known.key.as_str());
            if known.is_open {
                known.owner = of(&format!("owner.{}", known.key)).unwrap_or_else(|| "erp".to_owned());
            }
        }
        self.own = all("own")
            .into_iter()
            .filter_map(|row| {
                let of = |field: &str| of(&format!("own.{row}.{field}")).unwrap_or_default();
                let own = Own {
                    id: of("id"),
                    name: of("name"),
                    expression: of("expression"),
                    kind: of("kind"),
                    currency: of("currency"),
                    owner: of("owner"),
                };
                let empty = own.id.is_empty() && own.name.is_empty() && own.expression.is_empty();
                (!empty && of("gone").is_empty()).then_some(own)
            })
            .collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_everything() {
        let known = |key: &str, always| Known {
            key: key.to_owned(),
            always,
            mapped: true,
            is_open: true,
            ..Known::default()
        };
        let before = Mapping {
            known: vec![known("name", true), known("duns", false), known("email", false)],
            own: Vec::new(),
        };
        let form: Vec<(String, String)> = [
            ("more", "duns"),
            ("owner.duns", "ask"),
            ("own", "0"),
            ("own.0.id", " size "),
            ("own.0.name", "Size"),
            ("own.0.expression", "OrganizationSize"),
            ("own.0.kind", "number"),
            ("own.0.owner", "erp"),
            ("own", "1"),
            ("own.1.id", "gone"),
            ("own.1.gone", "1"),
            ("own", "2"),
            ("own.2.kind", "text"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let said = before.said(&form);
        let told: Vec<_> =
            said.known.iter().map(|one| (one.key.as_str(), one.mapped, one.owner.as_str())).collect();
        assert_eq!(told, [("name", true, "erp"), ("duns", true, "ask"), ("email", false, "erp")]);
        let [own] = &said.own[..] else { panic!("one field: {:?}", said.own) };
        assert_eq!((own.id.as_str(), own.kind.as_str()), ("size", "number"));
    }
}
