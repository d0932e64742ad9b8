//! The laws about customers that we create in the ERP: 1, 2 and 8 for what our requests made there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Violation, broken};
use crate::{
    handover::{Cause, Piece, Subject},
    ids::{AccountId, IntentId, OrgId, PartyId, RelationshipId, SetId},
};

/// What our requests made for one organization, as the ERP has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenCustomer {
    /// Parties that were created under our name for the organization.
    pub parties: Vec<PartyId>,
    /// Accounts that were created under our name for it.
    pub accounts: Vec<AccountId>,
    /// How many uses to bill to there are, of each account that was written to, by set.
    pub billed: BTreeMap<(AccountId, SetId), usize>,
    /// How many profiles, of each such account.
    pub profiles: BTreeMap<AccountId, usize>,
    /// How many addresses under our name, of each party.
    pub addresses: BTreeMap<PartyId, usize>,
    /// How often each contact of an account that was written to is the one to bill.
    pub contacts: BTreeMap<(AccountId, RelationshipId), usize>,
}

/// Persons that our requests made, and whose contacts they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts {
    /// How many persons there are of each of our names.
    pub persons: BTreeMap<String, usize>,
    /// How often each person is a contact of each party.
    pub of_parties: BTreeMap<(PartyId, PartyId), usize>,
}

/// Law 1 for contacts: one person of each of our names, who is a contact of a party once.
#[must_use]
pub fn law_1_one_contact(seen: &Contacts) -> Vec<Violation> {
    let Contacts { persons, of_parties } = seen;
    let named = persons.iter().filter(|(_, count)| **count > 1);
    let mut found: Vec<Violation> = named
        .map(|(name, count)| broken(1, format!("{count} persons of the ERP are called {name}")))
        .collect();
    let doubled = of_parties.iter().filter(|(_, count)| **count > 1);
    found.extend(doubled.map(|((person, party), count)| {
        broken(1, format!("person {person} is a contact of party {party} {count} times"))
    }));
    found
}

/// Law 1 for customers: one party and one account of ours for an organization, one use to bill to for each set, one profile
/// an account, one address of ours a party.
#[must_use]
pub fn law_1_one_customer(org: OrgId, seen: &SeenCustomer) -> Vec<Violation> {
    let SeenCustomer { parties, accounts, billed, profiles, addresses, contacts } = seen;
    let mut found = Vec::new();
    if parties.len() > 1 {
        found.push(broken(1, format!("organization {org} was given parties {parties:?}")));
    }
    if accounts.len() > 1 {
        found.push(broken(1, format!("organization {org} was given accounts {accounts:?}")));
    }
    for ((account, set), count) in billed.iter().filter(|(_, count)| **count > 1) {
        let story =
            format!("account {account} of organization {org} has {count} uses to bill to in set {set}");
        found.push(broken(1, story));
    }
    for (account, count) in profiles.iter().filter(|(_, count)| **count > 1) {
        found.push(broken(1, format!("account {account} of organization {org} has {count} profiles")));
    }
    for (party, count) in addresses.iter().filter(|(_, count)| **count > 1) {
        found.push(broken(1, format!("party {party} was given {count} addresses for organization {org}")));
    }
    for ((account, contact), count) in contacts.iter().filter(|(_, count)| **count > 1) {
        let story = format!("account {account} of organization {org} bills contact {contact} {count} times");
        found.push(broken(1, story));
    }
    found
}

/// Law 1, one party per organization: nothing is created for an organization that belongs to another party. `party` is the
/// one that a write is about; none where it creates one.
#[must_use]
pub fn law_1_not_for_another(
    org: OrgId,
    piece: &Piece,
    party: Option<PartyId>,
    pair: Option<PartyId>,
) -> Option<Violation> {
    // A person belongs to nobody until it is made a contact.
    let pair = pair.filter(|pair| party != Some(*pair) && !matches!(piece, Piece::Person { .. }))?;
    let what = piece.explain();
    Some(broken(1, format!("organization {org} belongs to party {pair}, and all the same: {what}")))
}

