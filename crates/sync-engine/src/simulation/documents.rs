//! Documents in a life: people who assign them by hand, and what deals have to show of them in the end.
//!
//! What should be there is told from the rules (docs/documents.md) and the two worlds, by none of the engine's own decisions:
//! of the store only what persons answered, who is paired, which mergers were told and what is asked count.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use sync_core::{
    documents::{AttachAnswer, DocumentKey, DocumentKind, Shown},
    hooks::HookEntity,
    ids::{DealId, OrgId, PartyId},
    laws::Violation,
};
use sync_store::{DocumentId, StoreError};

use super::{
    crm::CrmSeat,
    deals::DealSeat,
    expected::{Deal, told_wrongly},
    life::{Life, start},
    notes::{Deleted, Known},
    papers::{SINCE, Sheet, deals_named},
    shown::NoteSeat,
    trial::Failure,
    world::Worlds,
};
use crate::documents::{DocumentFlow, DocumentRhythm};

/// What the store says in the end.
struct Ended {
    answers: BTreeMap<DocumentKey, AttachAnswer>,
    pairs: BTreeMap<PartyId, OrgId>,
    merged: BTreeMap<DealId, DealId>,
    asked: BTreeSet<DealId>,
    doubts: Vec<DealId>,
    /// What the journal has of what stood on deals before our writes.
    journal: Vec<String>,
}

impl Life {
    /// What documents take in this life, if there are any.
    pub(super) fn flow(&self, crm: Arc<CrmSeat>) -> Option<DocumentFlow> {
        let world = self.world.clone();
        let policy = Some(&world.lock().papers).filter(|papers| papers.on)?.policy.clone();
        let intents = (self.store.clone(), self.connection);
        let deals = Arc::new(DealSeat { world: world.clone(), intents });
        let settings = &self.settings;
        let rhythm = DocumentRhythm {
            poll_every: settings.poll_every,
            balances_every: settings.poll_every * 2,
            sweep_every: settings.sweep_every,
            since: SINCE,
            pace: settings.pace,
            t_effect: settings.t_effect,
            settle: settings.settle,
            freshness: settings.policy.freshness,
            // In a life few deals wait.
            notes_listed_from: 1,
            notes_freshness: settings.settle,
        };
        Some(DocumentFlow::new(policy, (Arc::new(world), Arc::new(NoteSeat { crm }), deals), rhythm))
    }

    /// Whether documents are shown in this life.
    fn files(&self) -> bool {
        self.world.lock().papers.on
    }

    /// Finance and sales go on, mergers are told of, and now and then somebody assigns a document. `false`: the process died.
    pub(super) async fn file(&mut self, engine: &mut crate::Engine) -> Result<bool, Failure> {
        if !self.files() {
            return Ok(true);
        }
        let now = self.world.now();
        let known = if self.world.lock().papers.rng.u32(..4) == 0 {
            match self.world.gate.drive(self.known_notes()).await {
                None => return Ok(false),
                Some(Ok(known)) => Some(known),
                Some(Err(error)) => return Err(self.failed(&error)),
            }
        } else {
            None
        };
        let (merged, assigned) = {
            let mut worlds = self.world.lock();
            if worlds.papers.rng.bool() {
                worlds.edit_papers(now);
            }
            let before: BTreeSet<DealId> = worlds.notes.merged.keys().copied().collect();
            if let Some(known) = known {
                worlds.edit_shown(&known, now);
            }
            let new = worlds.notes.merged.iter().filter(|(gone, _)| !before.contains(gone));
            let new: Vec<(DealId, DealId)> = new.map(|(gone, into)| (*gone, *into)).collect();
            let heard = worlds.papers.rng.u32(..3) > 0;
            (new.into_iter().filter(|_| heard).collect::<Vec<_>>(), worlds.assignment(now))
        };
        let letters: Vec<_> =
            merged.into_iter().filter_map(|(gone, into)| self.hooks.tell_merger(gone, into)).collect();
        if !letters.is_empty() {
            if !self.post(letters).await? {
                return Ok(false);
            }
            engine.look_into_hooks();
        }
        let Some((key, answer)) = assigned else { return Ok(true) };
        let body = answer.map(|answer| serde_json::to_string(&answer).unwrap_or_default());
        let id = DocumentId::from(key);
        let answering = self.store.answer_document(self.connection, id, body.as_deref(), "ann", now);
        match self.world.gate.drive(answering).await {
            None => Ok(false),
            Some(Ok(heard)) => {
                let mut worlds = self.world.lock();
                worlds.tell(now, format!("people: {key} is assigned {answer:?}, heard: {heard}"));
                Ok(true)
            }
            Some(Err(error)) => Err(self.failed(&error)),
        }
    }

