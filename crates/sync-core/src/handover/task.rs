//! The pieces of one customer, in their order: which is missing next, and what has to be known to say so.

use super::{
    decide::Decision,
    pieces::{Look, MadeAccount, MadeParty, Piece},
    policy::{BusinessUnit, HandoverPolicy},
    question::Question,
    situation::Handover,
    trigger::{Because, country_of},
};
use crate::{
    customers::{
        AccountKey, AddressParts, BILL_TO, ErpAddress, FoundAccount, NewAccount, NewAddress, NewParty,
        NewProfile, NewSite, SiteUse,
    },
    fields::Field,
    ids::{AccountId, PartyId},
    matching::{JudgedParty, PartyVerdict},
    model::{CrmOrg, ErpParty, PartyStatus},
    value::{PostalAddress, Value},
};

/// One cause with everything that its pieces are made from.
pub(super) struct Task<'a> {
    pub(super) policy: &'a HandoverPolicy,
    pub(super) handover: &'a Handover,
    pub(super) org: &'a CrmOrg,
    pub(super) because: Because<'a>,
    pub(super) unit: &'a BusinessUnit,
}

impl Task<'_> {
    /// The next missing piece, or what has to be known to name it.
    pub(super) fn next(&self) -> Decision {
        let Some(party) = &self.handover.made.party else { return self.party() };
        let Some(account) = &self.handover.made.account else { return self.account(party) };
        if !self.handover.made.sites.contains_key(&self.unit.set) {
            return self.site(party, account);
        }
        if !self.handover.made.profile {
            return self.profile(party, account);
        }
        if let Some(person) = self.handover.made.contact_wanted() {
            return self.contact(party, account, person);
        }
        Decision::Complete(party.id)
    }

    pub(super) fn write(&self, piece: Piece) -> Decision {
        Decision::Do { piece: Box::new(piece), cause: self.because.cause, unit: Box::new(self.unit.clone()) }
    }

    /// Pair, ERP id, source reference, likeness; only then a new one.
    fn party(&self) -> Decision {
        let Handover { pair, carried, answers, looked, .. } = self.handover;
        let known = pair.as_ref().map(|pair| pair.party).or(answers.party).or(*carried);
        if let Some(id) = known {
            return match &looked.party {
                None => Decision::Look(Look::Party(id)),
                Some(None) => unusable(id, "the ERP does not show it"),
                Some(Some(party)) => self.adopt(party, false),
            };
        }
        match looked.by_reference.as_deref() {
            None => return Decision::Look(Look::ByReference),
            Some([]) => {}
            Some([party]) => return self.adopt(party, true),
            Some(several) => {
                let parties = several.iter().map(|party| party.id).collect();
                return Decision::hold(Question::SeveralParties { parties });
            }
        }
        if let Some(question) = self.missing() {
            return Decision::hold(question);
        }
        if answers.new {
            return self.create_party();
        }
        match &looked.alike {
            None => Decision::Look(Look::Alike),
            Some(PartyVerdict::Nobody) => self.create_party(),
            Some(PartyVerdict::Ask { candidates, why }) => {
                Decision::hold(Question::PartyAmbiguous { candidates: candidates.clone(), why: why.clone() })
            }
            Some(PartyVerdict::Bind { chosen }) => self.found(chosen),
        }
    }

    /// A party of the ERP that is this company, by all that can be compared.
    fn found(&self, chosen: &JudgedParty) -> Decision {
        if let Some(other) = chosen.paired_with {
            let why = format!("It is the customer of organization {other} already.");
            return Decision::hold(Question::PartyAmbiguous { candidates: vec![chosen.clone()], why });
        }
        if self.policy.ask_to_reuse && !chosen.customer {
            let JudgedParty { party, name, usage, .. } = chosen;
            let (party, name, usage) = (*party, name.clone(), usage.clone());
            return Decision::hold(Question::PartyKnown { party, name, usage });
        }
        match &self.handover.looked.party {
            None => Decision::Look(Look::Party(chosen.party)),
            Some(None) => unusable(chosen.party, "the ERP does not show it"),
            Some(Some(party)) => self.adopt(party, false),
        }
    }

    fn adopt(&self, party: &ErpParty, ours: bool) -> Decision {
        match &party.status {
            PartyStatus::Active => {
                let usage = ours || party.usage.as_ref() == Some(&self.policy.usage);
                Decision::Adopt(MadeParty { id: party.id, number: party.number.clone(), ours, usage })
            }
            PartyStatus::Inactive | PartyStatus::Other(_) => {
                unusable(party.id, &format!("its status is {}", party.status.label()))
            }
        }
    }

    /// What has to be filled in first.
    fn missing(&self) -> Option<Question> {
        let values = &self.org.values;
        let country = country_of(self.handover);
        let mut what = Vec::new();
        if !values.contains_key(&Field::Name) {
            what.push("name".to_owned());
        }
        match &country {
            None => what.push("country".to_owned()),
            Some(country) => {
                let asked = &self.policy.required.tax_id;
                let needed = asked.contains("*") || asked.contains(country);
                if needed && !values.contains_key(&Field::TaxId) {
                    what.push(format!("tax id (needed in {country})"));
                }
            }
        }
        if self.policy.required.address && street(self.address_value()).is_none() {
            what.push("street address".to_owned());
        }
        (!what.is_empty()).then_some(Question::DataMissing { cause: self.because.cause, what })
    }

    fn address_value(&self) -> Option<&PostalAddress> {
        match self.org.values.get(&Field::Address) {
            Some(Value::Address(address)) => Some(address),
            Some(Value::Text(_) | Value::Number(_) | Value::Date(_) | Value::Money(_) | Value::Labels(_))
            | None => None,
        }
    }

    fn text(&self, field: Field) -> Option<String> {
        self.org.values.get(&field).map(|value| value.text().to_owned())
    }

    fn new_address(&self) -> Option<NewAddress> {
        let country = country_of(self.handover)?;
        let address = self.address_value()?;
        let parts = AddressParts {
            lines: street(Some(address)).unwrap_or_else(|| vec![address.line.clone()]),
            city: address.locality.clone(),
            state: address.region.clone(),
            postal_code: address.postal_code.clone(),
            country: Some(country),
            ..AddressParts::default()
        };
        let reference = self.policy.reference(self.handover.org);
        Some(NewAddress { purpose: Some(BILL_TO.to_owned()), reference: Some(reference), parts })
    }

    fn no_address(&self) -> Decision {
        let what = vec!["country".to_owned()];
        Decision::hold(Question::DataMissing { cause: self.because.cause, what })
    }

    fn create_party(&self) -> Decision {
        let (Some(name), Some(address)) = (self.text(Field::Name), self.new_address()) else {
            return self.no_address();
        };
        let new = NewParty {
            name,
            usage: self.policy.usage.clone(),
            reference: self.policy.reference(self.handover.org),
            tax_id: self.text(Field::TaxId),
            url: self.text(Field::Website),
            phone: self.text(Field::Phone),
            currency: self.unit.currency.clone(),
            addresses: vec![address],
        };
        self.write(Piece::Party { new })
    }

    fn usage(&self, party: &MadeParty) -> Decision {
        let (number, usage) = (party.number.clone(), self.policy.usage.clone());
        match &self.handover.looked.usages {
            None => Decision::Look(Look::Usages { number }),
            Some(usages) if usages.contains(&usage) => {
                Decision::Adopt(MadeParty { usage: true, ..party.clone() })
            }
            Some(_) => self.write(Piece::Usage { number, usage }),
        }
    }

    fn account(&self, party: &MadeParty) -> Decision {
        let looked = &self.handover.looked;
        match looked.accounts.as_deref() {
            None => return Decision::Look(Look::Accounts),
            Some([]) => {}
            Some([account]) if account.party != party.id => {
                return several(std::slice::from_ref(account), "it belongs to another party");
            }
            Some([account]) => return adopted(account, true),
            Some(more) => return several(more, "all of them carry our reference"),
        }
        if !party.ours {
            let Some(others) = &looked.others else { return Decision::Look(Look::Others(party.id)) };
            let active: Vec<&FoundAccount> = others.iter().filter(|account| account.active).collect();
            let chosen = self.handover.answers.account;
            let said = active.iter().find(|account| Some(account.id) == chosen);
            match (said, active.as_slice()) {
                (Some(account), _) => return adopted(account, false),
                (None, []) => {}
                (None, [account]) => return adopted(account, false),
                (None, more) => {
                    let more: Vec<FoundAccount> = more.iter().map(|account| (*account).clone()).collect();
                    return several(&more, "the party has several");
                }
            }
        }
        if !party.usage {
            return self.usage(party);
        }
        match self.address(party) {
            Err(decision) => *decision,
            Ok(address) => {
                let reference = self.policy.reference(self.handover.org);
                let name = self.text(Field::Name).unwrap_or_else(|| party.number.clone());
                let (party, class) = (party.id, self.unit.customer_class.clone());
                let site = self.new_site(address);
                self.write(Piece::Account { new: NewAccount { party, name, class, reference, site } })
            }
        }
    }

    fn new_site(&self, address: &ErpAddress) -> NewSite {
        NewSite {
            party_site: address.id,
            set: self.unit.set,
            purpose: BILL_TO.to_owned(),
            reference: self.policy.site_reference(self.handover.org, self.unit.set),
        }
    }

    /// The address to bill to: ours, one that is for that, the main one; or what comes before it.
    fn address(&self, party: &MadeParty) -> Result<&ErpAddress, Box<Decision>> {
        let number = || party.number.clone();
        let Some(addresses) = &self.handover.looked.addresses else {
            return Err(Box::new(Decision::Look(Look::Addresses { number: number() })));
        };
        let ours = self.policy.reference(self.handover.org);
        let active = || addresses.iter().filter(|address| address.active);
        let found = active()
            .find(|address| address.reference.as_ref() == Some(&ours))
            .or_else(|| active().find(|address| address.purpose.as_deref() == Some(BILL_TO)))
            .or_else(|| active().find(|address| address.primary))
            .or_else(|| active().next());
        match (found, self.new_address()) {
            (Some(address), _) => Ok(address),
            (None, Some(new)) => Err(Box::new(self.write(Piece::Address { number: number(), new }))),
            (None, None) => Err(Box::new(self.no_address())),
        }
    }

    /// A site to bill to in the unit's set: it is there, or only its use is missing, or all of it.
    fn site(&self, party: &MadeParty, account: &MadeAccount) -> Decision {
        let set = self.unit.set;
        let looked = &self.handover.looked;
        let seen = if account.ours { &looked.accounts } else { &looked.others };
        let Some(seen) = seen else {
            return Decision::Look(if account.ours { Look::Accounts } else { Look::Others(party.id) });
        };
        let Some(found) = seen.iter().find(|found| found.id == account.id) else {
            return unusable(party.id, &format!("its account {} is not shown any more", account.number));
        };
        let here = found.sites.iter().filter(|site| site.active && site.set == Some(set));
        let billed = |uses: &[SiteUse]| uses.iter().any(|it| it.active && it.purpose == BILL_TO);
        let sites: Vec<_> = here.collect();
        if sites.iter().any(|site| billed(&site.uses)) {
            return adopted(found, account.ours);
        }
        if !account.ours && !self.handover.answers.sites.contains(&set) {
            let (number, unit) = (account.number.clone(), self.unit.name.clone());
            return Decision::hold(Question::SiteMissing { account: account.id, number, set, unit });
        }
        match sites.first() {
            Some(site) => self.write(Piece::SiteUse {
                account: account.id,
                site: site.id,
                set,
                purpose: BILL_TO.to_owned(),
                reference: self.policy.site_reference(self.handover.org, set),
            }),
            None => match self.address(party) {
                Err(decision) => *decision,
                Ok(address) => {
                    let new = self.new_site(address);
                    self.write(Piece::Site { account: account.id, new })
                }
            },
        }
    }

    fn profile(&self, party: &MadeParty, account: &MadeAccount) -> Decision {
        match &self.handover.looked.profile {
            None => Decision::Look(Look::Profile { account: account.id, party: party.id }),
            Some(Some(_)) => Decision::AdoptProfile,
            Some(None) => {
                let starts = self.handover.now.to_zoned(jiff::tz::TimeZone::UTC).date();
                let new = NewProfile {
                    account: AccountKey::Id(account.id),
                    party: party.id,
                    class: self.unit.profile_class.clone(),
                    payment_terms: self.unit.payment_terms.clone(),
                    starts,
                };
                self.write(Piece::Profile { new })
            }
        }
    }
}

