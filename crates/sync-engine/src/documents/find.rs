//! Which deal a document belongs to: what is known is loaded from the store, deals that nobody has read are read by id, and
//! `sync_core::documents::attach` decides.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, tz::TimeZone};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, DealStatus},
    documents::{
        AttachAnswer, Attachment, Before, CustomerDeals, DealFound, DealSeen, Document, DocumentKey,
        DocumentKind, DocumentPolicy, FieldAsk, Known, Learned, Link, LinkAsk, NotCounted, asks, attach,
    },
    hooks::HookEntity,
    ids::DealId,
    model::{Page, Seen},
};
use sync_store::{
    Decided, DecisionKey, DocumentId, DocumentJob, DocumentRow, DocumentRule, SettledDocument, StagedKind,
    StagedRecord, Tx,
};

use super::{
    Did, DocumentFlow, Place,
    stream::{kind_of, word_of_asking},
};
use crate::{
    EngineError, deal_stream::stage_deals, handover::counts_since, likeness::word_of, pause::Side,
    plants::Plant, staging,
};

/// Documents looked at together.
const BATCH: u32 = 100;

/// Readings of deals that one look may lead to: a document names deals, and these may have to be read.
const MOST_READINGS: usize = 4;

/// Deals that were read by id for these looks.
type ReadNow = BTreeMap<DealId, DealFound>;

