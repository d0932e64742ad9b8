//! `[connection.customers]`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sync_core::hierarchy::HierarchyRule;
use sync_core::policy::{self, CrmReactions, CustomerRule, ErpReactions, LifeLabels};
use sync_core::text::squeeze;

use super::ConfigError;
use super::diagnose::At;

/// Which parties are customers, and what happens when a customer or its organization ends or returns.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Customers {
    /// Whether only parties with an AR account are customers, whatever their usage. Default `false`.
    pub account_required: bool,

    /// Which names are ours. Default: all.
    pub names: Filter,

    /// Which party numbers are ours. Default: all.
    pub numbers: Filter,

    /// When a customer becomes inactive in the ERP: `flag` writes it into the field "ERP status" and goes on, `label` gives
    /// the organization a label besides, `ignore` leaves it as it is, `ask` lets a person decide. Default `"flag"`.
    pub inactive: Reaction,

    /// When a customer is merged into another one in the ERP: as `inactive`. Default `"flag"`.
    pub merged: Reaction,

    /// When the ERP does not show a customer any more: as `inactive`. Default `"ask"`.
    pub deleted: Reaction,

    /// When a customer that had ended is in use again: `flag` resumes and takes our labels off, `ignore` leaves the organization as it is, `ask`
    /// lets a person decide. Default `"flag"`.
    pub returned: Reaction,

    /// When an organization is merged into that of another customer in Pipedrive: `ask` lets a person decide, `ignore`
    /// leaves the customer without one. Default `"ask"`.
    pub organization_merged: Reaction,

    /// When an organization is deleted in Pipedrive, or hidden from our user: `ask` lets a person decide, `ignore`
    /// leaves the customer without one. Default `"ask"`.
    pub organization_deleted: Reaction,

    /// When an organization without which its customer was left is back: `flag` resumes, `ignore` leaves it as it is,
    /// `ask` lets a person decide. Default `"flag"`.
    pub organization_returned: Reaction,

    /// The labels that `label` gives; they have to exist in Pipedrive, as labels of organizations. Default
    /// `{ inactive = "ERP inactive", merged = "ERP merged", deleted = "ERP deleted" }`.
    pub labels: Labels,

    /// Whether parents and daughters by the ERP's relationships are parents and daughters in Pipedrive, too (10 tokens for
    /// each relation made, 6 for each ended). Reading them takes one more request to the ERP for every 200 parties at
    /// each `sweep_every`. Default `false`.
    pub hierarchy: bool,

    /// Relationship types that count for it. Empty means all. Default `[]`.
    pub relationship_types: Vec<String>,

    /// Relationship codes that make the subject of a relationship the parent of its object. Default
    /// `["HEADQUARTERS_OF", "PARENT_OF"]`.
    pub parent_codes: Vec<String>,

    /// Relationship codes that make the subject of a relationship a daughter of its object. Default
    /// `["DIVISION_OF", "SUBSIDIARY_OF"]`.
    pub daughter_codes: Vec<String>,
}

/// Labels of Pipedrive's organizations that say how their customer ended. What else an organization is labelled with stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Labels {
    /// That of customers that became inactive. Default `"ERP inactive"`.
    pub inactive: String,
    /// That of customers that were merged into another one. Default `"ERP merged"`.
    pub merged: String,
    /// That of customers that the ERP does not show any more. Default `"ERP deleted"`.
    pub deleted: String,
}

impl Default for Labels {
    fn default() -> Self {
        let LifeLabels { inactive, merged, deleted } = LifeLabels::default();
        Self { inactive, merged, deleted }
    }
}

/// Texts told by patterns: `*` stands for any characters, `?` for one, letter case does not matter.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Only what fits one of these; an empty list means everything. Default `[]`.
    pub only: Vec<String>,
    /// But nothing that fits one of these. Default `[]`.
    pub except: Vec<String>,
}

/// What happens when a record ends or returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// The organization says so.
    Flag,
    /// The organization says so, and gets a label.
    Label,
    /// The other side is left as it is.
    Ignore,
    /// A person decides.
    Ask,
}

impl Default for Customers {
    fn default() -> Self {
        let HierarchyRule { types, parent_codes, daughter_codes } = HierarchyRule::default();
        Self {
            account_required: false,
            names: Filter::default(),
            numbers: Filter::default(),
            inactive: Reaction::Flag,
            merged: Reaction::Flag,
            deleted: Reaction::Ask,
            returned: Reaction::Flag,
            organization_merged: Reaction::Ask,
            organization_deleted: Reaction::Ask,
            organization_returned: Reaction::Flag,
            labels: Labels::default(),
            hierarchy: false,
            relationship_types: types.into_iter().collect(),
            parent_codes: parent_codes.into_iter().collect(),
            daughter_codes: daughter_codes.into_iter().collect(),
        }
    }
}

