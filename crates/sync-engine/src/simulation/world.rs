//! The two worlds and what can go wrong on the way to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    documents::FieldWrite,
    error::{CallError, ErrorKind},
    fields::{Field, Values},
    handover::{ActivityChange, AnswerField, Answers, NewActivity, Piece},
    hooks::Subscription,
    ids::{ActivityId, DealId, NoteId, OrgId, PartyId, RelationId, SetId},
    laws::{SeenWrite, Violation},
    model::{ErpAccount, ErpParty},
    ports::{Clock, ManualClock},
    value::Value,
};

#[cfg(feature = "planted")]
use super::planted::Planted;
use super::{
    access::Registry,
    activities::SeenActivity,
    book::{Became, Book},
    deals::Sales,
    family::FamilyWorld,
    gate::SeededGate,
    notes::Notes,
    papers::Papers,
    trial::Met,
};

/// Requests take effect within this time of being sent, or never.
pub(crate) const T_EFFECT: SignedDuration = SignedDuration::from_secs(60);
/// Lists and the search index show a record after at most this.
pub(crate) const SETTLE: SignedDuration = SignedDuration::from_secs(30);
/// Records of the ERP become visible at most this long after their stamp.
pub(crate) const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// Both worlds. Clones share them.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) gate: SeededGate,
    state: Arc<Mutex<Worlds>>,
}

pub(crate) struct Worlds {
    pub(crate) rng: fastrand::Rng,
    pub(crate) parties: BTreeMap<i64, Vec<Version<ErpParty>>>,
    pub(crate) accounts: BTreeMap<i64, Vec<Version<ErpAccount>>>,
    pub(crate) orgs: BTreeMap<OrgId, Org>,
    /// Who belongs to whom, on both sides.
    pub(crate) family: FamilyWorld,
    /// What the ERP knows of customers beside its lists.
    pub(crate) book: Book,
    /// Deals, and what people decided about them.
    pub(crate) sales: Sales,
    /// Documents of the ERP.
    pub(crate) papers: Papers,
    /// What deals show of them.
    pub(crate) notes: Notes,
    /// Activities that we made, in their order.
    pub(crate) activities: Vec<(ActivityId, SeenActivity)>,
    pub(crate) page_size: usize,
    /// Subscriptions for webhooks.
    pub(crate) subscriptions: Vec<Subscription>,
    /// Tokens that were given for the CRM.
    pub(crate) access: Registry,
    /// Whether people label organizations, and the connector does too.
    pub(crate) labels: bool,
    /// Whether requests fail.
    pub(crate) faults: bool,
    /// Requests sent but not carried out yet, by ticket: a dying process leaves them behind.
    in_air: BTreeMap<u64, Effect>,
    /// Whether a process that was frozen goes on.
    pub(crate) thaws: bool,
    /// Requests that will be carried out later.
    late: Vec<(Timestamp, Effect)>,
    next_ticket: u64,
    next_org: i64,
    /// Organizations of known pairs, as of the last look at the store.
    pub(crate) paired: BTreeSet<OrgId>,
    pub(crate) created: Vec<(OrgId, PartyId)>,
    pub(crate) writes: Vec<SeenWrite>,
    pub(crate) reads: u64,
    /// Reads since the last time that somebody asked which there were.
    pub(crate) calls: Vec<&'static str>,
    pub(crate) looks: u64,
    /// Audits that came to their end.
    pub(crate) audits: u64,
    pub(crate) story: Vec<String>,
    pub(crate) violations: Vec<Violation>,
    /// Creates sent per party, whatever became of them.
    pub(crate) sent: BTreeMap<PartyId, u64>,
    /// Which fate met which step.
    pub(crate) met: Met,
    /// The bug of this life.
    #[cfg(feature = "planted")]
    pub(crate) planted: Planted,
}

/// A version of a record of the ERP.
#[derive(Debug, Clone)]
pub(crate) struct Version<T> {
    pub(crate) record: T,
    pub(crate) stamp: Timestamp,
    pub(crate) visible_at: Timestamp,
}

/// An organization and what lists and the index still say about it.
#[derive(Debug, Clone)]
pub(crate) struct Org {
    pub(crate) values: Values,
    pub(crate) updated_at: Timestamp,
    pub(crate) deleted: bool,
    /// What lists and search show: older versions until their time has come.
    pub(crate) shown: Vec<(Timestamp, Values, Timestamp)>,
    /// What we said about its handover.
    pub(crate) answers: Answers,
    /// Last change by a person, for telling races from idle writes.
    pub(crate) edited_at: Option<Timestamp>,
}