impl DocumentFlow {
    /// Looks at the next documents that are due and at least as urgent as `least`, and asks for a look at the deals that they
    /// leave and come to.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn find_deals(
        &mut self,
        place: &Place,
        least: Class,
        now: Timestamp,
    ) -> Result<Did, EngineError> {
        let mut tx = place.read().await?;
        let jobs = tx.claim_documents(now, least, BATCH).await?;
        drop(tx);
        let Some(class) = jobs.iter().map(|job| job.class).min() else { return Ok(Did::Nothing) };
        let mut read = ReadNow::new();
        for _ in 0..MOST_READINGS {
            let (settled, missing) = self.judge(place, &jobs, &read, now).await?;
            if missing.is_empty() {
                self.settle(place, &settled, now).await?;
                return Ok(Did::Something);
            }
            let ids: Vec<DealId> = missing.into_iter().collect();
            let rows = match self.deals.deals_by_id(&ids, class).await {
                Ok(rows) => rows,
                Err(error) => return Ok(Did::Failed { side: Side::Crm, class, error }),
            };
            read.extend(ids.iter().map(|id| (*id, DealFound::Missing)));
            read.extend(rows.iter().filter_map(|seen| match seen {
                Seen::Record(deal) => Some((deal.id, found(deal))),
                Seen::Malformed(_) => None,
            }));
            let page = Page { rows, more: false, next: None, server_now: now };
            let mut tx = place.write().await?;
            // A won deal is handed over whoever sees it first: for the next poll it is no change any more.
            let since = counts_since(&mut tx).await?;
            stage_deals(&mut tx, page, now, 0, since).await?;
            tx.commit().await?;
        }
        tracing::warn!("documents lead from deal to deal without an end; they are looked at again");
        let (settled, _) = self.judge(place, &jobs, &read, now).await?;
        self.settle(place, &settled, now).await?;
        Ok(Did::Something)
    }

    /// Decides all of them with what is known; gives the deals that have to be read first, too.
    async fn judge(
        &self,
        place: &Place,
        jobs: &[DocumentJob],
        read: &ReadNow,
        now: Timestamp,
    ) -> Result<(Vec<SettledDocument>, BTreeSet<DealId>), EngineError> {
        let mut tx = place.read().await?;
        let policy = DocumentPolicy { learned: learned(&mut tx).await?, ..self.policy.clone() };
        let ids: Vec<DocumentId> = jobs.iter().map(|job| job.id).collect();
        let rows = tx.documents(&ids).await?;
        let mut staged: BTreeMap<DocumentId, StagedRecord> = BTreeMap::new();
        for kind in DocumentKind::ALL.map(kind_of) {
            let of_kind: Vec<i64> = ids.iter().filter(|id| id.kind == kind).map(|id| id.id).collect();
            let found = tx.staged(kind, &of_kind).await?;
            staged.extend(found.into_iter().map(|(id, record)| (DocumentId { kind, id }, record)));
        }
        let (mut settled, mut missing) = (Vec::with_capacity(jobs.len()), BTreeSet::new());
        for job in jobs {
            let (attachment, open) = match staged.get(&job.id) {
                Some(StagedRecord { row, missing: 0 | 1, .. }) => {
                    if let Some(reason) = &row.malformed {
                        settled.push(unreadable(job, reason));
                        continue;
                    }
                    let document: Document = staging::read("document", row)?;
                    let known = known(&mut tx, &policy, (&document, rows.get(&job.id)), read).await?;
                    (attach(&policy, &document, &known), document.balance.is_some_and(|due| !due.is_zero()))
                }
                Some(_) | None => (Attachment::NotCounted { because: NotCounted::Gone }, false),
            };
            if let Attachment::Look { deals } = &attachment {
                missing.extend(deals.iter().copied());
            }
            settled.push(self.decided(job, &attachment, open, now));
        }
        Ok((settled, missing))
    }

    fn decided(
        &self,
        job: &DocumentJob,
        attachment: &Attachment,
        open: bool,
        now: Timestamp,
    ) -> SettledDocument {
        let key = match attachment {
            Attachment::Deal { .. } => DecisionKey::Attached,
            Attachment::Ambiguous { .. } => DecisionKey::Ambiguous,
            Attachment::Unmatched { .. } => DecisionKey::Unmatched,
            Attachment::Customer { .. } => DecisionKey::Customer,
            Attachment::NotCounted { .. } => DecisionKey::NotCounted,
            Attachment::Look { .. } => {
                let due = Some(now + jiff::SignedDuration::from_mins(1));
                return SettledDocument { job: job.clone(), decided: None, due, attempts: 0, error: None };
            }
        };
        // Its deal may be won, or its order attached, at any time.
        let again = match key {
            DecisionKey::Ambiguous | DecisionKey::Unmatched | DecisionKey::Customer => {
                Some(now + self.rhythm.sweep_every)
            }
            DecisionKey::Attached | DecisionKey::NotCounted => None,
        };
        let decided = Decided { key, deal: attachment.deal(), body: staging::json(attachment), open };
        SettledDocument { job: job.clone(), decided: Some(decided), due: again, attempts: 0, error: None }
    }

    async fn settle(
        &self,
        place: &Place,
        settled: &[SettledDocument],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let classes: BTreeMap<DocumentId, Class> =
            settled.iter().map(|settled| (settled.job.id, settled.job.class)).collect();
        let mut tx = place.write().await?;
        let decided = tx.settle_documents(settled, now).await?;
        let mut pages: BTreeMap<DealId, Class> = BTreeMap::new();
        for document in &decided {
            let class = classes.get(&document.id).copied().unwrap_or(Class::Document);
            let was = document.was.filter(|_| !self.plants.has(Plant::MovedStays));
            for deal in was.into_iter().chain(document.deal) {
                let known = pages.entry(deal).or_insert(class);
                *known = class.min(*known);
            }
        }
        let moved: Vec<DocumentId> =
            decided.iter().filter(|one| one.was != one.deal).map(|one| one.id).collect();
        look_at_linked(&mut tx, &moved, now).await?;
        for class in Class::ALL {
            let deals: Vec<DealId> =
                pages.iter().filter(|(_, of)| **of == class).map(|(deal, _)| *deal).collect();
            if !deals.is_empty() {
                tx.enqueue_deal_pages(&deals, class, now, "its documents changed").await?;
            }
        }
        Ok(tx.commit().await?)
    }
}

