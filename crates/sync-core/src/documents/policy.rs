//! What the owner of a connection wants to see of the ERP's documents, and how they find their deal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    answers::Learned,
    document::Document,
    kind::DocumentKind,
    reference::{How, ReferenceField},
    rollup::RollUpField,
};

/// Everything that documents depend on beside themselves and the deals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentPolicy {
    /// What is read and shown.
    pub kinds: BTreeSet<DocumentKind>,
    /// What "invoiced" means.
    pub amounts: Amounts,
    /// Whether a document without a reference is matched by its customer's deals.
    pub match_by_customer: bool,
    /// How documents name deals: the first rule that names one decides.
    pub references: Vec<ReferenceRule>,
    /// What persons made a rule of when they answered a question; asked before `references`.
    pub learned: Vec<Learned>,
    /// Where a document is found in the ERP's pages.
    pub links: BTreeMap<DocumentKind, LinkTemplate>,
    /// When a document of a deal is dated.
    pub window: DateWindow,
    /// By how many hundredths of a percent of the deal's value an amount may differ and still be the same: 100 = 1 %.
    pub tolerance: u32,
    /// What the deal's fields show.
    pub fields: BTreeSet<RollUpField>,
    /// Whether there are notes.
    pub note: bool,
    /// How a note shows its documents.
    pub note_style: NoteStyle,
    /// For which deals notes are begun.
    pub note_for: NoteFor,
    /// Whether a note that a person deleted is made once more.
    pub recreate_notes: bool,
    /// Whether the deal's owner gets an activity when an invoice becomes overdue.
    pub overdue_activity: bool,
}

impl DocumentPolicy {
    /// Whether documents of a kind are asked for their descriptive flexfields: that is dear, so only where a rule goes by one.
    #[must_use]
    pub fn asks_segments(&self, kind: DocumentKind) -> bool {
        self.references.iter().any(|rule| {
            matches!(rule.field, ReferenceField::Dff(_))
                && (rule.kinds.is_empty() || rule.kinds.contains(&kind))
        })
    }
}

impl Default for DocumentPolicy {
    fn default() -> Self {
        Self {
            kinds: DocumentKind::ALL.into(),
            amounts: Amounts::Gross,
            match_by_customer: true,
            references: Vec::new(),
            learned: Vec::new(),
            links: BTreeMap::new(),
            window: DateWindow::default(),
            tolerance: 100,
            fields: RollUpField::DEFAULT.into(),
            note: true,
            note_style: NoteStyle::List,
            note_for: NoteFor::OpenAndRecent,
            recreate_notes: false,
            overdue_activity: false,
        }
    }
}

/// What "invoiced" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amounts {
    /// What all invoices come to, whatever was credited.
    Gross,
    /// The same less what was credited.
    Net,
}

/// One way in which documents name deals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRule {
    /// The kinds it is for; none means all that have the field.
    #[serde(default)]
    pub kinds: BTreeSet<DocumentKind>,
    /// The field.
    pub field: ReferenceField,
    /// How the field names the deal.
    pub how: How,
    /// Only orders that came from this system: the number of another one is not ours.
    #[serde(default)]
    pub source_system: Option<String>,
}

impl ReferenceRule {
    /// What the document says in the rule's field, if the rule is for it.
    #[must_use]
    pub fn said<'a>(&self, document: &'a Document) -> Option<&'a str> {
        let kind = self.kinds.is_empty() || self.kinds.contains(&document.key.kind);
        let came_from = document.source_system.as_deref();
        let system = self.source_system.as_deref().is_none_or(|system| {
            came_from.is_some_and(|came_from| came_from.eq_ignore_ascii_case(system.trim()))
        });
        document.references.get(&self.field).map(String::as_str).filter(|_| kind && system)
    }
}

/// When a document of a deal is dated. Counted from the day the deal was won; of an open deal from the day it was entered,
/// and without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateWindow {
    /// At most so many days before: paperwork may be ahead of the click on "won".
    pub before: i32,
    /// At most so many days after: a contract is invoiced for about a year.
    pub after: i32,
}

impl Default for DateWindow {
    fn default() -> Self {
        Self { before: 30, after: 365 }
    }
}

/// How a note shows its documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteStyle {
    /// One line each; surely kept by the CRM's sanitiser.
    List,
    /// One row each; try it before you set it (pipedrive.md 6).
    Table,
}

/// For which deals notes are begun. A note that exists is kept true in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteFor {
    /// Open deals, and those with a document that is unpaid or dated within the last 90 days.
    OpenAndRecent,
    /// All.
    All,
    /// None.
    None,
}

/// An address in the ERP's pages, with `{id}` and `{number}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LinkTemplate(String);

/// Why a text is no template of a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkTemplateError {
    /// It is no address that a browser may be sent to.
    #[error("the link `{0}` does not begin with https:// or http://: write a whole address")]
    Scheme(String),
    /// All documents would have the same link.
    #[error(
        "the link `{0}` has neither {{id}} nor {{number}}: write where the document's id or number stands"
    )]
    Same(String),
    /// A placeholder that nobody fills in.
    #[error("the link `{0}` has a brace that is not of {{id}} or {{number}}: write %7B and %7D for braces")]
    Brace(String),
}

impl LinkTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// With the template and the remedy.
    pub fn parse(text: &str) -> Result<Self, LinkTemplateError> {
        let text = text.trim();
        let told = || text.to_owned();
        let lower = text.to_lowercase();
        if !lower.starts_with("https://") && !lower.starts_with("http://") {
            return Err(LinkTemplateError::Scheme(told()));
        }
        let bare = text.replace("{id}", "").replace("{number}", "");
        if bare.len() == text.len() {
            return Err(LinkTemplateError::Same(told()));
        }
        if bare.contains(['{', '}']) {
            return Err(LinkTemplateError::Brace(told()));
        }
        Ok(Self(told()))
    }

    /// The address of a document; not escaped for HTML.
    #[must_use]
    pub fn link(&self, document: &Document) -> String {
        let number = percent(&document.number);
        self.0.replace("{id}", &document.key.id.to_string()).replace("{number}", &number)
    }
}

/// Everything but what is unreserved in RFC 3986.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl From<LinkTemplate> for String {
    fn from(template: LinkTemplate) -> Self {
        template.0
    }
}

impl TryFrom<String> for LinkTemplate {
    type Error = LinkTemplateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}