/// What a write does when it is carried out.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Create(Values),
    Update(OrgId, Vec<(Field, Option<Value>)>),
    /// Parent and daughter.
    Relate(OrgId, OrgId),
    Unrelate(RelationId),
    /// How a handover stands, on a deal or an organization.
    Answer(Told, BTreeMap<AnswerField, Option<String>>),
    /// An activity for the owner of a deal.
    Activity(Box<NewActivity>),
    ActivityChange(ActivityId, Box<ActivityChange>),
    /// What a deal shows of its documents.
    Show(DealId, Vec<FieldWrite>),
    CreateNote(DealId, String),
    UpdateNote(NoteId, String),
    DeleteNote(NoteId),
    TellOwner(Box<NewActivity>),
    EndActivity(ActivityId),
    /// A piece of a customer of the ERP, with the organization and the set that it is for, if they are known.
    Piece {
        piece: Box<Piece>,
        about: Option<(OrgId, SetId)>,
    },
}

impl Effect {
    /// The step that it is.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Create(_) => "create organization",
            Self::Update(..) => "update organization",
            Self::Relate(..) => "relate",
            Self::Unrelate(_) => "unrelate",
            Self::Answer(Told::Deal(_), _) => "answer on a deal",
            Self::Answer(Told::Org(_), _) => "answer on an organization",
            Self::Activity(_) => "make an activity",
            Self::ActivityChange(..) => "change an activity",
            Self::Show(..) => "show fields on a deal",
            Self::CreateNote(..) => "create note",
            Self::UpdateNote(..) => "update note",
            Self::DeleteNote(_) => "delete note",
            Self::TellOwner(_) => "tell the owner what is overdue",
            Self::EndActivity(_) => "end an activity",
            Self::Piece { piece, .. } => piece.kind().label(),
        }
    }
}

/// What is told how a handover stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Deal(DealId),
    Org(OrgId),
}

/// What a write that was carried out did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Landed {
    Org(OrgId),
    Relation(RelationId),
    Ended,
    Activity(ActivityId),
    Deal(DealId),
    Note(NoteId),
    Piece(Became),
    /// Nothing: it was refused.
    Refused,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    NotSent,
    LostBefore,
    LostAfter,
    Late,
    ServerError,
}

impl Fate {
    /// Its name in reports.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NotSent => "not sent",
            Self::LostBefore => "lost before",
            Self::LostAfter => "lost after",
            Self::Late => "late",
            Self::ServerError => "5xx",
        }
    }
}

/// Whether labels play a part in this life.
pub(crate) fn labels(seed: u64) -> bool {
    seed % 10 == 3
}

impl World {
    pub(crate) fn new(seed: u64, start: Timestamp) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let page_size = rng.usize(1..5);
        let state = Worlds {
            rng,
            parties: BTreeMap::new(),
            accounts: BTreeMap::new(),
            orgs: BTreeMap::new(),
            family: FamilyWorld::new(seed),
            book: Book::new(seed),
            sales: Sales::new(seed),
            papers: Papers::new(seed),
            notes: Notes::default(),
            activities: Vec::new(),
            subscriptions: Vec::new(),
            access: Registry::new(seed),
            labels: labels(seed),
            page_size,
            faults: true,
            in_air: BTreeMap::new(),
            thaws: false,
            late: Vec::new(),
            next_ticket: 0,
            next_org: 0,
            paired: BTreeSet::new(),
            created: Vec::new(),
            writes: Vec::new(),
            reads: 0,
            calls: Vec::new(),
            looks: 0,
            audits: 0,
            story: Vec::new(),
            violations: Vec::new(),
            sent: BTreeMap::new(),
            met: Met::new(),
            #[cfg(feature = "planted")]
            planted: Planted::default(),
        };
        Self {
            clock: ManualClock::at(start),
            gate: SeededGate::new(seed ^ 0x6761_7465),
            state: Arc::new(Mutex::new(state)),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Worlds> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves time; what was under way lands.
    pub(crate) fn advance_to(&self, to: Timestamp) {
        self.clock.advance_to(to);
        let now = self.now();
        let mut worlds = self.lock();
        worlds.late.sort_by_key(|(at, _)| *at);
        while worlds.late.first().is_some_and(|(at, _)| *at <= now) {
            let (at, effect) = worlds.late.remove(0);
            worlds.tell(at, "a late request lands".to_owned());
            worlds.carry_out(effect, at);
        }
    }

    /// The process died or froze: of its requests in the air some will land, some never.
    pub(crate) fn process_ended(&self, how: &str) {
        let now = self.now();
        let point = self.gate.last_point();
        let mut worlds = self.lock();
        worlds.tell(now, format!("the process {how} after {point}"));
        let in_air = std::mem::take(&mut worlds.in_air);
        for (_, effect) in in_air {
            worlds.meet(effect.label(), "died");
            if worlds.rng.bool() {
                let at = worlds.later(now);
                worlds.late.push((at, effect));
            } else {
                worlds.lose_effect(effect);
            }
        }
    }
}

impl Worlds {
    pub(crate) fn tell(&mut self, at: Timestamp, line: String) {
        self.story.push(format!("{at} {line}"));
    }

