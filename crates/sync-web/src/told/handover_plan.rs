//! How handovers are shown in a plan: what goes on by itself, and older won deals that wait for a person.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;
use sync_core::handover::{NextStep, Piece, Question, Subject};
use sync_core::ids::{DealId, PartyId};
use sync_core::money::Money;
use sync_engine::{ForeseenAnswer, ForeseenHandover, HandoverPreview, OlderPage};

/// What would be handed over to the ERP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handovers {
    /// From when on won deals count by themselves; none before the first run.
    pub since: Option<String>,
    /// Handovers that go on by themselves.
    pub by_themselves: u64,
    /// Older won deals that wait for a person.
    pub waiting: u64,
    /// Organizations with older won deals that are customers of the ERP already.
    pub customers_already: u64,
    /// All of them, those that go on by themselves first.
    pub records: Vec<HandoverEntry>,
    /// What deals and organizations would be told of handovers that came to rest.
    pub answers: Vec<Answer>,
}

/// A write that tells sales how a handover stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The record that is written.
    #[serde(flatten)]
    pub on: Subject,
    /// What its fields are set to, by the names that people see; none clears.
    pub set: BTreeMap<&'static str, Option<String>>,
}

/// One handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandoverEntry {
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// The organization's name.
    pub name: Option<String>,
    /// The deal that it is for.
    pub deal: Option<Deal>,
    /// Where the customer would belong.
    pub business_unit: Option<String>,
    /// What would be done first: create, extend, bind, look, ask or wait.
    pub action: &'static str,
    /// Whether it goes on by itself; otherwise it waits for a person.
    pub by_itself: bool,
    /// The party that it would be bound to, if that can be told.
    pub party: Option<PartyId>,
    /// The write that it begins with, exactly; none where something else comes first.
    pub begins: Option<Piece>,
    /// The pieces that follow it.
    pub then: Vec<&'static str>,
    /// The question that would be asked.
    pub question: Option<&'static str>,
    /// All that in words, and why it waits.
    pub words: Vec<String>,
}

/// A won deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deal {
    /// Its identity.
    pub id: DealId,
    /// What sales calls it.
    pub title: String,
    /// What it is worth.
    pub value: Option<Money>,
    /// When it was won.
    pub won_at: Option<String>,
}

/// A page of older won deals that wait for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OlderDeals {
    /// Those that wait, by organization.
    pub records: Vec<HandoverEntry>,
    /// Organizations with older won deals that are customers of the ERP already.
    pub customers_already: u64,
    /// The organization after which the next page begins; none at the end.
    pub next: Option<i64>,
}

impl OlderDeals {
    /// What is shown of a page.
    #[must_use]
    pub fn of(page: &OlderPage, since: Option<Timestamp>) -> Self {
        Self {
            records: page.handovers.iter().map(|handover| HandoverEntry::of(handover, since)).collect(),
            customers_already: page.customers_already,
            next: page.next.map(|org| org.0),
        }
    }
}

impl Handovers {
    /// What is shown of a preview.
    pub fn of(preview: &HandoverPreview, since: Option<Timestamp>) -> Self {
        let count = |waits: bool| {
            let counted = preview.handovers.iter().filter(|handover| handover.waits == waits).count();
            u64::try_from(counted).unwrap_or(u64::MAX)
        };
        Self {
            since: since.map(|at| format!("{at:.0}")),
            by_themselves: count(false),
            waiting: count(true),
            customers_already: preview.customers_already,
            records: preview.handovers.iter().map(|handover| HandoverEntry::of(handover, since)).collect(),
            answers: preview.answers.iter().map(Answer::of).collect(),
        }
    }

    /// For people: totals first, then at most `limit` of them.
    pub fn told(&self, limit: usize) -> String {
        let Self { since: _, by_themselves, waiting, customers_already, records, answers } = self;
        let mut text = format!(
            "  handovers to the ERP: {by_themselves} go on by themselves, {waiting} wait for a person, {customers_already} are \
             customers already\n"
        );
        for entry in records.iter().take(limit) {
            text.push('\n');
            text.push_str(&entry.told());
        }
        if records.len() > limit {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "\n... and {} more handovers; --limit shows more of them",
                records.len() - limit
            );
        }
        for answer in answers.iter().take(limit) {
            text.push('\n');
            text.push_str(&answer.told());
        }
        if answers.len() > limit {
            let _ = writeln!(
                text,
                "\n... and {} more answers; --limit shows more of them",
                answers.len() - limit
            );
        }
        text
    }
}

