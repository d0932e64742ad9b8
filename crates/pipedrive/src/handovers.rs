//! What a handover needs of the CRM: the port `CrmDeals`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use sync_core::{
    budget::Class,
    deals::CrmDeal,
    handover::Directory,
    ids::DealId,
    model::{Page, Seen},
    ports::{Called, CrmDeals},
};

use crate::{client::Pipedrive, deals::DealCodes};

/// From so many on, one list (10 tokens a hundred) is cheaper than one read each (1 token).
const CHEAPER_TOGETHER: usize = 10;

#[async_trait]
impl CrmDeals for Pipedrive {
    async fn deals_won(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmDeal>> {
        Self::deals_won(self, &DealCodes::default(), cursor, class).await
    }

    async fn deals_changed(
        &self,
        from: Timestamp,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        Self::deals_changed(self, from, &DealCodes::default(), cursor, class).await
    }

    /// One by one archived deals are shown as such; a list leaves them out as if they were gone, which for us is the same.
    async fn deals_by_id(&self, ids: &[DealId], class: Class) -> Called<Vec<Seen<CrmDeal>>> {
        let codes = DealCodes::default();
        if ids.len() >= CHEAPER_TOGETHER {
            return Self::deals_by_id(self, ids, &codes, class).await;
        }
        let mut deals = Vec::with_capacity(ids.len());
        for id in ids {
            deals.extend(self.deal(*id, &codes, class).await?.map(Seen::Record));
        }
        Ok(deals)
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
