//! Counting what a sync would do, a page at a time, whatever their number.

use std::collections::BTreeMap;

use sync_core::ids::{OrgId, PartyId};
use sync_core::plan::Step;
use sync_core::ports::Missing;
use sync_engine::{Foreseen, Planner};
use sync_web::fit::{FieldFit, FirstSync, HeldExample, HeldTold, NotMapped};
use sync_web::plan::{Entry, Families, Totals};

use crate::config::Connection;
use crate::wire::policy;

/// Keys decided at once.
const PAGE: u32 = 200;

/// Questions of a cause that are told.
const EXAMPLES: usize = 3;

/// What was counted so far.
#[derive(Default)]
struct Tally {
    customers: u64,
    totals: Totals,
    families: Families,
    tokens: u64,
    held: BTreeMap<&'static str, HeldTold>,
    filled: BTreeMap<String, u64>,
}

impl Tally {
    fn note(&mut self, foreseen: &Foreseen, price: impl Fn(&Step) -> u32) {
        self.totals.count(foreseen);
        self.families.note(foreseen);
        let entry = Entry::of(foreseen, price);
        self.customers += u64::from(entry.action != "not_ours");
        self.tokens += entry.tokens;
        for change in
            entry.writes.iter().filter(|write| write.op == "create").flat_map(|write| &write.changes)
        {
            *self.filled.entry(change.label.clone()).or_default() += u64::from(change.new.is_some());
        }
        if let Some(question) = entry.hold {
            let cause = question.cause;
            let held = self.held.entry(cause).or_insert_with(|| HeldTold {
                cause: cause.to_owned(),
                records: 0,
                examples: Vec::new(),
            });
            held.records += 1;
            if held.examples.len() < EXAMPLES {
                let example =
                    HeldExample { party: entry.party, name: entry.name, explanation: question.explanation };
                held.examples.push(example);
            }
        }
    }
}

/// Counts everything that is in the queue; inside, why that could not be done.
pub(super) async fn count(
    connection: &Connection,
    planner: &Planner,
    missing: &Missing,
) -> anyhow::Result<Result<FirstSync, String>> {
    let price = |step: &Step| planner.crm.price(step);
    let mut tally = Tally::default();
    let mut after: Option<PartyId> = None;
    loop {
        let page = match planner.page(after, PAGE).await? {
            Ok(page) => page,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let Some(last) = page.last() else { break };
        after = Some(last.party);
        for foreseen in &page {
            tally.note(foreseen, price);
        }
    }
    let Tally { customers, mut totals, families, tokens, held, filled } = tally;
    let relation = Step::Relate { parent: PartyId(0), parent_org: OrgId(0), org: OrgId(0) };
    families.tell(&mut [], &mut totals, price(&relation));
    let later = totals.relate_later * u64::from(price(&relation));
    let mut not_mapped = Vec::new();
    if totals.not_ours > 0 {
        let why = "none of our customers: [connection.customers] of the configuration says who is one";
        not_mapped.push(NotMapped {
            what: "parties".to_owned(),
            records: totals.not_ours,
            why: why.to_owned(),
        });
    }
    let mut held: Vec<HeldTold> = held.into_values().collect();
    held.sort_by_key(|held| std::cmp::Reverse(held.records));
    let table = policy(connection).fields;
    let fields = table.fields().map(|field| {
        let label = field.label().to_owned();
        FieldFit { filled: filled.get(&label).copied().unwrap_or_default(), field: label }
    });
    Ok(Ok(FirstSync {
        customers,
        create: totals.create,
        update: totals.update,
        matched: totals.bind,
        relate: totals.relate + totals.relate_later,
        paired: 0,
        unchanged: totals.unchanged,
        wait: totals.wait,
        held,
        not_mapped,
        fields: fields.collect(),
        missing_fields: missing.fields.iter().map(|field| field.label().to_owned()).collect(),
        tokens: tokens + later + u64::from(missing.tokens),
        unasked_creates: connection.sync.guard.policy().creates,
    }))
}
