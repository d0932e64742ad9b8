//! What a handover needs of the CRM: the ports `CrmDeals` and `CrmAnswers`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
};

use async_trait::async_trait;
use jiff::Timestamp;
use sync_core::{
    budget::Class,
    deals::{CrmDeal, CrmPerson, DealFacts},
    error::ErrorKind,
    handover::{ActivityChange, AnswerField, AnsweredOn, Directory, NewActivity},
    ids::{ActivityId, DealId, OrgId, PersonId},
    model::{Page, Seen},
    ports::{Called, CrmAnswers, CrmDeals, Permit},
};

use crate::{
    answers::{OwnField, Together},
    api::organization_fields::{FieldDto, ListFields},
    asked::AskedFields,
    client::Pipedrive,
    deals::{CODES, DealCodes},
    survey::Fielded,
};

/// From so many on, one list (10 tokens a hundred) is cheaper than one read each (1 token).
const CHEAPER_TOGETHER: usize = 10;

/// Deals with what people read on them, as far as rules ask about it.
#[async_trait]
impl CrmDeals for Pipedrive {
    async fn deals_won(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmDeal>> {
        let asked = self.asked_of_deals(class).await?;
        let page = Self::deals_won(self, &codes(&asked)?, cursor, class).await;
        self.read_with(page, |page| page_of(page, &asked))
    }

    async fn deals_changed(
        &self,
        from: Timestamp,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        let asked = self.asked_of_deals(class).await?;
        let page = Self::deals_changed(self, from, &codes(&asked)?, cursor, class).await;
        self.read_with(page, |page| page_of(page, &asked))
    }

    /// A list leaves archived deals out as if they were gone; one by one they are shown as such.
    async fn deals_by_id(&self, ids: &[DealId], class: Class) -> Called<Vec<Seen<CrmDeal>>> {
        let asked = self.asked_of_deals(class).await?;
        let codes = codes(&asked)?;
        let rows = if ids.len() >= CHEAPER_TOGETHER {
            self.deals_together(ids, &codes, class).await
        } else {
            self.deals_one_by_one(ids, &codes, class).await
        };
        self.read_with(rows, |rows| rows.into_iter().map(|seen| with_facts(seen, &asked)).collect())
    }

    async fn person(&self, id: PersonId, class: Class) -> Called<Option<CrmPerson>> {
        Self::person(self, id, class).await
    }

    async fn company(&self) -> Called<i64> {
        Ok(self.whoami().await?.company_id)
    }

    async fn directory(&self, class: Class) -> Called<Directory> {
        let pipelines = self.pipelines(class).await?;
        let users: BTreeMap<i64, Vec<String>> = self
            .users(class)
            .await?
            .into_iter()
            .map(|user| (user.id, [user.name, user.email].into_iter().flatten().collect()))
            .collect();
        Ok(Directory { pipelines, users })
    }
}

/// What people read there of a handover, and are asked for.
#[async_trait]
impl CrmAnswers for Pipedrive {
    async fn ready_to_answer(&self, on: AnsweredOn, class: Class) -> Called<bool> {
        self.make_own_fields(Together::Answers(on), class).await
    }

    async fn answer_on_deal(
        &self,
        permit: Permit,
        id: DealId,
        changes: &BTreeMap<AnswerField, Option<String>>,
    ) -> Called<CrmDeal> {
        // Before the write: what fails after it would be taken for its end.
        let asked = self.asked_of_deals(permit.class()).await?;
        let deal = self.write_on_deal(permit, id, changes).await?;
        Ok(facts_of(deal, &asked))
    }

    async fn answer_on_org(
        &self,
        permit: Permit,
        id: OrgId,
        changes: &BTreeMap<AnswerField, Option<String>>,
    ) -> Called<()> {
        self.write_on_org(permit, id, changes).await
    }

    fn price_of_answer(&self) -> u32 {
        Self::ANSWER
    }

    async fn create_activity(&self, permit: Permit, activity: &NewActivity) -> Called<ActivityId> {
        self.make_activity(permit, activity).await
    }

    async fn find_activity(&self, deal: DealId, marker: &str, class: Class) -> Called<Option<ActivityId>> {
        self.activity_with(deal, marker, class).await
    }

    async fn change_activity(&self, permit: Permit, id: ActivityId, change: &ActivityChange) -> Called<()> {
        self.alter_activity(permit, id, change).await
    }

