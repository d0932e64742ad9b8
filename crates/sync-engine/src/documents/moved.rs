//! What else moves documents: a deal that comes, changes or goes, and a customer that gets its organization. Whatever hangs on
//! them is looked at again. Where no documents are read there are none, and these are a few empty statements a page.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    ids::{DealId, OrgId, PartyId},
};
use sync_store::{DocumentId, Tx};

use crate::EngineError;

/// A document and what it says there are as urgent as what moved it.
const CLASS: Class = Class::Document;

/// Looks again at the documents of deals that came, changed or are gone, at what these deals show, and at the documents that
/// found no deal yet of the customers whose organizations (`orgs`) the deals are of, or were.
pub(crate) async fn deals_moved(
    tx: &mut Tx,
    deals: &[DealId],
    orgs: &BTreeSet<OrgId>,
    now: Timestamp,
    origin: &str,
) -> Result<(), EngineError> {
    if deals.is_empty() {
        return Ok(());
    }
    let mut documents: Vec<DocumentId> = tx.documents_of(deals).await?.iter().map(|row| row.id).collect();
    let orgs: Vec<OrgId> = orgs.iter().copied().collect();
    let mut parties: Vec<PartyId> = tx.pairs_by_org(&orgs).await?.into_values().collect();
    parties.extend(tx.aliases_of(&parties).await?.into_iter().map(|(party, _)| party));
    documents.extend(tx.documents_without_deal(&parties).await?);
    tx.enqueue_documents(&documents, CLASS, now, origin).await?;
    let shown: Vec<DealId> = tx.deal_pages(deals).await?.into_keys().collect();
    tx.enqueue_deal_pages(&shown, CLASS, now, origin).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sync_core::{
        deals::{CrmDeal, DealFacts, DealStatus},
        fields::Values,
        model::{Page, Seen},
        pair::Pair,
    };
    use sync_store::{
        Decided, DecisionKey, SettledDealPage, SettledDocument, StagedKind, StagedRow, Store, StoreOptions,
    };

    use super::*;
    use crate::deal_stream::{look_at_gone, stage_deals};

    fn start() -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    fn deal(id: i64, org: i64, title: &str) -> Page<CrmDeal> {
        let deal = CrmDeal {
            id: DealId(id),
            title: title.to_owned(),
            status: DealStatus::Open,
            value: None,
            org: Some(OrgId(org)),
            person: None,
            owner: None,
            pipeline: None,
            stage: None,
            won_at: None,
            added_at: None,
            expected_close: None,
            archived: false,
            updated_at: start(),
            custom: BTreeMap::new(),
            label_ids: Vec::new(),
            facts: DealFacts::default(),
        };
        Page { rows: vec![Seen::Record(deal)], more: false, next: None, server_now: start() }
    }

    fn staged(id: i64, party: i64) -> StagedRow {
        StagedRow {
            id,
            party: Some(party),
            parent: None,
            stamp: start(),
            hash: "1".to_owned(),
            body: "{}".to_owned(),
            malformed: None,
        }
    }

    /// What is due now, settled so that it is not due the next time.
    async fn due(tx: &mut Tx) -> (Vec<i64>, Vec<i64>) {
        let documents = tx.claim_documents(start(), Class::Backfill, 10).await.unwrap();
        let pages = tx.claim_deal_pages(start(), Class::Backfill, 10).await.unwrap();
        for job in &documents {
            let body = "{}".to_owned();
            let (key, deal) = match job.id.id {
                1 => (DecisionKey::Attached, Some(DealId(81))),
                _ => (DecisionKey::Unmatched, None),
            };
            let decided = Some(Decided { key, deal, body, open: false });
            let settled = SettledDocument { job: job.clone(), decided, due: None, attempts: 0, error: None };
            tx.settle_documents(&[settled], start()).await.unwrap();
        }
        for job in &pages {
            let settled = SettledDealPage { job: job.clone(), due: None, attempts: 0, error: None };
            tx.settle_deal_pages(&[settled]).await.unwrap();
        }
        let mut documents: Vec<i64> = documents.iter().map(|job| job.id.id).collect();
        documents.sort_unstable();
        (documents, pages.iter().map(|job| job.deal.0).collect())
    }

    #[tokio::test]
    async fn deals_that_change_or_go_have_their_documents_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("moved.db").display());
        let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
        store.migrate().await.unwrap();
        let connection = store.ensure_connection("acme", "{}", start()).await.unwrap();
        let fence = store.lease_take(connection, "one", None).await.unwrap().unwrap();
        let mut tx = store.write(&fence).await.unwrap();
        let pair = Pair {
            party: PartyId(300),
            org: OrgId(11),
            erp_mirror: Values::new(),
            crm_mirror: Values::new(),
            written: BTreeMap::new(),
        };
        tx.put_pairs(&[pair], start()).await.unwrap();
        // 1 is on deal 81; 2 is of the deal's customer and found none; 3 is of another customer.
        let rows = [staged(1, 300), staged(2, 300), staged(3, 301)];
        tx.stage(StagedKind::Invoice, &rows, start(), 1).await.unwrap();
        let all = [1, 2, 3].map(|id| DocumentId { kind: StagedKind::Invoice, id });
        tx.enqueue_documents(&all, Class::Backfill, start(), "first").await.unwrap();
        tx.enqueue_deal_pages(&[DealId(81)], Class::Backfill, start(), "first").await.unwrap();
        assert_eq!(due(&mut tx).await, (vec![1, 2, 3], vec![81]));
        let mut stage = async |page: Page<CrmDeal>| {
            stage_deals(&mut tx, page, start(), 0, Timestamp::MAX).await.unwrap();
            due(&mut tx).await
        };
        let nothing = (Vec::new(), Vec::new());
        assert_eq!(stage(deal(81, 11, "Contract")).await, (vec![1, 2], vec![81]), "it came");
        assert_eq!(stage(deal(81, 11, "Contract")).await, nothing, "nothing changed");
        assert_eq!(stage(deal(81, 12, "Contract")).await, (vec![1, 2], vec![81]), "it is another company's");
        assert_eq!(stage(deal(82, 11, "New")).await, (vec![2], vec![]), "another deal of the customer");
        look_at_gone(&mut tx, &[81], start()).await.unwrap();
        assert_eq!(due(&mut tx).await, (vec![1], vec![81]), "it is gone; 12 is nobody's organization");
    }
}
