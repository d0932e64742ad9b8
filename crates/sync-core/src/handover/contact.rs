//! Whom the bill goes to: the person of the deal that set a handover off, as a person of the ERP, a contact of the customer
//! and a contact of its account. Each is looked for before it is created, like the pieces before it; a customer without a
//! contact can be invoiced all the same.

use serde::{Deserialize, Serialize};

use super::{
    decide::Decision,
    pieces::{Look, Made, MadeAccount, MadeParty, Piece},
    question::Question,
    situation::Handover,
    task::Task,
    trigger::Cause,
};
use crate::{
    customers::{BILL_TO, ErpPerson, FoundAccount, NewAccountContact, NewPerson},
    deals::CrmPerson,
    ids::{PartyId, PersonId, RelationshipId},
    model::PartyStatus,
    text::squeeze,
};

/// What was made or found so far of one contact, and stays so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MadeContact {
    /// The person of the ERP, where it was looked for by our name.
    pub person: Option<MadePerson>,
    /// What makes it a contact of the customer.
    pub relationship: Option<RelationshipId>,
    /// How it ended; none while something is missing.
    pub end: Option<ContactEnd>,
}

/// A person of the ERP that was made or found by our name for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadePerson {
    /// Its identity.
    pub id: PartyId,
    /// The key people and URLs use.
    pub number: String,
}

/// How making a contact ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactEnd {
    /// The bill goes there.
    Made,
    /// The CRM has no such person any more.
    Gone,
    /// Somebody said to leave it, or that there are to be no contacts any more.
    Left,
}

impl Made {
    /// The person that is still to become a contact of the account, which must be one of ours.
    #[must_use]
    pub fn contact_wanted(&self) -> Option<PersonId> {
        let person = self.began.as_ref()?.contact?;
        let others = self.account.as_ref().is_some_and(|account| !account.ours);
        let ended = self.contacts.get(&person).is_some_and(|contact| contact.end.is_some());
        (!others && !ended).then_some(person)
    }
}

impl Handover {
    /// The person of the deal, if a deal is the cause and has one.
    #[must_use]
    pub fn person_of(&self, cause: Cause) -> Option<PersonId> {
        match cause {
            Cause::Deal(id) => {
                self.deals.iter().find(|staged| staged.deal.id == id).and_then(|staged| staged.deal.person)
            }
            Cause::Created | Cause::Assigned | Cause::Asked => None,
        }
    }
}

impl Task<'_> {
    /// The next missing piece of a contact, or what has to be known to name it.
    pub(super) fn contact(&self, party: &MadeParty, account: &MadeAccount, of: PersonId) -> Decision {
        let known = self.handover.made.contacts.get(&of).cloned().unwrap_or_default();
        let ended = |end| Decision::AdoptContact(of, MadeContact { end: Some(end), ..known.clone() });
        let Some(usage) = self.policy.contact.as_ref() else { return ended(ContactEnd::Left) };
        if self.handover.answers.contacts_left.contains(&of) {
            return ended(ContactEnd::Left);
        }
        let Some(relationship) = known.relationship else {
            return self.relationship(party, of, &known, usage).unwrap_or_else(|decision| *decision);
        };
        let account = match &self.handover.looked.account {
            None => return Decision::Look(Look::Account(account.id)),
            Some(None) => return unusable(of, format!("account {} is not shown any more", account.number)),
            Some(Some(account)) => account,
        };
        if let Some(why) = &account.unclear {
            return unusable(of, format!("the contacts of account {} cannot be read: {why}", account.number));
        }
        let mine = account.contacts.iter().find(|one| one.active && one.relationship == relationship);
        if mine.is_some_and(|one| billed(&one.purposes)) {
            return ended(ContactEnd::Made);
        }
        let new = NewAccountContact {
            relationship,
            known: mine.map(|one| one.id),
            purpose: BILL_TO.to_owned(),
            primary: !is_billed_to_somebody(account),
        };
        self.write(Piece::AccountContact { of, account: account.id, new })
    }

    /// What makes the person a contact of the customer: somebody of that name is one, or ours is, or becomes one.
    fn relationship(
        &self,
        party: &MadeParty,
        of: PersonId,
        known: &MadeContact,
        usage: &str,
    ) -> Result<Decision, Box<Decision>> {
        let looked = &self.handover.looked;
        let looking = |look: Look| Box::new(Decision::Look(look));
        let Some(person) = &known.person else {
            let read = looked.person.as_ref().ok_or_else(|| looking(Look::Person(of)))?;
            let Some(person) = read else {
                let gone = MadeContact { end: Some(ContactEnd::Gone), ..known.clone() };
                return Ok(Decision::AdoptContact(of, gone));
            };
            let number = || party.number.clone();
            let contacts =
                looked.contacts.as_ref().ok_or_else(|| looking(Look::Contacts { number: number() }))?;
            let name = squeeze(&person.name).to_lowercase();
            let namesake = contacts.iter().find(|contact| {
                contact.name.as_ref().is_some_and(|other| squeeze(other).to_lowercase() == name)
            });
            if let Some(namesake) = namesake {
                let relationship = Some(namesake.relationship);
                return Ok(Decision::AdoptContact(of, MadeContact { relationship, ..known.clone() }));
            }
            let found = looked.persons.as_deref().ok_or_else(|| looking(Look::Persons(of)))?;
            return Ok(match found {
                [] => self.write(Piece::Person { of, new: self.new_person(person, usage) }),
                [one] => self.adopt_person(of, one, known),
                several => {
                    let several: Vec<String> = several.iter().map(|one| one.id.to_string()).collect();
                    unusable(of, format!("persons {} of the ERP carry our reference", several.join(", ")))
                }
            });
        };
        let number = person.number.clone();
        Ok(match looked.contact_of {
            None => Decision::Look(Look::ContactOf { number, party: party.id }),
            Some(Some(relationship)) => {
                let relationship = Some(relationship);
                Decision::AdoptContact(of, MadeContact { relationship, ..known.clone() })
            }
            Some(None) => self.write(Piece::Contact { of, number, party: party.id }),
        })
    }

    fn adopt_person(&self, of: PersonId, found: &ErpPerson, known: &MadeContact) -> Decision {
        match &found.status {
            PartyStatus::Active => {
                let person = Some(MadePerson { id: found.id, number: found.number.clone() });
                Decision::AdoptContact(of, MadeContact { person, ..known.clone() })
            }
            PartyStatus::Inactive | PartyStatus::Other(_) => {
                unusable(of, format!("the status of its person {} is {}", found.id, found.status.label()))
            }
        }
    }

    fn new_person(&self, person: &CrmPerson, usage: &str) -> NewPerson {
        let (first, last) = match (&person.first, &person.last) {
            (first, Some(last)) => (first.clone(), last.clone()),
            // A person of the ERP has a last name.
            (Some(_), None) | (None, None) => (None, person.name.clone()),
        };
        NewPerson {
            first,
            last,
            email: person.email.clone(),
            phone: person.phone.clone(),
            usage: usage.to_owned(),
            reference: self.policy.person_reference(person.id),
        }
    }
}

/// Whether an account has a contact for its bills already.
fn is_billed_to_somebody(account: &FoundAccount) -> bool {
    account.contacts.iter().any(|one| one.active && billed(&one.purposes))
}

fn billed(purposes: &[String]) -> bool {
    purposes.iter().any(|purpose| purpose == BILL_TO)
}

fn unusable(of: PersonId, why: String) -> Decision {
    Decision::hold(Question::ContactUnusable { person: of, why })
}
