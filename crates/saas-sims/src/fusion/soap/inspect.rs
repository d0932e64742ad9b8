//! What tests see of the services' rows, and what a person does on the screen.

use serde_json::{Value, json};

use super::super::state::State;
use super::super::{Edit, FusionSim};
use super::level::Level;
use super::profile::Profile;
use super::store;

impl FusionSim {
    /// An account as the account service knows it, without the rows below.
    pub fn customer_account(&self, account: i64) -> Option<Value> {
        store::load(&self.lock(), account).map(|tree| tree.json(0))
    }

    /// The sites of an account.
    pub fn account_sites(&self, account: i64) -> Vec<Value> {
        rows(&self.lock(), account, Level::Site)
    }

    /// The site uses of all sites of an account.
    pub fn site_uses(&self, account: i64) -> Vec<Value> {
        rows(&self.lock(), account, Level::SiteUse)
    }

    /// The contacts of an account.
    pub fn account_contacts(&self, account: i64) -> Vec<Value> {
        rows(&self.lock(), account, Level::Contact)
    }

    /// What the contacts of an account are there for; `CustomerAccountRoleId` tells whose.
    pub fn contact_roles(&self, account: i64) -> Vec<Value> {
        rows(&self.lock(), account, Level::ContactRole)
    }

    /// The original system references of an account, its sites and their uses; `OwnerTableName` tells which.
    pub fn account_references(&self, account: i64) -> Vec<Value> {
        rows(&self.lock(), account, Level::Reference)
    }

    /// The accounts that an active original system reference of `table` leads to.
    pub fn accounts_by_reference(&self, system: &str, value: &str, table: &str) -> Vec<i64> {
        store::holders(&self.lock(), system, value, table)
    }

    /// The profiles of an account, ended ones included.
    pub fn customer_profiles(&self, account: i64) -> Vec<Value> {
        let state = self.lock();
        let own = state.soap.profiles.values().filter(|profile| profile.account == account);
        own.map(|profile| profile.json(&state)).collect()
    }

    /// Adds a profile as a person does who makes an account on the screen, and returns its id (section 1.4).
    pub fn add_customer_profile(&self, account: i64, class: &str) -> Result<i64, String> {
        let now = self.now();
        let mut state = self.lock();
        if state.accounts.get(account).is_none() {
            return Err(format!("no account {account}"));
        }
        let State { soap, rng, .. } = &mut *state;
        let id = soap.next_id(rng);
        soap.profiles.insert(id, Profile::by_hand(id, account, class, now));
        Ok(id)
    }

    /// Gives an account a class as a person does on the screen, or takes it away; its stamp moves.
    pub fn set_account_class(&self, account: i64, class: Option<&str>) -> Result<(), String> {
        let mut state = self.lock();
        let mut tree = store::load(&state, account).ok_or_else(|| format!("no account {account}"))?;
        match class {
            Some(class) => tree.values.insert("CustomerClassCode", class.to_owned()),
            None => tree.values.remove("CustomerClassCode"),
        };
        state.soap.put(tree);
        drop(state);
        self.edit_account(account, &Edit::set(json!({})))
    }

    /// Gives an account payment terms as a person does on the screen, in the profiles that it has; no stamp of the account
    /// moves (section 1.4: profiles are rows of their own).
    pub fn set_payment_terms(&self, account: i64, terms: &str) -> Result<(), String> {
        let mut state = self.lock();
        let mut changed = 0;
        for profile in state.soap.profiles.values_mut().filter(|profile| profile.account == account) {
            profile.values.insert("PaymentTerms", terms.to_owned());
            changed += 1;
        }
        if changed > 0 { Ok(()) } else { Err(format!("account {account} has no profile")) }
    }
}

fn rows(state: &State, account: i64, level: Level) -> Vec<Value> {
    let tree = store::load(state, account);
    let rows = tree.iter().flat_map(|tree| tree.walk(0)).filter(|(row, _)| row.level == level);
    rows.map(|(row, parent)| row.json(parent)).collect()
}

/// Everything the services stored.
pub(crate) fn truth(state: &State) -> Value {
    let all = |level| -> Vec<Value> {
        let accounts = state.soap.accounts.keys();
        accounts.flat_map(|account| rows(state, *account, level)).collect()
    };
    let profiles: Vec<Value> = state.soap.profiles.values().map(|profile| profile.json(state)).collect();
    json!({
        "accounts": all(Level::Account),
        "sites": all(Level::Site),
        "site_uses": all(Level::SiteUse),
        "contacts": all(Level::Contact),
        "contact_roles": all(Level::ContactRole),
        "references": all(Level::Reference),
        "profiles": profiles,
    })
}