/// Law 1, one organization per party: the customer flow made none for a party that was made for another one. `created` are
/// the organizations that our requests created, with the party id they carried; `made` says for whom parties were created.
#[must_use]
pub fn law_1_no_second_organization(
    created: impl IntoIterator<Item = (OrgId, PartyId)>,
    made: &BTreeMap<PartyId, OrgId>,
) -> Vec<Violation> {
    let second = created.into_iter().filter_map(|(org, party)| {
        let first = made.get(&party).filter(|first| **first != org)?;
        Some(broken(1, format!("organization {org} was created for party {party}, which is that of {first}")))
    });
    second.collect()
}

/// Law 2 for pieces of a customer: there is an open intent that says exactly this and that was not sent before. `open` are
/// those without doubt, `used` those that were sent. Tells the intent.
///
/// # Errors
/// The violation, where there is none.
pub fn law_2_piece_intended(
    sent: &Piece,
    open: &[(IntentId, Piece)],
    used: &BTreeSet<IntentId>,
) -> Result<IntentId, Violation> {
    let fits = open.iter().find(|(id, piece)| piece == sent && !used.contains(id));
    fits.map(|(id, _)| *id).ok_or_else(|| {
        broken(2, format!("without an intent of its own the ERP is asked to {}", sent.explain()))
    })
}

/// Why a customer may be created, as an all-seeing observer knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grounds {
    /// Something was created for the organization in this business unit before: it is finished, whatever became of it.
    pub begun: bool,
    /// The cause is there, or was until a moment ago.
    pub stands: bool,
    /// It came after the flow was switched on.
    pub young: bool,
    /// A person asked for it.
    pub asked: bool,
    /// Somebody has to approve it.
    pub needs_approval: bool,
    /// Somebody did.
    pub approved: bool,
}

/// Law 2, no create that nobody intended: nothing is created for what was won before the flow was switched on and nobody
/// asked for, for what is not won any more, or without the approval that the policy asks for (architecture section 7).
#[must_use]
pub fn law_2_due(org: OrgId, cause: Cause, grounds: Grounds) -> Option<Violation> {
    let Grounds { begun, stands, young, asked, needs_approval, approved } = grounds;
    let why = if begun {
        return None;
    } else if !stands {
        "that is not so"
    } else if !young && !asked {
        "that was before the flow was switched on, and nobody asked"
    } else if needs_approval && !approved && !asked {
        "nobody approved it"
    } else {
        return None;
    };
    Some(broken(2, format!("a customer is begun for organization {org} because {cause}: {why}")))
}

/// What is there of a customer that should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Whole {
    /// The party that the organization is paired with.
    pub pair: Option<PartyId>,
    /// Whether an account of that party has a use to bill to in the set.
    pub billed: bool,
    /// Whether that account has a profile, or is none of ours.
    pub profile: bool,
}

/// Law 8 for customers: nothing is lost. What is due, approved and not asked about is complete in the end.
#[must_use]
pub fn law_8_complete(org: OrgId, cause: Cause, set: SetId, whole: Whole) -> Option<Violation> {
    let missing = match whole {
        Whole { pair: None, .. } => "no party",
        Whole { billed: false, .. } => "no use to bill to",
        Whole { profile: false, .. } => "no profile",
        Whole { pair: Some(_), billed: true, profile: true } => return None,
    };
    Some(broken(8, format!("organization {org} has {missing} in set {set}, although {cause}")))
}

