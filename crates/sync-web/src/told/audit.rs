//! Audits: the last one, and what differs now, customer by customer.

use serde::Serialize;
use sync_core::ids::PartyId;
use sync_engine::{
    Planner,
    audit::{AUDIT, AuditState, Audited, Auditor, Standing},
};
use sync_store::Tx;
use utoipa::ToSchema;

use super::{Paged, PlanError, TellError, at};

/// Customers that are decided at a time.
const PAGE: u32 = 100;

/// Customers that are decided for one answer at most: what is in step fills no page.
const PAGES: u32 = 10;

/// Audits of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditsTold {
    /// The last one that came to its end; none before the first one did.
    pub(crate) last: Option<AuditReport>,
    /// The one under way, as far as it went.
    pub(crate) under_way: Option<AuditReport>,
}

/// An audit: every customer decided anew from what both sides said last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditReport {
    /// When it began.
    pub(crate) began_at: String,
    /// When everything was looked at.
    pub(crate) ended_at: Option<String>,
    /// The oldest reading that says of a customer that both sides are equal.
    pub(crate) as_of: Option<String>,
    /// Customers compared.
    pub(crate) customers: u64,
    /// Those that are equal, or meant to differ.
    pub(crate) equal: u64,
    /// Those that differ, and are in the queue or wait for a lost answer.
    pub(crate) working: u64,
    /// Those that wait for a person.
    pub(crate) held: u64,
    /// Those that differed though nobody worked on it; they were put into the queue.
    pub(crate) found: u64,
    /// The first of those that were found, as they were then.
    pub(crate) examples: Vec<Unequal>,
}

/// A customer whose sides differ, or of whom something is asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unequal {
    /// Its party.
    pub(crate) party: i64,
    /// Its organization, if it has one.
    pub(crate) organization: Option<i64>,
    /// `working`: it is in the queue, or a lost answer is looked for. `held`: it waits for a person. `found`: nobody works on it.
    pub(crate) standing: &'static str,
    /// What would be done, where nobody works on it.
    pub(crate) what: Option<String>,
}

/// A page of customers that are not in step.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnequalPage {
    /// Customers that were compared for this page.
    pub(crate) compared: u64,
    /// Those of them that are equal, or meant to differ.
    pub(crate) equal: u64,
    /// The oldest reading that says so of one of them.
    pub(crate) as_of: Option<String>,
    /// The others. There may be none on a page that others follow.
    #[serde(flatten)]
    pub(crate) customers: Paged<Unequal>,
}

impl From<Audited> for AuditReport {
    fn from(audited: Audited) -> Self {
        let Audited { began_at, ended_at, as_of, customers, equal, working, held, found, examples } = audited;
        let example = |one: sync_engine::audit::Difference| Unequal {
            party: one.party.0,
            organization: one.org.map(|org| org.0),
            standing: "found",
            what: Some(one.what),
        };
        Self {
            began_at: at(began_at),
            ended_at: ended_at.map(at),
            as_of: as_of.map(at),
            customers,
            equal,
            working,
            held,
            found,
            examples: examples.into_iter().map(example).collect(),
        }
    }
}

/// The last audit, and the one under way.
pub(crate) async fn audits(tx: &mut Tx) -> Result<AuditsTold, TellError> {
    let AuditState { last, now } = tx.cursor(AUDIT).await?.unwrap_or_default();
    Ok(AuditsTold { last: last.map(AuditReport::from), under_way: now.map(|(audited, _)| audited.into()) })
}

/// Customers after a party that are not in step now, decided as an audit decides.
pub(crate) async fn unequal(
    planner: &Planner,
    after: Option<i64>,
    limit: u32,
) -> Result<UnequalPage, PlanError> {
    if !planner.is_loaded().await? {
        return Err(PlanError::NotLoaded);
    }
    let Planner { store, connection, policy, clock, crm: _, reads: _ } = planner;
    let auditor = Auditor { store: store.clone(), connection: *connection, policy: policy.clone() };
    let (mut compared, mut equal, mut as_of, mut items) = (0, 0, None, Vec::new());
    let (mut after, mut next) = (after.map(PartyId), None);
    'pages: for _ in 0..PAGES {
        let Some(page) = auditor.page(after, PAGE, clock.now()).await? else {
            next = None;
            break;
        };
        for (party, (standing, read_at)) in page.standings {
            compared += 1;
            let (standing, what) = match standing {
                Standing::Equal => {
                    equal += 1;
                    as_of = [as_of, read_at].into_iter().flatten().min();
                    continue;
                }
                Standing::Working => ("working", None),
                Standing::Held => ("held", None),
                Standing::Found(difference) => ("found", Some(difference.what)),
            };
            items.push(Unequal { party: party.0, organization: None, standing, what });
            if items.len() >= limit as usize {
                next = Some(party);
                break 'pages;
            }
        }
        (after, next) = (Some(page.last), Some(page.last));
    }
    let parties: Vec<PartyId> = items.iter().map(|one| PartyId(one.party)).collect();
    let read = async { store.read(*connection).await?.pairs_by_party(&parties).await };
    let pairs = read.await.map_err(sync_engine::EngineError::from)?;
    for one in &mut items {
        one.organization = pairs.get(&PartyId(one.party)).map(|pair| pair.org.0);
    }
    let next_cursor = next.map(|party| party.0.to_string());
    Ok(UnequalPage { compared, equal, as_of: as_of.map(at), customers: Paged { items, next_cursor } })
}
