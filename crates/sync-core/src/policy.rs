//! What the owner of a connection wants: which fields, which customers, and what happens to records that end or return.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    fields::FieldTable,
    hierarchy::HierarchyRule,
    model::{ErpCustomer, PartyStatus},
    text,
    value::Value,
};

/// Everything that a decision depends on beside the situation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// What is mapped.
    pub fields: FieldTable,
    /// Which parties are customers.
    pub customers: CustomerRule,
    /// What happens when a customer ends in the ERP, or returns there.
    pub erp: ErpReactions,
    /// What happens when an organization ends in the CRM, or returns there.
    pub crm: CrmReactions,
    /// The labels that organizations get where a reaction is [`Reaction::Label`].
    pub labels: LifeLabels,
    /// Which relationships of the ERP make parents and daughters in the CRM; none: the CRM's are left alone.
    pub hierarchy: Option<HierarchyRule>,
    /// After this a created or changed record is surely shown by every look-up.
    pub settle: SignedDuration,
    /// An organization must have been read this recently before it is written.
    pub freshness: SignedDuration,
}

/// Which parties of the ERP are customers of ours; suppliers and banks are parties too (oracle-fusion.md 1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CustomerRule {
    /// Usages that make a party a customer even before it has an AR account.
    pub usages: BTreeSet<String>,
    /// Only parties with an AR account are customers.
    pub account_required: bool,
    /// Which names are ours.
    pub names: Filter,
    /// Which party numbers are ours.
    pub numbers: Filter,
}

/// Patterns with `*` (any characters) and `?` (one); letter case does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Only what fits one of these; everything if empty.
    pub only: Vec<String>,
    /// But nothing that fits one of these.
    pub except: Vec<String>,
}

impl Filter {
    /// Whether the text passes.
    #[must_use]
    pub fn passes(&self, candidate: &str) -> bool {
        let candidate = text::squeeze(candidate);
        let fits = |pattern: &String| {
            wildmatch::WildMatch::new_case_insensitive(&text::squeeze(pattern)).matches(&candidate)
        };
        (self.only.is_empty() || self.only.iter().any(fits)) && !self.except.iter().any(fits)
    }
}

impl CustomerRule {
    /// Whether the party is a customer of ours (architecture section 2, oracle-fusion.md 10.11).
    #[must_use]
    pub fn covers(&self, customer: &ErpCustomer) -> bool {
        let party = &customer.party;
        let has_account = !customer.accounts.is_empty();
        let by_usage =
            !self.account_required && party.usage.as_ref().is_some_and(|usage| self.usages.contains(usage));
        (has_account || by_usage) && self.admits(customer)
    }

    /// Whether the filters let it pass, customer or not.
    #[must_use]
    pub fn admits(&self, customer: &ErpCustomer) -> bool {
        self.names.passes(&customer.party.name) && self.numbers.passes(&customer.party.number)
    }
}

/// What happens when a record ends or returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// The organization's field "ERP status" says so; everything else goes on.
    Flag,
    /// As `flag`, and the organization gets a label.
    Label,
    /// Nothing: the other side is left as it is.
    Ignore,
    /// A person decides.
    Ask,
}

/// How a party of the ERP lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// In use.
    Active,
    /// No longer in use.
    Inactive,
    /// Merged into another party, or otherwise out of use by a code that we do not know.
    Merged,
    /// The ERP does not show it any more: deleted, or hidden from our user.
    Deleted,
}

impl Life {
    /// The life behind a status of the ERP. That of merged parties is UNVERIFIED (oracle-fusion.md 1.2): every code but
    /// `A` and `I` is taken for it.
    #[must_use]
    pub fn of(status: &PartyStatus) -> Self {
        match status {
            PartyStatus::Active => Self::Active,
            PartyStatus::Inactive => Self::Inactive,
            PartyStatus::Other(_) => Self::Merged,
        }
    }

    /// What sales reads.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Merged => "Merged",
            Self::Deleted => "Deleted",
        }
    }
}

/// What happens when customers end in the ERP, or return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ErpReactions {
    /// A customer became inactive.
    pub inactive: Reaction,
    /// A customer was merged into another one.
    pub merged: Reaction,
    /// The ERP does not show a customer any more.
    pub deleted: Reaction,
    /// A customer that had ended is back.
    pub returned: Reaction,
}

impl Default for ErpReactions {
    fn default() -> Self {
        Self {
            inactive: Reaction::Flag,
            merged: Reaction::Flag,
            deleted: Reaction::Ask,
            returned: Reaction::Flag,
        }
    }
}

impl ErpReactions {
    /// The reaction to a life other than active; that to a return for [`Life::Active`].
    #[must_use]
    pub fn to(&self, life: Life) -> Reaction {
        match life {
            Life::Active => self.returned,
            Life::Inactive => self.inactive,
            Life::Merged => self.merged,
            Life::Deleted => self.deleted,
        }
    }

    /// The lives that are told by a label. One in use has none.
    pub fn labelled(&self) -> impl Iterator<Item = Life> + '_ {
        [Life::Inactive, Life::Merged, Life::Deleted]
            .into_iter()
            .filter(|life| self.to(*life) == Reaction::Label)
    }
}

/// Labels of the CRM's organizations that say how their customer lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LifeLabels {
    /// That of inactive customers.
    pub inactive: String,
    /// That of merged customers.
    pub merged: String,
    /// That of customers that the ERP does not show any more.
    pub deleted: String,
}

impl Default for LifeLabels {
    fn default() -> Self {
        let [inactive, merged, deleted] = ["ERP inactive", "ERP merged", "ERP deleted"].map(str::to_owned);
        Self { inactive, merged, deleted }
    }
}