/// Law 8 for questions: in the end nobody is asked about what is not so any more.
#[must_use]
pub fn law_8_no_idle_question(subject: Subject, key: &str, stands: bool) -> Option<Violation> {
    (!stands).then(|| broken(8, format!("{subject} is still asked about ({key}), and the reason is gone")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DealId;

    const ORG: OrgId = OrgId(4711);
    const PARTY: PartyId = PartyId(7);
    const ACCOUNT: AccountId = AccountId(70);

    fn usage() -> Piece {
        Piece::Usage { number: "7".to_owned(), usage: "CUSTOMER".to_owned() }
    }

    #[test]
    fn whatever_is_there_twice_breaks_law_1() {
        let one = SeenCustomer {
            parties: vec![PARTY],
            accounts: vec![ACCOUNT],
            billed: BTreeMap::from([((ACCOUNT, SetId(1)), 1), ((ACCOUNT, SetId(2)), 1)]),
            profiles: BTreeMap::from([(ACCOUNT, 1)]),
            addresses: BTreeMap::from([(PARTY, 1)]),
            contacts: BTreeMap::from([((ACCOUNT, RelationshipId(5)), 1)]),
        };
        assert_eq!(law_1_one_customer(ORG, &one), []);
        let twice = SeenCustomer {
            parties: vec![PARTY, PartyId(8)],
            accounts: vec![ACCOUNT, AccountId(71)],
            billed: BTreeMap::from([((ACCOUNT, SetId(1)), 2)]),
            profiles: BTreeMap::from([(ACCOUNT, 2)]),
            addresses: BTreeMap::from([(PARTY, 2)]),
            contacts: BTreeMap::from([((ACCOUNT, RelationshipId(5)), 2)]),
        };
        assert_eq!(law_1_one_customer(ORG, &twice).len(), 6);
        assert_eq!(law_1_no_second_organization([(ORG, PARTY)], &BTreeMap::from([(PARTY, ORG)])), []);
        assert_eq!(
            law_1_no_second_organization([(OrgId(9), PARTY)], &BTreeMap::from([(PARTY, ORG)])).len(),
            1
        );
        let name = || "pd:1:person:7".to_owned();
        let once = Contacts {
            persons: BTreeMap::from([(name(), 1)]),
            of_parties: BTreeMap::from([((PartyId(9), PARTY), 1)]),
        };
        assert_eq!(law_1_one_contact(&once), []);
        let twice = Contacts {
            persons: BTreeMap::from([(name(), 2)]),
            of_parties: BTreeMap::from([((PartyId(9), PARTY), 2)]),
        };
        assert_eq!(law_1_one_contact(&twice).len(), 2);
    }

    #[test]
    fn what_belongs_to_another_party_is_left_alone() {
        assert_eq!(law_1_not_for_another(ORG, &usage(), Some(PARTY), None), None);
        assert_eq!(law_1_not_for_another(ORG, &usage(), Some(PARTY), Some(PARTY)), None);
        assert!(law_1_not_for_another(ORG, &usage(), Some(PARTY), Some(PartyId(8))).is_some());
        assert!(law_1_not_for_another(ORG, &usage(), None, Some(PARTY)).is_some());
    }

    #[test]
    fn each_write_needs_an_intent_of_its_own() {
        let open = [(IntentId(1), usage())];
        assert_eq!(law_2_piece_intended(&usage(), &open, &BTreeSet::new()), Ok(IntentId(1)));
        assert!(law_2_piece_intended(&usage(), &open, &BTreeSet::from([IntentId(1)])).is_err());
        let other = Piece::Usage { number: "8".to_owned(), usage: "CUSTOMER".to_owned() };
        assert!(law_2_piece_intended(&other, &open, &BTreeSet::new()).is_err());
    }

    #[test]
    fn grounds_are_needed_until_something_is_begun() {
        let cause = Cause::Deal(DealId(81));
        let good = Grounds { stands: true, young: true, ..Grounds::default() };
        let check = |grounds| law_2_due(ORG, cause, grounds).is_some();
        assert!(!check(good));
        assert!(check(Grounds { stands: false, ..good }));
        assert!(!check(Grounds { stands: false, begun: true, ..good }));
        assert!(check(Grounds { young: false, ..good }));
        assert!(!check(Grounds { young: false, asked: true, ..good }));
        assert!(check(Grounds { needs_approval: true, ..good }));
        assert!(!check(Grounds { needs_approval: true, approved: true, ..good }));
    }

    #[test]
    fn whatever_is_missing_in_the_end_breaks_law_8() {
        let whole = Whole { pair: Some(PARTY), billed: true, profile: true };
        let check = |whole| law_8_complete(ORG, Cause::Asked, SetId(1), whole).is_some();
        assert!(!check(whole));
        assert!(check(Whole { pair: None, ..whole }));
        assert!(check(Whole { billed: false, ..whole }));
        assert!(check(Whole { profile: false, ..whole }));
        assert!(law_8_no_idle_question(Subject::Org(ORG), "data_missing", false).is_some());
        assert_eq!(law_8_no_idle_question(Subject::Org(ORG), "data_missing", true), None);
    }
}