/// Everything that the store knows about where a document may belong.
async fn known(
    tx: &mut Tx,
    policy: &DocumentPolicy,
    (document, row): (&Document, Option<&DocumentRow>),
    read: &ReadNow,
) -> Result<Known, EngineError> {
    let asks = asks(policy, document);
    let mut known = Known::default();
    let mut deals = asks.deals;
    if let Some(answer) = row.and_then(|row| row.answer.as_ref()) {
        let said: AttachAnswer = parse("answer", document.key, &answer.body)?;
        if let AttachAnswer::Deal(deal) = said {
            deals.insert(deal);
        }
        known.answer = Some(said);
    }
    if let Some((Decided { deal: Some(deal), body, .. }, _)) = row.and_then(|row| row.decided.as_ref()) {
        let before: Attachment = parse("decision", document.key, body)?;
        let by_customer = matches!(before, Attachment::Deal { rule, .. } if rule.is_guess());
        known.before = Some(Before { deal: *deal, by_customer });
    }
    for ask in asks.fields {
        let found = deals_that_say(tx, &ask).await?;
        deals.extend(found.iter().copied());
        known.fields.insert(ask, found);
    }
    for ask in asks.links {
        for link in documents_meant(tx, &ask).await? {
            deals.insert(link.deal);
            known.links.push(link);
        }
    }
    if let Some(ask) = asks.customer {
        let target = tx.alias_targets(&[ask.party]).await?.remove(&ask.party).unwrap_or(ask.party);
        if let Some(pair) = tx.pairs_by_party(&[target]).await?.remove(&target) {
            let mut own = BTreeMap::new();
            if ask.deals {
                for record in tx.staged_deals_of(pair.org).await? {
                    let deal: CrmDeal = staging::read("deal", &record.row)?;
                    own.insert(deal.id, seen_of(&deal));
                }
            }
            known.customer = Some(CustomerDeals { org: pair.org, family: BTreeSet::new(), deals: own });
        }
    }
    let ids: Vec<i64> = deals.iter().map(|deal| deal.0).collect();
    for (id, record) in tx.staged(StagedKind::Deal, &ids).await? {
        // One that a walk missed is read by id.
        if record.missing == 0 && record.row.malformed.is_none() {
            known.deals.insert(DealId(id), found(&staging::read("deal", &record.row)?));
        }
    }
    known.deals.extend(read.iter().map(|(id, found)| (*id, found.clone())));
    follow_mergers(tx, &mut known.deals).await?;
    Ok(known)
}

/// What persons made rules of.
async fn learned(tx: &mut Tx) -> Result<Vec<Learned>, EngineError> {
    let mut all = Vec::new();
    for DocumentRule { id, likeness, deal, .. } in tx.document_rules().await? {
        let by = serde_json::from_str(&likeness).map_err(|error| EngineError::Stored {
            what: "rule about documents",
            id,
            reason: error.to_string(),
        })?;
        all.push(Learned { by, deal });
    }
    Ok(all)
}

fn parse<T: serde::de::DeserializeOwned>(
    what: &'static str,
    key: DocumentKey,
    body: &str,
) -> Result<T, EngineError> {
    serde_json::from_str(body).map_err(|error| EngineError::Stored {
        what,
        id: key.id,
        reason: error.to_string(),
    })
}

fn unreadable(job: &DocumentJob, reason: &str) -> SettledDocument {
    let error = Some(format!("it cannot be read: {reason}"));
    SettledDocument { job: job.clone(), decided: None, due: None, attempts: job.attempts + 1, error }
}

/// Deals that say this in a custom field. What was found by its digest is read: two texts may have one.
async fn deals_that_say(tx: &mut Tx, ask: &FieldAsk) -> Result<BTreeSet<DealId>, EngineError> {
    let word = word_of(&staging::json(ask));
    let ids: Vec<i64> =
        tx.who_says(StagedKind::Deal, &[word].into()).await?.into_values().flatten().collect();
    let mut found = BTreeSet::new();
    for (id, record) in tx.staged(StagedKind::Deal, &ids).await? {
        if record.missing < 2 && record.row.malformed.is_none() {
            let deal: CrmDeal = staging::read("deal", &record.row)?;
            if asks_answered_by(&deal).contains(ask) {
                found.insert(DealId(id));
            }
        }
    }
    Ok(found)
}

/// What a deal is found by that documents refer to.
pub(crate) fn asks_answered_by(deal: &CrmDeal) -> BTreeSet<FieldAsk> {
    let said =
        deal.facts.custom.iter().flat_map(|(field, values)| values.iter().map(move |value| (field, value)));
    said.map(|(field, value)| FieldAsk::answered_by(field, value)).collect()
}

