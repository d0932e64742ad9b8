//! Which subscriptions for webhooks there shall be, and what follows from those that there are.
//!
//! Nothing edits a subscription: another secret means another address, a new subscription, and the end of the old one once
//! the new one has brought its first event. Until then both are valid.

use crate::{
    hooks::{HookEntity, Subscription},
    ids::SubscriptionId,
};

/// What there shall be: of each kind of record one subscription that delivers to the current address.
#[derive(Debug, Clone, Copy)]
pub struct SubscriptionWish<'a> {
    /// The kinds of records to be told of.
    pub entities: &'a [HookEntity],
    /// The address of the secret in use.
    pub address: &'a str,
    /// Addresses of secrets that are still valid.
    pub older: &'a [String],
    /// Whether one that is answered as if it did not know the secret may be replaced: not again and again.
    pub replace_refused: bool,
}

/// A subscription that we remember to have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSubscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Whether an event of it came in that somebody vouched for.
    pub proven: bool,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Remember one that is there: we made it and did not hear of it, or a person did.
    Adopt(SubscriptionId),
    /// Make the one that is missing.
    Create(HookEntity),
    /// End one.
    End(SubscriptionId, EndReason),
    /// Note that one is no longer there.
    Gone(SubscriptionId),
}

/// Why a subscription is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Another one delivers to the same address.
    Duplicate,
    /// Its secret was replaced, and the new one works.
    Replaced,
    /// Its secret is no longer valid.
    Expired,
    /// Somebody changed what it delivers, or switched it off.
    Changed,
    /// Its deliveries are refused: it has another user or password.
    Refused,
    /// Webhooks are not wanted any more.
    Unwanted,
}

impl EndReason {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Duplicate => "another one delivered to the same address",
            Self::Replaced => "its secret was replaced",
            Self::Expired => "its secret is no longer valid",
            Self::Changed => "somebody changed it or switched it off",
            Self::Refused => "its deliveries were refused",
            Self::Unwanted => "webhooks are not wanted any more",
        }
    }
}

/// What to do about the subscriptions that are there, in this order. `wish`: none if there shall be none.
///
/// Those of others are never touched: ours are those that we remember, and those that deliver to one of our addresses,
/// which nobody guesses.
#[must_use]
pub fn keep(
    wish: Option<&SubscriptionWish<'_>>,
    listed: &[Subscription],
    known: &[KnownSubscription],
) -> Vec<Keep> {
    let known_as = |id| known.iter().find(|known| known.id == id);
    let there = |id| listed.iter().any(|listed| listed.id == id && listed.active);
    let mut steps: Vec<Keep> =
        known.iter().filter(|known| !there(known.id)).map(|known| Keep::Gone(known.id)).collect();
    let Some(wish) = wish else {
        let ours = listed.iter().filter(|seen| known_as(seen.id).is_some() && seen.active);
        steps.extend(ours.map(|seen| Keep::End(seen.id, EndReason::Unwanted)));
        return steps;
    };
    let is_ours = |seen: &&Subscription| {
        known_as(seen.id).is_some() || seen.address == wish.address || wish.older.contains(&seen.address)
    };
    // What is listed as removed is there no longer, for whatever reason it is listed.
    let ours: Vec<&Subscription> = listed.iter().filter(is_ours).filter(|seen| seen.active).collect();
    let (mut first, mut ends) = (Vec::new(), Vec::new());
    for entity in wish.entities {
        let of_it: Vec<&Subscription> =
            ours.iter().copied().filter(|seen| seen.entity == Some(*entity)).collect();
        let (step, ended) = keep_one(wish, *entity, &of_it, known);
        first.extend(step);
        ends.extend(ended);
    }
    for seen in &ours {
        match seen.entity {
            Some(entity) if wish.entities.contains(&entity) => {}
            Some(_) => ends.push(Keep::End(seen.id, EndReason::Unwanted)),
            None => ends.push(Keep::End(seen.id, EndReason::Changed)),
        }
    }
    // First the new ones, so that nothing is lost in between; but without room for them, first make room.
    let made = first.iter().filter(|step| matches!(step, Keep::Create(_))).count();
    if made > 0 && listed.len() + made > crate::hooks::MOST_SUBSCRIPTIONS {
        steps.append(&mut ends);
    }
    steps.append(&mut first);
    steps.append(&mut ends);
    steps
}

