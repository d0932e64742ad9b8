//! What the two services keep beside the accounts of the REST side.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::children;
use super::super::settings::FusionSettings;
use super::super::state::State;
use super::level::Level;
use super::node::Node;
use super::profile::Profile;

/// Account sites, site uses and original system references as trees by account; profiles.
#[derive(Debug, Default)]
pub(crate) struct SoapState {
    pub(crate) accounts: BTreeMap<i64, Node>,
    /// Accounts by source system, reference and owner table of any of their rows.
    references: BTreeMap<(String, String, String), BTreeSet<i64>>,
    pub(crate) profiles: BTreeMap<i64, Profile>,
    last: i64,
}

impl SoapState {
    /// A new surrogate key.
    pub(crate) fn next_id(&mut self, rng: &mut fastrand::Rng) -> i64 {
        self.last = self.last.max(300_000_400_000_000) + rng.i64(1..=40);
        self.last
    }

    /// Stores an account's tree in place of the earlier one.
    pub(crate) fn put(&mut self, tree: Node) {
        let account = tree.id;
        if let Some(old) = self.accounts.remove(&account) {
            for key in keys(&old) {
                if let Some(holders) = self.references.get_mut(&key) {
                    holders.remove(&account);
                }
            }
        }
        for key in keys(&tree) {
            self.references.entry(key).or_default().insert(account);
        }
        self.accounts.insert(account, tree);
    }
}

/// The active references of a tree.
pub(crate) fn keys(tree: &Node) -> Vec<(String, String, String)> {
    let rows = tree.walk(0).into_iter().map(|(row, _)| row);
    let references = rows.filter(|row| row.level == Level::Reference && row.active());
    let text = |row: &Node, name| row.value(name).unwrap_or_default().to_owned();
    references
        .map(|row| (text(row, "OrigSystem"), text(row, "OrigSystemReference"), text(row, "OwnerTableName")))
        .collect()
}

/// The accounts that have an active reference on one of their rows in `table`.
pub(crate) fn holders(state: &State, system: &str, value: &str, table: &str) -> Vec<i64> {
    let key = (system.to_owned(), value.to_owned(), table.to_owned());
    let holders = state.soap.references.get(&key).into_iter().flatten();
    holders.copied().filter(|account| state.accounts.get(*account).is_some()).collect()
}

/// Whether a party site is an address of the party.
pub(crate) fn party_site_exists(state: &State, party: i64, party_site: i64) -> bool {
    let row = children::child("Address").ok().and_then(|addresses| state.table(addresses).get(party_site));
    row.and_then(|row| row.integer("PartyId")) == Some(party)
}

/// The party, if the user may see it and it is active.
pub(crate) fn party_is_active(settings: &FusionSettings, state: &State, party: i64) -> bool {
    settings.data_access
        && state.parties.get(party).is_some_and(|row| row.text("Status").is_none_or(|status| status == "A"))
}

/// An account's tree, whoever made the account. What the account's own row says is taken from there.
pub(crate) fn load(state: &State, account: i64) -> Option<Node> {
    let row = state.accounts.get(account)?;
    let text = |name| row.text(name).unwrap_or_default().to_owned();
    let mut tree = state.soap.accounts.get(&account).cloned().unwrap_or_else(|| by_hand(account));
    tree.values.insert("PartyId", row.integer("CustomerId").unwrap_or_default().to_string());
    tree.values.insert("AccountNumber", text("AccountNumber"));
    tree.created = (row.created, text("CreatedBy"));
    tree.updated = (row.updated, text("LastUpdatedBy"));
    Some(tree)
}

/// An account that a person made on the screen.
fn by_hand(account: i64) -> Node {
    let mut tree = Node::new(Level::Account, account, Timestamp::UNIX_EPOCH, "");
    tree.values.insert("CustomerType", "R".to_owned());
    tree.values.insert("CreatedByModule", "TCA_FORM_WRAPPER".to_owned());
    tree
}