    /// Notes that something befell a step.
    pub(crate) fn meet(&mut self, step: &'static str, what: &'static str) {
        *self.met.entry((step, what)).or_default() += 1;
    }

    /// Draws what becomes of a request.
    pub(crate) fn fate(&mut self) -> Fate {
        if !self.faults {
            return Fate::Answered;
        }
        match self.rng.u32(..100) {
            0..84 => Fate::Answered,
            84..87 => Fate::NotSent,
            87..90 => Fate::LostBefore,
            90..94 => Fate::LostAfter,
            94..97 => Fate::Late,
            _ => Fate::ServerError,
        }
    }

    pub(crate) fn send(&mut self, effect: Effect) -> u64 {
        self.next_ticket += 1;
        self.in_air.insert(self.next_ticket, effect);
        self.next_ticket
    }

    /// Whether a request is still where its process left it; if that froze meanwhile, it is not.
    pub(crate) fn is_in_air(&self, ticket: u64) -> bool {
        self.in_air.contains_key(&ticket)
    }

    /// Takes a request out of the air and carries it out at once.
    fn land(&mut self, ticket: u64, now: Timestamp) -> Option<Landed> {
        let effect = self.in_air.remove(&ticket)?;
        self.carry_out(effect, now)
    }

    /// What a request did when it came to the other side, if it did.
    pub(crate) fn reach(&mut self, ticket: u64, fate: Fate, now: Timestamp) -> Option<Landed> {
        match fate {
            Fate::Answered | Fate::LostAfter => return self.land(ticket, now),
            Fate::Late => self.delay(ticket, now),
            Fate::NotSent => self.lose(ticket, false),
            Fate::LostBefore | Fate::ServerError => self.lose(ticket, true),
        }
        None
    }

    /// A request comes to nothing. `unsure`: nobody but an all-seeing observer knows.
    fn lose(&mut self, ticket: u64, unsure: bool) {
        if let Some(effect) = self.in_air.remove(&ticket).filter(|_| unsure) {
            self.lose_effect(effect);
        }
    }

    fn lose_effect(&mut self, effect: Effect) {
        if let Effect::Show(deal, writes) = effect {
            self.lose_fields(deal, &writes);
        }
    }

    fn delay(&mut self, ticket: u64, now: Timestamp) {
        if let Some(effect) = self.in_air.remove(&ticket) {
            let at = self.later(now);
            self.late.push((at, effect));
        }
    }

    fn later(&mut self, now: Timestamp) -> Timestamp {
        now + SignedDuration::from_millis(self.rng.i64(1..=59_000))
    }

    /// An organization that a person enters.
    pub(crate) fn enter_org(&mut self, values: Values, now: Timestamp) -> OrgId {
        self.next_org += 1;
        let id = OrgId(self.next_org);
        self.orgs.insert(id, Org::new(now));
        self.change_org(id, values, now);
        id
    }

