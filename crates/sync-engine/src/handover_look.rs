//! What has to be known of the ERP, and of a deal's person, before the next piece of a customer is named. Each look is a request or two.

use sync_core::{
    error::CallError,
    handover::{Handover, HandoverPolicy, Look, Looked},
    ids::ConnectionId,
    model::{ErpParty, Seen},
    policy::Policy,
    ports::{Called, CrmAnswers, Erp, ErpWrites, PartyKey},
    situation::CrmSide,
};
use sync_store::Store;

use crate::{
    Engine, EngineError,
    handover::{CLASS, Handing, look_name},
    handover_persons,
    likeness::{company_of, judge_organization},
};

/// Whoever looks: it changes nothing anywhere.
pub(crate) struct Looker<'a> {
    pub(crate) store: &'a Store,
    pub(crate) connection: ConnectionId,
    /// By what companies are compared.
    pub(crate) customers: &'a Policy,
    pub(crate) policy: &'a HandoverPolicy,
    pub(crate) erp: &'a dyn Erp,
    pub(crate) writes: &'a dyn ErpWrites,
    pub(crate) crm: &'a dyn CrmAnswers,
}

impl Engine {
    /// Looks something up and adds it to what is known.
    pub(crate) async fn look_up(
        &mut self,
        handing: &Handing,
        handover: &Handover,
        look: Look,
        looked: &mut Looked,
    ) -> Result<Result<(), CallError>, EngineError> {
        tracing::debug!(org = %handover.org, look = look_name(&look), "looking into the ERP");
        let looker = Looker {
            store: &self.store,
            connection: self.connection(),
            customers: &self.settings.policy,
            policy: &handing.policy,
            erp: self.erp.as_ref(),
            writes: handing.erp.as_ref(),
            crm: handing.crm.as_ref(),
        };
        let of_crm = look.asks_crm();
        let asked = looker.look(handover, look, looked).await?;
        match (asked.is_ok(), of_crm) {
            (true, true) => self.crm_pauses.answered(),
            (true, false) => self.erp_pauses.answered(),
            (false, _) => {}
        }
        Ok(asked)
    }
}

impl Looker<'_> {
    /// Looks something up and adds it to what is known.
    pub(crate) async fn look(
        &self,
        handover: &Handover,
        look: Look,
        looked: &mut Looked,
    ) -> Result<Called<()>, EngineError> {
        match look {
            Look::Alike => self.look_alike(handover, looked).await,
            Look::Persons(person) => {
                let reference = self.policy.person_reference(person);
                let mut found = match self.writes.persons_by_reference(&reference).await {
                    Ok(found) => found,
                    Err(error) => return Ok(Err(error)),
                };
                if found.is_empty() {
                    let mut tx = self.store.read(self.connection).await?;
                    let since = (handover.now, self.policy.settle);
                    found.extend(handover_persons::recent(&mut tx, person, since).await?);
                }
                looked.persons = Some(found);
                Ok(Ok(()))
            }
            other => Ok(self.ask(handover, other, looked).await),
        }
    }

    async fn ask(&self, handover: &Handover, look: Look, looked: &mut Looked) -> Called<()> {
        let reference = self.policy.reference(handover.org);
        match look {
            Look::ByReference => {
                looked.by_reference = Some(self.writes.parties_by_reference(&reference).await?);
            }
            // Told apart by whoever calls.
            Look::Alike | Look::Persons(_) => {}
            Look::Party(party) => {
                let found = self.erp.party(&PartyKey::Id(party)).await?;
                looked.party = Some(found.map(readable).transpose()?);
            }
            Look::Usages { number } => looked.usages = Some(self.writes.usages(&number).await?),
            Look::Addresses { number } => looked.addresses = Some(self.writes.addresses(&number).await?),
            Look::Accounts => looked.accounts = Some(self.writes.accounts_by_reference(&reference).await?),
            Look::Others(party) => {
                let mut found = Vec::new();
                for account in self.erp.accounts_of(party).await? {
                    let id = match account {
                        Seen::Record(account) => account.id,
                        Seen::Malformed(record) => return Err(unreadable(&record.reason)),
                    };
                    found.extend(self.writes.account(id).await?);
                }
                looked.others = Some(found);
            }
            Look::Profile { account, party } => {
                looked.profile = Some(self.writes.active_profile(account, party).await?);
            }
            Look::Person(person) => looked.person = Some(self.crm.person(person, CLASS).await?),
            Look::Contacts { number } => looked.contacts = Some(self.writes.contacts(&number).await?),
            Look::ContactOf { number, party } => {
                looked.contact_of = Some(self.writes.contact_of(&number, party).await?);
            }
            Look::Account(account) => looked.account = Some(self.writes.account(account).await?),
        }
        Ok(())
    }

    /// Parties that may be the same company: among those that were polled, and by the ERP's own search, which knows what
    /// was entered since.
    async fn look_alike(&self, handover: &Handover, looked: &mut Looked) -> Result<Called<()>, EngineError> {
        let CrmSide::Present { org, .. } = &handover.crm else { return Ok(Ok(())) };
        let found = match self.writes.parties_like(&company_of(org)).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        let found: Vec<ErpParty> = found
            .into_iter()
            .filter_map(|seen| match seen {
                Seen::Record(party) => Some(party),
                // What cannot be read cannot be compared; its name is among those polled, as far as that was readable.
                Seen::Malformed(_) => None,
            })
            .collect();
        let mut tx = self.store.read(self.connection).await?;
        let verdict =
            judge_organization(&mut tx, self.customers, org, found, &handover.answers.apart).await?;
        looked.alike = Some(verdict);
        Ok(Ok(()))
    }
}

fn readable(seen: Seen<ErpParty>) -> Called<ErpParty> {
    match seen {
        Seen::Record(party) => Ok(party),
        Seen::Malformed(record) => Err(unreadable(&record.reason)),
    }
}

fn unreadable(why: &str) -> CallError {
    CallError::without_effect("handover.look", sync_core::error::ErrorKind::Unreadable, why)
}
