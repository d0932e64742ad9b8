//! createCustomerAccount, mergeCustomerAccount, updateCustomerAccount: one tree, all or nothing (section 1.4).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, json};

use super::super::accounts::ACCOUNTS;
use super::super::edit::Edit;
use super::super::settings::FusionSettings;
use super::super::state::State;
use super::check;
use super::fault::Fault;
use super::given::{self, Given};
use super::level::{Attribute, Change, Level};
use super::node::Node;
use super::store;
use super::xml::Element;

/// Which of the three operations it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every row is new.
    Create,
    /// Rows with their id are changed, rows without one are new.
    Merge,
    /// Every row is there already.
    Update,
}

/// The elements of the rows below a row.
type Rows<'a> = Vec<(Level, &'a Element)>;

/// A write under way.
pub(crate) struct Save<'a> {
    pub(crate) settings: &'a FusionSettings,
    pub(crate) state: &'a mut State,
    pub(crate) now: Timestamp,
    pub(crate) mode: Mode,
}

impl Save<'_> {
    /// Stores the tree and returns it as it is now.
    pub(crate) fn account(&mut self, element: &Element) -> Result<Node, Fault> {
        let (given, children) = split(Level::Account, element)?;
        let (mut tree, fresh) = match self.key(Level::Account, &given)? {
            Some(id) => {
                let found = store::load(self.state, id).filter(|_| self.settings.data_access);
                (found.ok_or_else(|| Fault::no_row("CustomerAccount", &id.to_string()))?, false)
            }
            None => (self.blank(), true),
        };
        let touched = apply(&mut tree, &given, fresh, 0)?;
        let number = given.get("AccountNumber").and_then(Option::as_deref);
        check::account(self.settings, self.state, &tree, number)?;
        self.children(&mut tree, &children)?;
        check::references(self.settings, self.state, &tree)?;
        let number = tree.value("AccountNumber").map(str::to_owned);
        let edit = number.map(|number| ("AccountNumber".to_owned(), json!(number)));
        let edit = Edit::set(json!(edit.into_iter().collect::<Map<_, _>>())).by(&self.settings.user);
        if fresh {
            let party = tree.id_of("PartyId").unwrap_or_default();
            let added = self.state.add_account(party, edit, self.now);
            tree.id = added.map_err(|_| Fault::invalid("PartyId", "CustomerAccount", &party.to_string()))?;
        } else if touched {
            let applied = self.state.apply(&ACCOUNTS, tree.id, None, &edit, self.now);
            applied.map_err(|_| Fault::bare())?;
        }
        let account = tree.id;
        self.state.soap.put(tree);
        store::load(self.state, account).ok_or_else(Fault::missing_record)
    }

    fn blank(&self) -> Node {
        let mut tree = Node::new(Level::Account, 0, self.now, &self.settings.user);
        let today = self.now.to_zoned(TimeZone::UTC).date().to_string();
        tree.values.insert("AccountEstablishedDate", today);
        tree
    }

    /// The id that the request gives, as the operation needs it.
    fn key(&self, level: Level, given: &Given) -> Result<Option<i64>, Fault> {
        let text = given.get(level.id()).and_then(Option::as_deref);
        match (self.mode, text) {
            (Mode::Create, Some(_)) => Err(Fault::read_only(level.id(), level.object())),
            (Mode::Update, None) => Err(Fault::required(level.id(), level.object())),
            (Mode::Create, None) | (Mode::Merge, None) => Ok(None),
            (Mode::Merge | Mode::Update, Some(text)) => {
                text.parse().map(Some).map_err(|_| Fault::no_row(level.object(), text))
            }
        }
    }

    fn children(&mut self, tree: &mut Node, elements: &Rows<'_>) -> Result<(), Fault> {
        let party = tree.id_of("PartyId").unwrap_or_default();
        for (level, element) in elements {
            self.child(tree, *level, element, party)?;
        }
        Ok(())
    }

    fn child(&mut self, parent: &mut Node, level: Level, element: &Element, party: i64) -> Result<(), Fault> {
        let (given, elements) = split(level, element)?;
        let (at, fresh) = match self.key(level, &given)? {
            Some(id) => {
                let found = parent.children.iter().position(|row| row.level == level && row.id == id);
                (found.ok_or_else(|| Fault::no_row(level.object(), &id.to_string()))?, false)
            }
            None => {
                let State { soap, rng, .. } = &mut *self.state;
                let id = soap.next_id(rng);
                parent.children.push(Node::new(level, id, self.now, &self.settings.user));
                (parent.children.len() - 1, true)
            }
        };
        // Taken out so that the rows beside it can be compared with it.
        let mut row = parent.children.remove(at);
        if apply(&mut row, &given, fresh, parent.id)? {
            row.updated = (self.now, self.settings.user.clone());
        }
        match level {
            Level::Site => check::site(self.settings, self.state, parent, &row, party)?,
            Level::SiteUse => check::site_use(self.settings, parent, &row)?,
            Level::Contact => check::contact(self.settings, self.state, parent, &row, party)?,
            Level::ContactRole => check::contact_role(self.settings, parent, &row)?,
            Level::Reference => check::reference(self.settings, parent, &row)?,
            Level::Account => return Err(Fault::unknown_method()),
        }
        for (level, element) in elements {
            self.child(&mut row, level, element, party)?;
        }
        parent.children.insert(at, row);
        Ok(())
    }
}

/// The attributes and the child rows of an element.
fn split(level: Level, element: &Element) -> Result<(Given, Rows<'_>), Fault> {
    let mut children = Vec::new();
    let given = given::read(element, level.content(), level.object(), level.attributes(), |child| {
        let found = level.child(&child.name);
        children.extend(found.map(|level| (level, child)));
        found.is_some()
    })?;
    Ok((given, children))
}

/// Sets what was given, and says whether that was more than keys.
fn apply(row: &mut Node, given: &Given, fresh: bool, parent: i64) -> Result<bool, Fault> {
    let (level, mut touched) = (row.level, false);
    if fresh && !given.get("CreatedByModule").is_some_and(Option::is_some) {
        return Err(Fault::bare());
    }
    for attribute in level.attributes() {
        let Some(value) = given.get(attribute.name) else {
            if fresh && attribute.required {
                return Err(Fault::required(attribute.name, level.object()));
            }
            continue;
        };
        if value.is_none() && attribute.required {
            return Err(Fault::required(attribute.name, level.object()));
        }
        if !settable(attribute, fresh) {
            if row.text(attribute, parent) != *value {
                return Err(Fault::read_only(attribute.name, level.object()));
            }
            continue;
        }
        if value.is_none() && !fresh && matches!(attribute.name, "AccountNumber" | "Status") {
            return Err(Fault::required(attribute.name, level.object()));
        }
        touched = true;
        match value {
            Some(value) => row.values.insert(attribute.name, value.clone()),
            None => row.values.remove(attribute.name),
        };
    }
    row.values.entry("Status").or_insert_with(|| "A".to_owned());
    Ok(touched)
}

fn settable(attribute: &Attribute, fresh: bool) -> bool {
    match attribute.change {
        Change::Always => true,
        Change::Once => fresh,
        Change::Never => false,
    }
}