    fn carry_out(&mut self, effect: Effect, now: Timestamp) -> Option<Landed> {
        match effect {
            Effect::Create(values) => {
                self.next_org += 1;
                let id = OrgId(self.next_org);
                let origin =
                    values.get(&Field::ErpCustomerId).and_then(|v| v.text().parse().ok()).map(PartyId);
                self.created.extend(origin.map(|party| (id, party)));
                let sent = values.iter().map(|(field, value)| (*field, Some(value.clone()))).collect();
                self.writes.push(SeenWrite { org: id, sent, before: Values::new(), raced: false });
                let stored: Values =
                    values.into_iter().map(|(field, value)| (field, own_form(field, value))).collect();
                self.tell(now, format!("organization {id} is created for party {origin:?}"));
                self.orgs.insert(id, Org::new(now));
                self.change_org(id, stored, now);
                Some(Landed::Org(id))
            }
            Effect::Update(id, changes) => {
                let org = self.orgs.get(&id)?.clone();
                if org.deleted {
                    return None;
                }
                let raced = org.edited_at.is_some_and(|at| now.duration_since(at) <= T_EFFECT + SETTLE);
                self.tell(now, format!("organization {id} is updated: {}", told(&changes)));
                self.writes.push(SeenWrite {
                    org: id,
                    sent: changes.clone(),
                    before: org.values.clone(),
                    raced,
                });
                let mut values = org.values;
                for (field, value) in changes {
                    match value {
                        Some(value) => values.insert(field, own_form(field, value)),
                        None => values.remove(&field),
                    };
                }
                self.change_org(id, values, now);
                Some(Landed::Org(id))
            }
            Effect::Relate(parent, daughter) => Some(self.relate(parent, daughter, now)),
            Effect::Unrelate(id) => Some(self.unrelate(id, now)),
            Effect::Answer(told, changes) => self.be_told(told, changes, now),
            Effect::Activity(new) => self.make_activity(&new, now),
            Effect::ActivityChange(id, change) => self.change_activity(id, &change, now),
            Effect::Show(deal, writes) => self.show(deal, &writes, now),
            Effect::CreateNote(deal, content) => self.make_note(deal, &content, now),
            Effect::UpdateNote(note, content) => self.rewrite_note(note, &content, now),
            Effect::DeleteNote(note) => self.drop_note(note, now),
            Effect::TellOwner(activity) => self.tell_owner(&activity, now),
            Effect::EndActivity(id) => self.end_activity(id, now),
            Effect::Piece { piece, about } => {
                let became = self.make(&piece, now);
                if !matches!(became, Became::Refused(_)) {
                    self.book.begun.extend(about);
                }
                Some(Landed::Piece(became))
            }
        }
    }

    /// Stores new values; lists and search learn of them a little later.
    pub(crate) fn change_org(&mut self, id: OrgId, values: Values, now: Timestamp) {
        let lag = SignedDuration::from_millis(self.rng.i64(0..28_000));
        let shown_at = if self.rng.bool() { now } else { now + lag };
        let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
        if let Some(org) = self.orgs.get_mut(&id) {
            org.updated_at = whole.max(org.updated_at);
            org.values = values.clone();
            org.shown.push((shown_at, values, org.updated_at));
        }
    }
}

impl Org {
    fn new(now: Timestamp) -> Self {
        Self {
            values: Values::new(),
            updated_at: now,
            deleted: false,
            shown: Vec::new(),
            answers: Answers::new(),
            edited_at: None,
        }
    }

    /// The newest version that lists show.
    pub(crate) fn listed(&self, now: Timestamp) -> Option<(&Values, Timestamp)> {
        if self.deleted {
            return None;
        }
        self.shown.iter().rev().find(|(at, ..)| *at <= now).map(|(_, values, updated)| (values, *updated))
    }
}

fn told(changes: &[(Field, Option<Value>)]) -> String {
    let parts: Vec<String> = changes
        .iter()
        .map(|(field, value)| format!("{}={:?}", field.key(), value.as_ref().map(Value::text)))
        .collect();
    parts.join(", ")
}

/// The form in which this CRM keeps telephone numbers: its own.
fn own_form(field: Field, value: Value) -> Value {
    match (field, value) {
        (Field::Phone, Value::Text(text)) => Value::Text(text.replace('-', " ")),
        (_, value) => value,
    }
}

pub(crate) fn lost(call: &'static str) -> CallError {
    CallError::in_doubt(call, ErrorKind::Transient { after: None }, "the connection broke")
}

pub(crate) fn not_sent(call: &'static str) -> CallError {
    CallError::without_effect(call, ErrorKind::Transient { after: None }, "no connection")
}