impl Customers {
    pub(super) fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self {
            account_required: _,
            names,
            numbers,
            inactive: _,
            merged: _,
            deleted: _,
            returned,
            organization_merged,
            organization_deleted,
            organization_returned,
            labels,
            hierarchy: _,
            relationship_types,
            parent_codes,
            daughter_codes,
        } = self;
        check_codes(at, [relationship_types, parent_codes, daughter_codes])?;
        names.check(&at.key("names"))?;
        numbers.check(&at.key("numbers"))?;
        labels.check(&at.key("labels"))?;
        for (key, reaction) in [("returned", returned), ("organization_returned", organization_returned)] {
            if *reaction == Reaction::Label {
                return Err(at.key(key).fail(
                    "what is in use again has no label: ours is taken off by itself",
                    "write \"flag\", \"ask\" or \"ignore\"",
                ));
            }
        }
        for (key, reaction) in
            [("organization_merged", organization_merged), ("organization_deleted", organization_deleted)]
        {
            match reaction {
                Reaction::Ask | Reaction::Ignore => {}
                Reaction::Flag | Reaction::Label => {
                    return Err(at.key(key).fail(
                        "there is no organization any more that could be flagged or labelled",
                        "write \"ask\" or \"ignore\"",
                    ));
                }
            }
        }
        Ok(())
    }

    /// The rule that follows, for parties with these usages.
    pub fn rule(&self, usages: &[String]) -> CustomerRule {
        CustomerRule {
            usages: usages.iter().cloned().collect(),
            account_required: self.account_required,
            names: self.names.policy(),
            numbers: self.numbers.policy(),
        }
    }

    /// Which relationships make parents and daughters, if any do.
    pub fn hierarchy(&self) -> Option<HierarchyRule> {
        let set = |codes: &[String]| codes.iter().cloned().collect();
        self.hierarchy.then(|| HierarchyRule {
            types: set(&self.relationship_types),
            parent_codes: set(&self.parent_codes),
            daughter_codes: set(&self.daughter_codes),
        })
    }

    /// What happens when customers end in the ERP, or return.
    pub fn erp(&self) -> ErpReactions {
        ErpReactions {
            inactive: self.inactive.policy(),
            merged: self.merged.policy(),
            deleted: self.deleted.policy(),
            returned: self.returned.policy(),
        }
    }

    /// The labels that organizations get.
    pub fn labels(&self) -> LifeLabels {
        let Labels { inactive, merged, deleted } = self.labels.clone();
        LifeLabels { inactive, merged, deleted }
    }

    /// What happens when organizations end in Pipedrive, or return.
    pub fn crm(&self) -> CrmReactions {
        CrmReactions {
            merged: self.organization_merged.policy(),
            deleted: self.organization_deleted.policy(),
            returned: self.organization_returned.policy(),
        }
    }
}

fn check_codes(at: &At<'_>, codes: [&[String]; 3]) -> Result<(), ConfigError> {
    let [_, parents, daughters] = codes;
    for (key, codes) in ["relationship_types", "parent_codes", "daughter_codes"].into_iter().zip(codes) {
        if let Some(index) = codes.iter().position(|code| code.trim().is_empty()) {
            return Err(at
                .key(key)
                .index(index)
                .fail("this code is empty", "write a code of the ERP such as \"PARENT_OF\", or remove it"));
        }
    }
    if let Some(index) = daughters.iter().position(|code| parents.contains(code)) {
        return Err(at.key("daughter_codes").index(index).fail(
            "this code is among the parent_codes, too",
            "a code is read from the subject: it makes it the parent or the daughter, not both",
        ));
    }
    if parents.is_empty() && daughters.is_empty() {
        return Err(at.key("parent_codes").fail(
            "there is no code that makes parents or daughters",
            "name one, or write hierarchy = false",
        ));
    }
    Ok(())
}

impl Labels {
    fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { inactive, merged, deleted } = self;
        let mut names = Vec::new();
        for (key, label) in [("inactive", inactive), ("merged", merged), ("deleted", deleted)] {
            let name = squeeze(label).to_lowercase();
            if name.is_empty() {
                return Err(at.key(key).fail("this label is empty", "write the label as it is in Pipedrive"));
            }
            if names.contains(&name) {
                return Err(at.key(key).fail(
                    format!("the label \"{label}\" is given for another end, too"),
                    "give each end a label of its own, or nobody can tell which one to take off",
                ));
            }
            names.push(name);
        }
        Ok(())
    }
}

impl Filter {
    fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        for (key, patterns) in [("only", &self.only), ("except", &self.except)] {
            if let Some(index) = patterns.iter().position(|pattern| pattern.trim().is_empty()) {
                return Err(at.key(key).index(index).fail(
                    "this pattern is empty and would fit nothing",
                    "write a pattern such as \"Acme*\", or remove it",
                ));
            }
        }
        Ok(())
    }

    fn policy(&self) -> policy::Filter {
        policy::Filter { only: self.only.clone(), except: self.except.clone() }
    }
}

impl Reaction {
    fn policy(self) -> policy::Reaction {
        match self {
            Self::Flag => policy::Reaction::Flag,
            Self::Label => policy::Reaction::Label,
            Self::Ignore => policy::Reaction::Ignore,
            Self::Ask => policy::Reaction::Ask,
        }
    }
}