/// Street and house, one line: what is left of the whole line without town, postal code, state and country.
fn street(address: Option<&PostalAddress>) -> Option<Vec<String>> {
    let address = address?;
    let known = [&address.locality, &address.region, &address.postal_code, &address.country];
    let known: Vec<String> = known.into_iter().flatten().map(|part| part.to_lowercase()).collect();
    let mut lines: Vec<String> = Vec::new();
    for part in address.line.split([',', '\n']) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let rest = words.join(" ");
        let lower = rest.to_lowercase();
        let told = known.contains(&lower)
            || crate::matching::country_code(&rest)
                .is_some_and(|code| Some(&code) == address.country.as_ref());
        // "10115 Berlin": a postal code and a town.
        let both = known.iter().filter(|known| lower.contains(known.as_str())).count() >= 2;
        if !rest.is_empty() && !told && !both {
            lines.push(rest);
        }
    }
    lines.truncate(4);
    (!lines.is_empty()).then_some(lines)
}

fn adopted(account: &FoundAccount, ours: bool) -> Decision {
    let made = MadeAccount { id: account.id, number: account.number.clone(), ours };
    Decision::AdoptAccount(made, Box::new(account.clone()))
}

fn several(accounts: &[FoundAccount], why: &str) -> Decision {
    let accounts: Vec<(AccountId, String)> =
        accounts.iter().map(|account| (account.id, account.number.clone())).collect();
    Decision::hold(Question::SeveralAccounts { accounts, why: why.to_owned() })
}

fn unusable(party: PartyId, why: &str) -> Decision {
    Decision::hold(Question::PartyUnusable { party, why: why.to_owned() })
}