/// What to do about those of ours that tell of one kind of record: about the one to keep, and about the others.
fn keep_one(
    wish: &SubscriptionWish<'_>,
    entity: HookEntity,
    ours: &[&Subscription],
    known: &[KnownSubscription],
) -> (Option<Keep>, Vec<Keep>) {
    let known_as = |id| known.iter().find(|known| known.id == id);
    let refused = |seen: &Subscription| wish.replace_refused && matches!(seen.answered, Some(401 | 403));
    let good = |seen: &&&Subscription| seen.address == wish.address && seen.complete && !refused(seen);
    // Of several the one that is known to work stays.
    let rank = |seen: &&&Subscription| {
        let known = known_as(seen.id);
        (!known.is_some_and(|known| known.proven), known.is_none(), seen.id)
    };
    let chosen = ours.iter().filter(good).min_by_key(rank).map(|seen| seen.id);
    let proven = chosen.and_then(known_as).is_some_and(|known| known.proven);
    let mut ends = Vec::new();
    for seen in ours.iter().filter(|seen| Some(seen.id) != chosen) {
        let reason = if seen.address == wish.address {
            match (seen.complete, refused(seen)) {
                (false, _) => EndReason::Changed,
                (true, true) => EndReason::Refused,
                (true, false) => EndReason::Duplicate,
            }
        } else if !wish.older.contains(&seen.address) {
            EndReason::Expired
        } else if proven {
            EndReason::Replaced
        } else {
            continue;
        };
        ends.push(Keep::End(seen.id, reason));
    }
    let step = match chosen {
        Some(id) if known_as(id).is_none() => Some(Keep::Adopt(id)),
        Some(_) => None,
        None => Some(Keep::Create(entity)),
    };
    (step, ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::HookEntity::{Deal, Organization};

    const ORGS: Keep = Keep::Create(Organization);

    const NEW: &str = "https://sync.example.com/hooks/acme/new";
    const OLD: &str = "https://sync.example.com/hooks/acme/old";

    fn at(id: i64, address: &str) -> Subscription {
        let (id, address) = (SubscriptionId(id), address.to_owned());
        let entity = Some(Organization);
        Subscription { id, address, entity, complete: true, active: true, answered: Some(200) }
    }

    fn known(id: i64, proven: bool) -> KnownSubscription {
        KnownSubscription { id: SubscriptionId(id), proven }
    }

    fn end(id: i64, reason: EndReason) -> Keep {
        Keep::End(SubscriptionId(id), reason)
    }

    fn steps(older: &[&str], listed: &[Subscription], known: &[KnownSubscription]) -> Vec<Keep> {
        let older: Vec<String> = older.iter().map(|text| (*text).to_owned()).collect();
        let wish = SubscriptionWish {
            entities: &[Organization],
            address: NEW,
            older: &older,
            replace_refused: true,
        };
        keep(Some(&wish), listed, known)
    }

    #[test]
    fn one_that_is_there_is_left_alone_and_one_that_is_missing_is_made() {
        let other = at(9, "https://elsewhere.example/hook");
        assert_eq!(steps(&[], std::slice::from_ref(&other), &[]), [ORGS]);
        assert_eq!(steps(&[], &[other.clone(), at(1, NEW)], &[known(1, true)]), []);
        assert_eq!(steps(&[], &[other.clone(), at(1, NEW)], &[]), [Keep::Adopt(SubscriptionId(1))]);
        let gone = Keep::Gone(SubscriptionId(1));
        assert_eq!(steps(&[], std::slice::from_ref(&other), &[known(1, true)]), [gone.clone(), ORGS]);
        let removed = Subscription { active: false, ..at(1, NEW) };
        assert_eq!(steps(&[], &[removed], &[known(1, true)]), [gone, ORGS]);
    }

    #[test]
    fn an_old_one_stays_until_the_new_one_has_brought_an_event() {
        let old = [known(1, true)];
        assert_eq!(steps(&[OLD], &[at(1, OLD)], &old), [ORGS]);
        let both = [at(1, OLD), at(2, NEW)];
        assert_eq!(steps(&[OLD], &both, &[known(1, true), known(2, false)]), []);
        let proven = [known(1, true), known(2, true)];
        assert_eq!(steps(&[OLD], &both, &proven), [end(1, EndReason::Replaced)]);
        // Who took the old secret away did not want to wait.
        assert_eq!(steps(&[], &[at(1, OLD)], &old), [ORGS, end(1, EndReason::Expired)]);
    }

    #[test]
    fn doubles_changed_and_refused_ones_are_ended_after_there_is_a_good_one() {
        let two = [at(1, NEW), at(2, NEW)];
        assert_eq!(steps(&[], &two, &[known(2, true)]), [end(1, EndReason::Duplicate)]);
        let changed = Subscription { complete: false, ..at(1, NEW) };
        assert_eq!(steps(&[], &[changed], &[known(1, true)]), [ORGS, end(1, EndReason::Changed)]);
        let refused = Subscription { answered: Some(401), ..at(1, NEW) };
        assert_eq!(
            steps(&[], std::slice::from_ref(&refused), &[known(1, false)]),
            [ORGS, end(1, EndReason::Refused)]
        );
        let wish =
            SubscriptionWish { entities: &[Organization], address: NEW, older: &[], replace_refused: false };
        assert_eq!(keep(Some(&wish), &[refused], &[known(1, false)]), [], "not again and again");
        let failing = Subscription { answered: Some(503), ..at(1, NEW) };
        assert_eq!(steps(&[], &[failing], &[known(1, true)]), []);
    }

    #[test]
    fn without_room_for_a_new_one_room_is_made_first() {
        let mut listed: Vec<Subscription> =
            (100..139).map(|id| at(id, "https://elsewhere.example")).collect();
        listed.push(at(1, OLD));
        assert_eq!(steps(&[], &listed, &[known(1, true)]), [end(1, EndReason::Expired), ORGS]);
    }

    #[test]
    fn where_none_is_wanted_only_those_that_we_made_are_ended() {
        let listed = [at(1, NEW), at(2, OLD), at(9, "https://elsewhere.example")];
        assert_eq!(
            keep(None, &listed, &[known(1, true), known(3, true)]),
            [Keep::Gone(SubscriptionId(3)), end(1, EndReason::Unwanted)]
        );
    }

    #[test]
    fn each_kind_of_record_has_one_of_its_own() {
        let both = |listed: &[Subscription], known: &[KnownSubscription]| {
            let entities = &[Organization, Deal];
            let wish = SubscriptionWish { entities, address: NEW, older: &[], replace_refused: true };
            keep(Some(&wish), listed, known)
        };
        let deals = |id| Subscription { entity: Some(Deal), ..at(id, NEW) };
        assert_eq!(both(&[], &[]), [ORGS, Keep::Create(Deal)]);
        assert_eq!(both(&[at(1, NEW)], &[known(1, true)]), [Keep::Create(Deal)]);
        assert_eq!(both(&[at(1, NEW), deals(2)], &[known(1, true), known(2, false)]), []);
        let twice = [at(1, NEW), deals(2), deals(3)];
        assert_eq!(both(&twice, &[known(1, true), known(3, true)]), [end(2, EndReason::Duplicate)]);
        // Deals are not asked for any more, and of other records nothing was ever asked.
        assert_eq!(steps(&[], &[at(1, NEW), deals(2)], &[known(1, true)]), [end(2, EndReason::Unwanted)]);
        let everything = Subscription { entity: None, ..at(4, NEW) };
        assert_eq!(steps(&[], &[at(1, NEW), everything], &[known(1, true)]), [end(4, EndReason::Changed)]);
    }
}