    /// The notes that the store knows of.
    async fn known_notes(&self) -> Result<Known, StoreError> {
        let deals: Vec<DealId> = self.world.lock().sales.deals.keys().copied().collect();
        let mut tx = self.store.read(self.connection).await?;
        let mut known = Known::default();
        known.in_doubt.extend(tx.page_intents().await?.into_iter().map(|intent| intent.new.deal));
        for row in tx.deal_pages(&deals).await?.into_values() {
            let shown: Shown =
                row.shown.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
            known.notes.extend(shown.notes.into_values().map(|note| note.id));
            known.activities.extend(shown.activities.into_keys());
        }
        Ok(known)
    }

    /// What an idle cycle has to read: a page of each stream, and all balances.
    pub(super) fn reads_needed(&self) -> u64 {
        let worlds = self.world.lock();
        let streams = if worlds.sales.on { 4 } else { 3 };
        let kinds = worlds.papers.policy.kinds.len() as u64;
        streams + if worlds.papers.on { kinds + worlds.pages_of_balances(self.world.now()) } else { 0 }
    }

    /// Every document is on its deal and nowhere else, fields and notes say what the ERP says, and nothing is in doubt.
    pub(super) async fn check_documents(&mut self) -> Result<(), Failure> {
        if !self.files() {
            return Ok(());
        }
        let gate = self.world.gate.clone();
        let ended = match gate.drive(self.filed()).await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => return Err(self.failed(&error)),
            None => return Ok(()),
        };
        let now = self.world.now();
        let found = self.world.lock().unfiled(&ended, now);
        self.judge(found)
    }

    async fn filed(&self) -> Result<Ended, StoreError> {
        let (keys, parties, deals) = {
            let worlds = self.world.lock();
            let keys: Vec<DocumentKey> = worlds.papers.all.keys().copied().collect();
            let parties: Vec<PartyId> = worlds.parties.keys().copied().map(PartyId).collect();
            (keys, parties, worlds.sales.deals.keys().map(|deal| deal.0).collect::<Vec<_>>())
        };
        let mut tx = self.store.read(self.connection).await?;
        let mut answers = BTreeMap::new();
        for key in keys {
            let id = DocumentId::from(key);
            let answer = tx.documents(&[id]).await?.remove(&id).and_then(|row| row.answer);
            let answer = answer.and_then(|answer| serde_json::from_str(&answer.body).ok());
            answers.extend(answer.map(|answer| (key, answer)));
        }
        let pairs = tx.pairs_by_party(&parties).await?.into_iter().map(|(party, pair)| (party, pair.org));
        let pairs = pairs.collect();
        let merged = tx.merged_into(HookEntity::Deal, &deals).await?;
        let merged = merged.into_iter().map(|(gone, into)| (DealId(gone), DealId(into))).collect();
        let asked = tx.page_questions(None, None, 1_000).await?.into_iter().map(|row| row.deal).collect();
        let doubts = tx.page_intents().await?.into_iter().map(|intent| intent.new.deal).collect();
        let journal = tx.journal(None, None, 10_000).await?.into_iter();
        let journal = journal.filter(|row| row.entry.rule == "documents");
        let before = journal.filter_map(|row| Some(row.entry.detail?.get("before")?.to_string()));
        Ok(Ended { answers, pairs, merged, asked, doubts, journal: before.collect() })
    }
}