impl Answer {
    fn of(answer: &ForeseenAnswer) -> Self {
        let ForeseenAnswer { on, set } = answer;
        Self { on: *on, set: set.iter().map(|(field, value)| (field.label(), value.clone())).collect() }
    }

    /// A block of lines for people.
    fn told(&self) -> String {
        let mut text = format!("answer  {}\n", self.on);
        for (field, value) in &self.set {
            // Writing to a String cannot fail.
            let _ = match value {
                Some(value) => writeln!(text, "    {field}: {value}"),
                None => writeln!(text, "    {field}: cleared"),
            };
        }
        text
    }
}

impl HandoverEntry {
    /// The organization and the deal, as a form says which.
    pub(crate) fn which(&self) -> Option<String> {
        match (self.subject, &self.deal) {
            (Subject::Org(org), Some(deal)) => Some(format!("{org}.{}", deal.id)),
            (Subject::Org(_), None) | (Subject::Deal(_), _) => None,
        }
    }

    /// What is written first, exactly.
    pub(crate) fn exactly(&self) -> Option<String> {
        self.begins.as_ref().and_then(|piece| serde_json::to_string_pretty(piece).ok())
    }

    /// What is shown of a handover.
    pub fn of(handover: &ForeseenHandover, since: Option<Timestamp>) -> Self {
        let ForeseenHandover { subject, name, deal, unit, waits, party, next, digest: _ } = handover;
        let (begins, then) = match next {
            NextStep::Write { piece, follow, .. } => {
                (Some(piece.as_ref().clone()), follow.iter().map(|kind| kind.label()).collect())
            }
            NextStep::Nothing(_)
            | NextStep::Observe
            | NextStep::Look(_)
            | NextStep::Complete(_)
            | NextStep::Ask(_)
            | NextStep::Wait(_) => (None, Vec::new()),
        };
        let mut words = vec![in_words(next, *party)];
        if !then.is_empty() {
            words.push(format!("then: {}", then.join(", ")));
        }
        if *waits {
            words.push(why_it_waits(handover, since));
        }
        Self {
            subject: *subject,
            name: name.clone(),
            deal: deal.as_ref().map(|deal| Deal {
                id: deal.id,
                title: deal.title.clone(),
                value: deal.value.clone(),
                won_at: deal.won_at.map(|at| format!("{at:.0}")),
            }),
            business_unit: unit.clone(),
            action: action(next, *party),
            by_itself: !waits,
            party: *party,
            begins,
            then,
            question: question(next).map(Question::key),
            words,
        }
    }

    /// A block of lines for people.
    fn told(&self) -> String {
        let mut text = format!("{}  {}", self.action, self.name.as_deref().unwrap_or("(no name)"));
        let deal = self.deal.as_ref().map(|Deal { id, title, value, .. }| {
            let value = value.as_ref().map(|value| format!(", {} {}", value.amount, value.currency));
            format!(", deal {id} \"{title}\"{}", value.unwrap_or_default())
        });
        let unit = self.business_unit.as_ref().map(|unit| format!(", {unit}"));
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "  ({}{}{})", self.subject, deal.unwrap_or_default(), unit.unwrap_or_default());
        for line in &self.words {
            let _ = writeln!(text, "    {line}");
        }
        if !self.by_itself {
            text.push_str("    `apply` of this plan asks for it, or `handovers ask`\n");
        }
        text
    }
}

fn question(next: &NextStep) -> Option<&Question> {
    match next {
        NextStep::Ask(question) => Some(question),
        NextStep::Nothing(_)
        | NextStep::Observe
        | NextStep::Look(_)
        | NextStep::Write { .. }
        | NextStep::Complete(_)
        | NextStep::Wait(_) => None,
    }
}

fn action(next: &NextStep, party: Option<PartyId>) -> &'static str {
    match next {
        NextStep::Write { piece, .. } => match piece.as_ref() {
            Piece::Party { .. } => "create",
            Piece::Usage { .. }
            | Piece::Address { .. }
            | Piece::Account { .. }
            | Piece::Site { .. }
            | Piece::SiteUse { .. }
            | Piece::Profile { .. }
            | Piece::Person { .. }
            | Piece::Contact { .. }
            | Piece::AccountContact { .. } => "extend",
        },
        NextStep::Complete(_) => "bind",
        NextStep::Look(_) if party.is_some() => "bind",
        NextStep::Look(_) => "look",
        NextStep::Ask(_) => "ask",
        NextStep::Nothing(_) | NextStep::Observe | NextStep::Wait(_) => "wait",
    }
}