impl LifeLabels {
    /// The label of a life; none of one in use.
    #[must_use]
    pub fn of(&self, life: Life) -> Option<&str> {
        match life {
            Life::Active => None,
            Life::Inactive => Some(&self.inactive),
            Life::Merged => Some(&self.merged),
            Life::Deleted => Some(&self.deleted),
        }
    }
}

/// What happens when organizations end in the CRM, or return. Only [`Reaction::Ignore`] and [`Reaction::Ask`] make sense
/// where there is no organization to put a mark on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CrmReactions {
    /// An organization was merged into another one.
    pub merged: Reaction,
    /// An organization was deleted, or hidden from our user.
    pub deleted: Reaction,
    /// An organization without which its customer was left is back.
    pub returned: Reaction,
}

impl Default for CrmReactions {
    fn default() -> Self {
        Self { merged: Reaction::Ask, deleted: Reaction::Ask, returned: Reaction::Flag }
    }
}

impl Policy {
    /// The labels that an organization should have whose customer lives this way: those it has but for ours, and the one
    /// of this life if that is told by a label.
    #[must_use]
    pub fn labels(&self, life: Life, shown: Option<&Value>) -> Option<Value> {
        let ours: Vec<&str> = self.erp.labelled().filter_map(|life| self.labels.of(life)).collect();
        let same = |label: &str, other: &str| {
            text::squeeze(label).to_lowercase() == text::squeeze(other).to_lowercase()
        };
        let mut labels = match shown {
            Some(Value::Labels(shown)) => shown.labels.clone(),
            Some(
                Value::Text(_) | Value::Address(_) | Value::Number(_) | Value::Date(_) | Value::Money(_),
            )
            | None => Vec::new(),
        };
        let wanted =
            self.erp.labelled().find(|labelled| *labelled == life).and_then(|life| self.labels.of(life));
        labels.retain(|label| {
            wanted.is_some_and(|wanted| same(label, wanted)) || !ours.iter().any(|ours| same(label, ours))
        });
        if let Some(wanted) = wanted.filter(|wanted| !labels.iter().any(|label| same(label, wanted))) {
            labels.push(wanted.to_owned());
        }
        Value::labels(labels)
    }

    /// The labels that the CRM has to have.
    #[must_use]
    pub fn wanted_labels(&self) -> Vec<String> {
        self.erp.labelled().filter_map(|life| self.labels.of(life)).map(str::to_owned).collect()
    }

    /// The policy of a connection that configures nothing else.
    #[must_use]
    pub fn of(usages: BTreeSet<String>, settle: SignedDuration, freshness: SignedDuration) -> Self {
        Self {
            fields: FieldTable::default(),
            customers: CustomerRule { usages, ..CustomerRule::default() },
            erp: ErpReactions::default(),
            crm: CrmReactions::default(),
            labels: LifeLabels::default(),
            hierarchy: None,
            settle,
            freshness,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_have_wildcards_and_do_not_mind_case() {
        let filter = |only: &[&str], except: &[&str]| Filter {
            only: only.iter().map(ToString::to_string).collect(),
            except: except.iter().map(ToString::to_string).collect(),
        };
        assert!(Filter::default().passes("anything"));
        assert!(filter(&["acme*"], &[]).passes("ACME Ltd"));
        assert!(!filter(&["acme*"], &[]).passes("The Acme"));
        assert!(!filter(&[], &["*test*"]).passes("Acme Test Ltd"));
        assert!(!filter(&["acme*"], &["* gmbh"]).passes(" Acme  GmbH "));
        assert!(filter(&["10??"], &[]).passes("1006"));
    }

    #[test]
    fn ours_come_and_go_and_people_s_own_labels_stay() {
        let labels = |all: &[&str]| Value::labels(all.iter().map(ToString::to_string).collect());
        let mut policy = Policy::of(BTreeSet::new(), SignedDuration::ZERO, SignedDuration::ZERO);
        policy.erp.inactive = Reaction::Label;
        policy.erp.merged = Reaction::Label;
        let shown = labels(&["Customer", "erp  INACTIVE", "ERP deleted"]);
        let table = [
            (Life::Inactive, None, labels(&["ERP inactive"])),
            (Life::Inactive, labels(&["Customer"]), labels(&["Customer", "ERP inactive"])),
            (Life::Inactive, shown.clone(), shown.clone()),
            (Life::Merged, shown.clone(), labels(&["Customer", "ERP deleted", "ERP merged"])),
            (Life::Active, shown.clone(), labels(&["Customer", "ERP deleted"])),
            (Life::Deleted, shown, labels(&["Customer", "ERP deleted"])),
            (Life::Active, labels(&["ERP merged"]), None),
            (Life::Active, None, None),
        ];
        for (life, shown, wanted) in table {
            assert_eq!(policy.labels(life, shown.as_ref()), wanted, "{life:?} {shown:?}");
        }
    }

    #[test]
    fn every_life_has_its_reaction() {
        let reactions = ErpReactions {
            inactive: Reaction::Flag,
            merged: Reaction::Label,
            deleted: Reaction::Ignore,
            returned: Reaction::Ask,
        };
        let lives = [Life::Inactive, Life::Merged, Life::Deleted, Life::Active];
        let wanted = [Reaction::Flag, Reaction::Label, Reaction::Ignore, Reaction::Ask];
        assert_eq!(lives.map(|life| reactions.to(life)), wanted);
        assert_eq!(reactions.labelled().collect::<Vec<_>>(), [Life::Merged]);
        assert_eq!(ErpReactions::default().labelled().count(), 0);
    }
}