impl Worlds {
    /// What somebody says of a document, now and then; none takes it back.
    fn assignment(&mut self, now: Timestamp) -> Option<(DocumentKey, Option<AttachAnswer>)> {
        if self.papers.rng.u32(..16) > 0 {
            return None;
        }
        let here = self.papers.all.iter().filter(|(_, paper)| paper.now(now).is_some());
        let here: Vec<DocumentKey> = here.map(|(key, _)| *key).collect();
        let chosen = here.get(self.papers.rng.usize(..here.len().max(1))).copied()?;
        let deal = self.any_deal()?;
        let answer = match self.papers.rng.u32(..6) {
            0 | 1 => None,
            2 => Some(AttachAnswer::NoDeal),
            _ => Some(AttachAnswer::Deal(deal)),
        };
        Some((chosen, answer))
    }

    /// A deal that is there, where mergers that were told of lead.
    fn living(&self, mut deal: DealId, ended: &Ended) -> Option<DealId> {
        for _ in 0..=self.sales.deals.len() {
            if self.sales.deals.get(&deal).is_some_and(|deal| !deal.deleted) {
                return Some(deal);
            }
            deal = *ended.merged.get(&deal)?;
        }
        None
    }

    /// The deals of these that are there, each once.
    fn all_living(&self, deals: impl IntoIterator<Item = DealId>, ended: &Ended) -> BTreeSet<DealId> {
        deals.into_iter().filter_map(|deal| self.living(deal, ended)).collect()
    }

    /// The document as it counts: complete, recent enough, there.
    fn counts(&self, key: DocumentKey, now: Timestamp) -> Option<&Sheet> {
        let paper = self.papers.all.get(&key).filter(|paper| paper.is_read(key.kind, start()))?;
        paper.now(now).filter(|sheet| sheet.complete || key.kind != DocumentKind::Invoice)
    }

    /// The one deal that a document belongs to, if there is exactly one.
    fn belongs(&self, key: DocumentKey, ended: &Ended, now: Timestamp) -> Option<DealId> {
        let sheet = self.counts(key, now)?;
        match ended.answers.get(&key) {
            Some(AttachAnswer::NoDeal) => return None,
            Some(AttachAnswer::Deal(deal)) => {
                if let Some(deal) = self.living(*deal, ended) {
                    return Some(deal);
                }
            }
            None => {}
        }
        let named = deals_named(sheet.reference.as_deref().unwrap_or_default());
        let mut meant = self.all_living(named, ended);
        if meant.is_empty() {
            meant = self.by_links(key, sheet, ended, now);
        }
        let deal = *meant.first().filter(|_| meant.len() == 1)?;
        self.may_see(key.kind, sheet, deal, ended).then_some(deal)
    }

    /// The customer sees what is on the deal: it has to be the customer's own.
    fn may_see(&self, kind: DocumentKind, sheet: &Sheet, deal: DealId, ended: &Ended) -> bool {
        match kind {
            // The one goes to a supplier, the other names an account alone.
            DocumentKind::PurchaseOrder | DocumentKind::CreditMemo => true,
            DocumentKind::Invoice | DocumentKind::SalesOrder => {
                let customer = sheet.party.and_then(|party| ended.pairs.get(&party));
                let owner = self.sales.deals.get(&deal).and_then(|deal| deal.now.org);
                customer.zip(owner).is_none_or(|(customer, owner)| *customer == owner)
            }
        }
    }