/// Documents that belong to others follow them to their deals, and away from them.
async fn look_at_linked(tx: &mut Tx, moved: &[DocumentId], now: Timestamp) -> Result<(), EngineError> {
    let mut words = BTreeSet::new();
    for kind in DocumentKind::ALL.map(kind_of) {
        let ids: Vec<i64> = moved.iter().filter(|id| id.kind == kind).map(|id| id.id).collect();
        for record in tx.staged(kind, &ids).await?.into_values().filter(|one| one.row.malformed.is_none()) {
            let document: Document = staging::read("document", &record.row)?;
            words.extend(LinkAsk::answered_by(&document).iter().map(word_of_asking));
        }
    }
    if words.is_empty() {
        return Ok(());
    }
    let mut linked = Vec::new();
    for kind in DocumentKind::ALL.map(kind_of) {
        let ids = tx.who_says(kind, &words).await?.into_values().flatten();
        linked.extend(ids.map(|id| DocumentId { kind, id }));
    }
    Ok(tx.enqueue_documents(&linked, Class::Document, now, "the document it belongs to moved").await?)
}

/// Documents that are meant and have a deal.
async fn documents_meant(tx: &mut Tx, ask: &LinkAsk) -> Result<Vec<Link>, EngineError> {
    let kind = match ask {
        LinkAsk::OrderNumber(_) | LinkAsk::OrderWithCustomerPo { .. } => DocumentKind::SalesOrder,
        LinkAsk::InvoiceNumber { .. } | LinkAsk::InvoiceCredited { .. } => DocumentKind::Invoice,
    };
    let word = word_of(&staging::json(ask));
    let ids: Vec<i64> = tx.who_says(kind_of(kind), &[word].into()).await?.into_values().flatten().collect();
    let keys: Vec<DocumentId> = ids.iter().map(|id| DocumentKey { kind, id: *id }.into()).collect();
    let rows = tx.documents(&keys).await?;
    let mut links = Vec::new();
    for (id, record) in tx.staged(kind_of(kind), &ids).await? {
        let document = DocumentKey { kind, id };
        let row = rows.get(&DocumentId::from(document)).and_then(|row| row.decided.as_ref());
        let Some(deal) = row.and_then(|(decided, _)| decided.deal) else { continue };
        let said: Document = staging::read("document", &record.row)?;
        if LinkAsk::answered_by(&said).contains(ask) {
            links.push(Link { ask: ask.clone(), document, deal });
        }
    }
    Ok(links)
}

/// Where deals went that are gone, as far as it was told, and what is known of where they went.
async fn follow_mergers(tx: &mut Tx, deals: &mut BTreeMap<DealId, DealFound>) -> Result<(), EngineError> {
    loop {
        let is_gone = |found: &DealFound| matches!(found, DealFound::Missing | DealFound::Deleted);
        let gone: Vec<i64> =
            deals.iter().filter(|(_, found)| is_gone(found)).map(|(deal, _)| deal.0).collect();
        let mergers = tx.merged_into(HookEntity::Deal, &gone).await?;
        if mergers.is_empty() {
            return Ok(());
        }
        let into: Vec<i64> =
            mergers.values().copied().filter(|into| !deals.contains_key(&DealId(*into))).collect();
        deals.extend(
            mergers.into_iter().map(|(gone, into)| (DealId(gone), DealFound::Merged { into: DealId(into) })),
        );
        for (id, record) in tx.staged(StagedKind::Deal, &into).await? {
            if record.missing == 0 && record.row.malformed.is_none() {
                deals.insert(DealId(id), found(&staging::read("deal", &record.row)?));
            }
        }
    }
}

/// A deal as it was read.
fn found(deal: &CrmDeal) -> DealFound {
    if deal.status == DealStatus::Deleted { DealFound::Deleted } else { DealFound::Here(seen_of(deal)) }
}

fn seen_of(deal: &CrmDeal) -> DealSeen {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    DealSeen {
        title: deal.title.clone(),
        status: deal.status.clone(),
        org: deal.org,
        value: deal.value.clone(),
        added: deal.added_at.map(day),
        won: deal.won_at.map(day),
        archived: deal.archived,
    }
}