/// What comes next, and to whom it would be bound.
fn in_words(next: &NextStep, party: Option<PartyId>) -> String {
    let bound = party.map(|party| format!("it is party {party} of the ERP; ")).unwrap_or_default();
    match next {
        NextStep::Write { piece, .. } => format!("{bound}{}", piece.explain()),
        NextStep::Complete(party) => format!("it is party {party} of the ERP, and nothing is missing"),
        NextStep::Look(_) if party.is_some() => {
            format!("{bound}what it has there and what is missing is looked for before anything is written")
        }
        NextStep::Look(_) => "it is looked for in the ERP before anything is written".to_owned(),
        NextStep::Ask(question) => format!("asks a person: {} [{}]", question.explain(), question.key()),
        NextStep::Observe => "the organization has to be read first".to_owned(),
        NextStep::Wait(until) => {
            format!("an answer of the ERP was lost: nothing can be told before {until:.0}")
        }
        NextStep::Nothing(_) => "nothing is to be done".to_owned(),
    }
}

fn why_it_waits(handover: &ForeseenHandover, since: Option<Timestamp>) -> String {
    let won = handover.deal.as_ref().and_then(|deal| deal.won_at);
    let won = won.map(|at| format!(" at {at:.0}")).unwrap_or_default();
    let since = since.map_or_else(
        || "before won deals count by themselves, which they do from the first run on".to_owned(),
        |since| format!("before {since:.0}, from when on won deals count by themselves"),
    );
    format!("waits for a person: it was won{won}, {since}")
}

#[cfg(test)]
mod tests {
    use sync_core::customers::{NewParty, Reference};
    use sync_core::handover::{BusinessUnit, Cause, Conditions, Look, PieceKind, Wait};
    use sync_core::ids::{OrgId, SetId};

    use super::*;

    fn foreseen(next: NextStep, party: Option<i64>, waits: bool) -> ForeseenHandover {
        ForeseenHandover {
            subject: Subject::Org(OrgId(11)),
            name: Some("Acme Ltd".to_owned()),
            deal: None,
            unit: Some("US1".to_owned()),
            waits,
            party: party.map(PartyId),
            next,
            digest: String::new(),
        }
    }

    fn create() -> NextStep {
        let reference = Reference { system: "PIPEDRIVE".to_owned(), value: "pd:7:org:11".to_owned() };
        let new = NewParty {
            name: "Acme Ltd".to_owned(),
            usage: "EXTERNAL_LEGAL_ENTITY".to_owned(),
            reference,
            tax_id: None,
            url: None,
            phone: None,
            currency: None,
            addresses: Vec::new(),
        };
        let unit = BusinessUnit {
            name: "US1".to_owned(),
            set: SetId(1),
            when: Conditions::default(),
            profile_class: "DEFAULT".to_owned(),
            customer_class: None,
            currency: None,
            payment_terms: None,
        };
        NextStep::Write {
            piece: Box::new(Piece::Party { new }),
            cause: Cause::Deal(DealId(81)),
            unit: Box::new(unit),
            follow: vec![PieceKind::Account, PieceKind::Profile],
        }
    }

    #[test]
    fn each_next_step_has_an_action_and_words() {
        let question = Question::NoBusinessUnit { cause: Cause::Asked };
        for (next, party, action, word) in [
            (create(), None, "create", "create party \"Acme Ltd\""),
            (NextStep::Complete(PartyId(3)), Some(3), "bind", "nothing is missing"),
            (NextStep::Look(Look::Accounts), Some(3), "bind", "party 3"),
            (NextStep::Look(Look::ByReference), None, "look", "looked for in the ERP"),
            (NextStep::Ask(Box::new(question)), None, "ask", "[no_business_unit]"),
            (NextStep::Observe, None, "wait", "read first"),
            (NextStep::Wait(Timestamp::UNIX_EPOCH), None, "wait", "1970-01-01T00:00:00Z"),
            (NextStep::Nothing(Wait::NoCause), None, "wait", "nothing"),
        ] {
            let entry = HandoverEntry::of(&foreseen(next, party, false), None);
            assert_eq!(entry.action, action);
            assert!(entry.told().contains(word), "{}", entry.told());
            assert!(entry.by_itself && !entry.told().contains("waits for a person"));
        }
        let entry = HandoverEntry::of(&foreseen(create(), None, true), None);
        assert_eq!(entry.then, ["account", "profile"]);
        assert!(entry.told().contains("then: account, profile\n    waits for a person"), "{}", entry.told());
    }
}
