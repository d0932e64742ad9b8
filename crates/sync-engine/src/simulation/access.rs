//! Access to the CRM in a life: an authorization server that rotates refresh tokens, and is strict about it. What a process shows
//! there, and how it keeps it, whoever lives the life brings along.
//!
//! A refresh token is good until something that was given for it is used: then it is dead, and so is what was given for it before,
//! to somebody else. An answer that is lost so does no harm, and one that is not kept before it is used does.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::ports::Called;

use super::{
    letterbox::House,
    life::Life,
    trial::Failure,
    world::{World, Worlds},
};

/// How long an access token lives: short, so that lives see many of them.
const LIFE: SignedDuration = SignedDuration::from_mins(7);

/// Whether processes of this life need access.
pub(crate) fn needed(seed: u64) -> bool {
    seed % 13 == 4
}

/// The authorization server, and the door that its tokens open.
#[derive(Clone)]
pub struct Office {
    world: World,
}

/// What is given for a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Opens the door.
    pub access: String,
    /// For the next time.
    pub refresh: String,
    /// How long the access token lives.
    pub life: SignedDuration,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// This.
    Said(T),
    /// No.
    Refused,
    /// It cannot say.
    Broken,
    /// Nothing that arrives.
    Lost,
}

/// What a process has to be let in.
#[async_trait]
pub trait Badge: Send + Sync {
    /// Is let in, with a new token if it takes one.
    ///
    /// # Errors
    /// When it is not.
    async fn show(&self) -> Called<()>;
}

/// Who makes them.
#[async_trait]
pub trait Access: Send + Sync {
    /// That of a new process of the house.
    fn begin(&self, house: House, office: Office) -> Arc<dyn Badge>;

    /// A person has given access: this refresh token is kept. Tells whether it is.
    async fn consent(&self, house: House, refresh: &str) -> bool;
}

/// All tokens that were given.
pub(crate) struct Registry {
    rng: fastrand::Rng,
    given: Vec<Given>,
    /// A person has yet to give access again.
    revoked: bool,
}

/// A refresh token with its access token.
struct Given {
    at: Timestamp,
    /// For which one it was given; none: by a person.
    from: Option<usize>,
    used: bool,
    /// The refresh token is good.
    refreshes: bool,
    /// The access token is good, unless it is too old.
    opens: bool,
}

impl Registry {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed ^ 0x6163_6365), given: Vec::new(), revoked: true }
    }

    fn give(&mut self, from: Option<usize>, at: Timestamp) -> Issued {
        let number = self.given.len();
        self.given.push(Given { at, from, used: false, refreshes: true, opens: true });
        Issued {
            access: format!("access-token-{number}"),
            refresh: format!("refresh-token-{number}"),
            life: LIFE,
        }
    }

    fn find(&self, text: &str, kind: &str) -> Option<usize> {
        let number = text.strip_prefix(kind)?.parse().ok()?;
        (number < self.given.len()).then_some(number)
    }

    /// Something that was given is used: what it was given for is over, and so is what was given for the same before.
    fn used(&mut self, number: usize) {
        let Some(given) = self.given.get_mut(number).filter(|given| !given.used) else { return };
        given.used = true;
        let Some(from) = given.from else { return };
        for (at, other) in self.given.iter_mut().enumerate().take(number) {
            other.refreshes &= at != from && other.from != Some(from);
        }
    }

    fn exchange(&mut self, refresh: &str, now: Timestamp) -> Option<Issued> {
        let number = self.find(refresh, "refresh-token-")?;
        self.given.get(number).filter(|given| given.refreshes)?;
        self.used(number);
        Some(self.give(Some(number), now))
    }

    fn opens(&mut self, access: &str, now: Timestamp) -> bool {
        let Some(number) = self.find(access, "access-token-") else { return false };
        let opens = self.given.get(number).is_some_and(|given| given.opens && now < given.at + LIFE);
        if opens {
            self.used(number);
        }
        opens
    }
}

impl Office {
    /// A refresh token is exchanged.
    pub async fn exchange(&self, refresh: &str) -> Answer<Issued> {
        // A process that freezes here would have sent already.
        self.world.gate.enter("token.send").await;
        let answer = self.world.lock().exchange(refresh, self.world.now());
        self.world.gate.enter("token.answer").await;
        answer
    }

    /// An access token is shown at the door.
    pub async fn admits(&self, access: &str) -> Answer<()> {
        self.world.gate.enter("door.send").await;
        self.world.lock().admits(access, self.world.now())
    }
}

impl Worlds {
    fn exchange(&mut self, refresh: &str, now: Timestamp) -> Answer<Issued> {
        let dice = if self.faults { self.access.rng.u32(..100) } else { 100 };
        let (what, answer) = match dice {
            0..5 => ("lost before", Answer::Lost),
            5..8 => ("5xx", Answer::Broken),
            _ => match self.access.exchange(refresh, now) {
                None => ("refused", Answer::Refused),
                Some(_) if dice < 16 => ("lost after", Answer::Lost),
                Some(issued) => ("answered", Answer::Said(issued)),
            },
        };
        self.meet("exchange a refresh token", what);
        self.tell(now, format!("{refresh} is exchanged: {what}"));
        answer
    }

    fn admits(&mut self, access: &str, now: Timestamp) -> Answer<()> {
        // An access token may end before its time.
        let ends = self.faults && self.access.rng.u32(..60) == 0;
        let ended = self.access.find(access, "access-token-").filter(|_| ends);
        if let Some(given) = ended.and_then(|number| self.access.given.get_mut(number)) {
            given.opens = false;
        }
        let opens = self.access.opens(access, now);
        self.meet("show an access token", if opens { "answered" } else { "refused" });
        if opens { Answer::Said(()) } else { Answer::Refused }
    }

    /// Somebody takes access away, now and then. Tells whether a person is to give it again now.
    fn access_wanted(&mut self, now: Timestamp) -> bool {
        let Registry { rng, given, revoked } = &mut self.access;
        if !*revoked && self.faults && rng.u32(..80) == 0 {
            *revoked = true;
            given.iter_mut().for_each(|given| (given.refreshes, given.opens) = (false, false));
            self.meet("access", "revoked");
            self.tell(now, "people: access is taken away".to_owned());
        }
        self.access.revoked && (!self.faults || self.access.given.is_empty() || self.access.rng.u32(..4) == 0)
    }
}

impl Life {
    /// What a process that begins now is let in with; none where everybody is.
    pub(super) fn badge(&self) -> Option<Arc<dyn Badge>> {
        let access = self.access.as_ref().filter(|_| needed(self.trial.seed))?;
        Some(access.begin(self.house(Arc::default()), Office { world: self.world.clone() }))
    }

    /// People take access away and give it again. `false`: the process died.
    pub(super) async fn give_access(&mut self) -> Result<bool, Failure> {
        let Some(access) = self.access.clone().filter(|_| needed(self.trial.seed)) else { return Ok(true) };
        let now = self.world.now();
        let issued = {
            let mut worlds = self.world.lock();
            worlds.access_wanted(now).then(|| worlds.access.give(None, now))
        };
        let Some(issued) = issued else { return Ok(true) };
        match self.world.gate.drive(access.consent(self.house(Arc::default()), &issued.refresh)).await {
            None => Ok(false),
            Some(false) => Err(self.failure("access that a person gave is not kept")),
            Some(true) => {
                let mut worlds = self.world.lock();
                worlds.access.revoked = false;
                worlds.meet("access", "answered");
                worlds.tell(now, format!("people: access is given: {}", issued.refresh));
                Ok(true)
            }
        }
    }
}