    /// The deals of the documents that it belongs to: the customer's own, if any of them is. The surest link that leads anywhere.
    fn by_links(&self, key: DocumentKey, sheet: &Sheet, ended: &Ended, now: Timestamp) -> BTreeSet<DealId> {
        let on_deals = |of: DocumentKind, fits: &dyn Fn(&Sheet) -> bool| -> Vec<DealId> {
            let known = self.papers.all.keys().filter(|known| known.kind == of && **known != key);
            let fitting = known.filter(|known| self.counts(**known, now).is_some_and(fits));
            fitting.filter_map(|known| self.belongs(*known, ended, now)).collect()
        };
        let own = |deals: Vec<DealId>| {
            let all = self.all_living(deals, ended);
            let mine: BTreeSet<DealId> = all
                .iter()
                .copied()
                .filter(|deal| {
                    let customer = sheet.party.and_then(|party| ended.pairs.get(&party));
                    let owner = self.sales.deals.get(deal).and_then(|deal| deal.now.org);
                    customer.is_some() && customer == owner.as_ref()
                })
                .collect();
            if mine.is_empty() || key.kind == DocumentKind::PurchaseOrder { all } else { mine }
        };
        let cross = sheet.cross.as_deref();
        match key.kind {
            DocumentKind::SalesOrder => BTreeSet::new(),
            DocumentKind::Invoice | DocumentKind::PurchaseOrder => {
                own(on_deals(DocumentKind::SalesOrder, &|order| Some(order.number.as_str()) == cross))
            }
            DocumentKind::CreditMemo => {
                let same = |invoice: &Sheet| invoice.account == sheet.account;
                let named =
                    on_deals(DocumentKind::Invoice, &|one| same(one) && Some(one.number.as_str()) == cross);
                if !named.is_empty() {
                    return own(named);
                }
                let credited = on_deals(DocumentKind::Invoice, &|one| {
                    same(one) && one.currency == sheet.currency && one.credited == sheet.total
                });
                // The amount alone says something only if it says one thing.
                if credited.len() == 1 { own(credited) } else { BTreeSet::new() }
            }
        }
    }

    /// What deals show that they should not, and what they do not show that they should.
    fn unfiled(&self, ended: &Ended, now: Timestamp) -> Vec<Violation> {
        let mut on: BTreeMap<DealId, BTreeMap<DocumentKey, &Sheet>> = BTreeMap::new();
        for key in self.papers.all.keys() {
            if let (Some(deal), Some(sheet)) = (self.belongs(*key, ended, now), self.counts(*key, now)) {
                on.entry(deal).or_default().insert(*key, sheet);
            }
        }
        let mut found = Vec::new();
        for (id, deal) in &self.sales.deals {
            // What is archived is left alone until it is back.
            if deal.deleted || deal.now.archived {
                continue;
            }
            let documents = on.remove(id).unwrap_or_default();
            let asked = ended.asked.contains(id);
            let deal = Deal { id: *id, now: &deal.now, documents, asked };
            found.extend(told_wrongly(self, &deal, now));
        }
        found.extend(self.left_after_mergers(ended));
        for deal in &ended.doubts {
            // Whether it was written can be told when the deal is back.
            if self.sales.deals.get(deal).is_none_or(|deal| !deal.now.archived) {
                let story = format!("a write about deal {deal} stays in doubt");
                found.push(Violation { law: 8, story });
            }
        }
        for (deal, text) in &self.notes.replaced {
            let written = serde_json::json!(text).to_string();
            if !ended.journal.iter().any(|before| before.contains(&written)) {
                let story = format!(
                    "what a person wrote on deal {deal} was replaced, and the journal has it not: {text}"
                );
                found.push(Violation { law: 4, story });
            }
        }
        found
    }

    /// Our notes that went to another deal with a merger would stand beside that deal's own.
    fn left_after_mergers(&self, ended: &Ended) -> Vec<Violation> {
        let mut found = Vec::new();
        for (id, note) in self.notes.living() {
            let (of, _) = note.of;
            let gone = self.sales.deals.get(&of).is_none_or(|deal| deal.deleted);
            let there =
                self.sales.deals.get(&note.deal).is_some_and(|deal| !deal.deleted && !deal.now.archived);
            if gone && there && note.deal != of && ended.merged.contains_key(&of) {
                let story = format!("note {id} of deal {of}, which was merged, stays on deal {}", note.deal);
                found.push(Violation { law: 8, story });
            }
        }
        found
    }
}

impl Worlds {
    /// Whether a person deleted our note about this, and we knew of it.
    pub(super) fn unwanted(&self, of: (DealId, DocumentKind)) -> bool {
        let deleted = |note: &super::notes::Note| note.deleted == Some(Deleted::Person);
        self.notes.all.values().any(|note| note.of == of && deleted(note))
    }
}