    fn price_of_activity(&self) -> u32 {
        Self::ACTIVITY
    }
}

impl Pipedrive {
    /// All open deals with what people read on them.
    pub(crate) async fn deals_open_with_facts(
        &self,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        let asked = self.asked_of_deals(class).await?;
        let page = self.deals_open(&codes(&asked)?, cursor, class).await;
        self.read_with(page, |page| page_of(page, &asked))
    }

    /// What deals have of what is asked about; looked up once (10 tokens a page of 500), and again after a field was gone.
    pub(crate) async fn asked_of_deals(&self, class: Class) -> Called<AskedFields> {
        let known = self.asked_of_deals.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut asked = AskedFields::default();
        let answers = self.asked.on_deal.iter().copied().map(OwnField::Answer);
        let own: BTreeSet<OwnField> =
            answers.chain(self.asked.rolled.iter().copied().map(OwnField::RollUp)).collect();
        if !self.asked.asks_nothing() || !own.is_empty() {
            let page = |cursor| ListFields { resource: Fielded::Deals.resource(), cursor };
            let rows =
                self.every(class, page, |row| Ok(serde_json::from_value::<FieldDto>(row.clone()).ok()));
            for row in rows.await? {
                asked.note(&self.asked, &own, &row);
            }
        }
        self.learn_asked_of_deals(Some(asked.clone()));
        Ok(asked)
    }

    pub(crate) fn learn_asked_of_deals(&self, asked: Option<AskedFields>) {
        *self.asked_of_deals.write().unwrap_or_else(PoisonError::into_inner) = asked;
    }

    /// What was read, with facts; a field that is gone is looked up anew with the next call.
    fn read_with<T>(&self, called: Called<T>, facts: impl FnOnce(T) -> T) -> Called<T> {
        if called.as_ref().is_err_and(|error| error.kind == ErrorKind::UnknownField) {
            self.learn_asked_of_deals(None);
        }
        called.map(facts)
    }

    /// In a list, and what the list leaves out one by one: it may be archived.
    async fn deals_together(
        &self,
        ids: &[DealId],
        codes: &DealCodes,
        class: Class,
    ) -> Called<Vec<Seen<CrmDeal>>> {
        let mut rows = Self::deals_by_id(self, ids, codes, class).await?;
        let listed = |id: &DealId| {
            rows.iter().any(|seen| match seen {
                Seen::Record(deal) => deal.id == *id,
                Seen::Malformed(record) => record.id == Some(id.0),
            })
        };
        let left: Vec<DealId> = ids.iter().copied().filter(|id| !listed(id)).collect();
        rows.extend(self.deals_one_by_one(&left, codes, class).await?);
        Ok(rows)
    }

    async fn deals_one_by_one(
        &self,
        ids: &[DealId],
        codes: &DealCodes,
        class: Class,
    ) -> Called<Vec<Seen<CrmDeal>>> {
        let mut deals = Vec::with_capacity(ids.len());
        for id in ids {
            deals.extend(self.deal(*id, codes, class).await?.map(Seen::Record));
        }
        Ok(deals)
    }
}

/// The fields to ask for; all of them where there are more than a list can be asked for.
fn codes(asked: &AskedFields) -> Called<DealCodes> {
    let codes: BTreeSet<&str> = asked.codes().collect();
    if codes.len() > CODES { Ok(DealCodes::default()) } else { DealCodes::of(codes) }
}

fn page_of(page: Page<CrmDeal>, asked: &AskedFields) -> Page<CrmDeal> {
    let rows = page.rows.into_iter().map(|seen| with_facts(seen, asked)).collect();
    Page { rows, ..page }
}

fn with_facts(seen: Seen<CrmDeal>, asked: &AskedFields) -> Seen<CrmDeal> {
    match seen {
        Seen::Record(deal) => Seen::Record(facts_of(deal, asked)),
        Seen::Malformed(record) => Seen::Malformed(record),
    }
}

pub(crate) fn facts_of(deal: CrmDeal, asked: &AskedFields) -> CrmDeal {
    let labels = asked.labels(&deal.label_ids);
    let custom = asked.read(|code| deal.custom.get(code));
    let shown = asked.shown(|code| deal.custom.get(code));
    let rolled = asked.rolled(|code| deal.custom.get(code));
    CrmDeal { facts: DealFacts { labels, custom, shown, rolled }, ..deal }
}
