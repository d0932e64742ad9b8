//! Burst windows: so many requests in any two seconds, fewer of them searches (pipedrive.md 3.3).
//!
//! A request counts from the moment it is sent until one window after its answer came: wherever in between the
//! server counted it, no window of the server's holds more than the limit. Permits hold a place for one window.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::SignedDuration;
use sync_core::{
    budget::{BURST_WINDOW, Class},
    ports::Clock,
};
use tokio::sync::Notify;

use crate::Sleeper;

/// Keeps requests within the burst windows of one connection.
#[derive(Clone)]
pub struct Pacer {
    shared: Arc<Shared>,
    sleeper: Arc<dyn Sleeper>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    windows: Mutex<Windows>,
    freed: Notify,
}

struct Windows {
    all: Window,
    searches: Window,
    /// Places held for permits, by the time at which they lapse.
    promised: VecDeque<SignedDuration>,
    /// Who waits for a place, and who for a place to search.
    waiting: BTreeMap<(Class, bool), usize>,
    /// Nobody enters before this.
    closed_until: SignedDuration,
}

struct Window {
    limit: usize,
    in_flight: usize,
    /// Answered requests, by the time at which no window can hold them any more.
    cooling: VecDeque<SignedDuration>,
}

/// Of so many places one is kept for urgent requests.
const KEPT_FOR_URGENT: usize = 10;

/// A place in the windows, held while a request is under way.
pub struct Held {
    shared: Arc<Shared>,
    search: bool,
    sent: bool,
}

impl Pacer {
    /// `burst` requests a window, `search_burst` of them searches; at least one of each.
    pub fn new(burst: u32, search_burst: u32, clock: Arc<dyn Clock>, sleeper: Arc<dyn Sleeper>) -> Self {
        let windows = Windows {
            all: Window::new(burst),
            searches: Window::new(search_burst),
            promised: VecDeque::new(),
            waiting: BTreeMap::new(),
            closed_until: SignedDuration::ZERO,
        };
        Self {
            shared: Arc::new(Shared { clock, windows: Mutex::new(windows), freed: Notify::new() }),
            sleeper,
        }
    }

    /// Waits for a place. Whoever is more urgent comes first, unless it waits for a search and the search window is
    /// full.
    pub async fn slot(&self, class: Class, search: bool) -> Held {
        self.wait(class, search, |windows, _| windows.enter(class, search)).await;
        Held { shared: Arc::clone(&self.shared), search, sent: false }
    }

    /// Promises up to `wanted` places, as many as are free; waits for at least one. Unused promises lapse after
    /// one window.
    pub async fn promise(&self, class: Class, wanted: usize) -> usize {
        let mut promised = 0;
        self.wait(class, false, |windows, now| {
            promised = windows.free_for(class).min(wanted);
            for _ in 0..promised {
                windows.promised.push_back(now + BURST_WINDOW);
            }
            promised > 0 || wanted == 0
        })
        .await;
        promised
    }

    /// Waits until there is a place for this class, and takes none: whoever stops waiting has lost nothing.
    pub async fn room(&self, class: Class) {
        self.wait(class, false, |windows, _| windows.free_for(class) > 0).await;
    }

    /// Takes back promises that will not be used.
    pub fn withdraw(&self, count: usize) {
        let mut windows = self.shared.lock();
        let kept = windows.promised.len().saturating_sub(count);
        windows.promised.truncate(kept);
        drop(windows);
        self.shared.freed.notify_waiters();
    }

    /// Turns a promise into a place; waits for one if the promise has lapsed.
    pub async fn redeem(&self, class: Class) -> Held {
        let redeemed = {
            let mut windows = self.shared.lock();
            windows.tidy(self.shared.clock.monotonic());
            let promise = windows.promised.pop_front();
            windows.all.in_flight += usize::from(promise.is_some());
            promise.is_some()
        };
        if !redeemed {
            return self.slot(class, false).await;
        }
        Held { shared: Arc::clone(&self.shared), search: false, sent: false }
    }

    /// Requests that a window may hold.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.shared.lock().all.limit
    }

    /// Changes that, for a remote system that says what its limit is.
    pub fn set_limit(&self, limit: u32) {
        self.shared.lock().all.limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
        self.shared.freed.notify_waiters();
    }

    /// Lets nobody in for this long: the remote system said that there were too many.
    pub fn close(&self, wait: SignedDuration) {
        let mut windows = self.shared.lock();
        windows.closed_until = windows.closed_until.max(self.shared.clock.monotonic() + wait);
    }

    /// How long nobody is let in, if that is so.
    #[must_use]
    pub fn closed_for(&self) -> Option<SignedDuration> {
        let left = self.shared.lock().closed_until - self.shared.clock.monotonic();
        (left > SignedDuration::ZERO).then_some(left)
    }

    async fn wait(
        &self,
        class: Class,
        search: bool,
        mut attempt: impl FnMut(&mut Windows, SignedDuration) -> bool,
    ) {
        let mut waiter = Waiter { shared: &self.shared, key: (class, search), counted: false };
        let mut stood_aside: Option<SignedDuration> = None;
        loop {
            let freed = self.shared.freed.notified();
            let pause = {
                let mut windows = self.shared.lock();
                let now = self.shared.clock.monotonic();
                windows.tidy(now);
                // Whoever is more urgent but does not come (nobody drives it) blocks us for one window at most.
                let until = *stood_aside.get_or_insert(now + BURST_WINDOW);
                let room = windows.free_for(class) > 0 && now >= windows.closed_until;
                let overtaken = room && now < until && windows.wanted_by_more_urgent(class);
                if !room {
                    stood_aside = None;
                }
                if !overtaken && now >= windows.closed_until && attempt(&mut windows, now) {
                    return;
                }
                if !waiter.counted {
                    *windows.waiting.entry(waiter.key).or_default() += 1;
                    waiter.counted = true;
                }
                if overtaken { Some(until - now) } else { windows.next_change(now).map(|at| at - now) }
            };
            tracing::trace!(?class, ?pause, "waits for a burst slot");
            match pause {
                Some(pause) => {
                    let pause = self.sleeper.sleep(pause.max(SignedDuration::from_millis(1)));
                    // Whichever comes first.
                    futures::future::select(Box::pin(freed), pause).await;
                }
                None => freed.await,
            }
        }
    }
}

/// Somebody who waits; no longer counted when gone.
struct Waiter<'a> {
    shared: &'a Shared,
    key: (Class, bool),
    counted: bool,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.counted {
            let mut windows = self.shared.lock();
            if let Some(count) = windows.waiting.get_mut(&self.key) {
                *count = count.saturating_sub(1);
            }
            drop(windows);
            self.shared.freed.notify_waiters();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Windows {
    fn tidy(&mut self, now: SignedDuration) {
        for times in [&mut self.all.cooling, &mut self.searches.cooling, &mut self.promised] {
            while times.front().is_some_and(|at| *at <= now) {
                times.pop_front();
            }
        }
    }

    /// Places free in the general window, after tidying.
    fn free(&self) -> usize {
        self.all.limit.saturating_sub(self.all.used() + self.promised.len())
    }

    /// Of these a class may take: the last places are for urgent ones, so that bulk work never makes them wait for a window.
    fn free_for(&self, class: Class) -> usize {
        let kept = if class == Class::Urgent { 0 } else { self.all.limit / KEPT_FOR_URGENT };
        self.free().saturating_sub(kept)
    }

    fn enter(&mut self, class: Class, search: bool) -> bool {
        if self.free_for(class) == 0 || (search && self.searches.used() >= self.searches.limit) {
            return false;
        }
        self.all.in_flight += 1;
        self.searches.in_flight += usize::from(search);
        true
    }

    /// Whether somebody more urgent waits who could take the next place.
    fn wanted_by_more_urgent(&self, class: Class) -> bool {
        let no_search = self.searches.used() >= self.searches.limit;
        let more_urgent = self.waiting.range(..(class, false));
        let mut could = more_urgent.filter(|((_, search), count)| **count > 0 && !(*search && no_search));
        could.next().is_some()
    }

    fn next_change(&self, now: SignedDuration) -> Option<SignedDuration> {
        let fronts =
            [&self.all.cooling, &self.searches.cooling, &self.promised].map(|times| times.front().copied());
        let opens = (self.closed_until > now).then_some(self.closed_until);
        fronts.into_iter().chain([opens]).flatten().min()
    }
}

impl Window {
    fn new(limit: u32) -> Self {
        let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
        Self { limit, in_flight: 0, cooling: VecDeque::new() }
    }

    fn used(&self) -> usize {
        self.in_flight + self.cooling.len()
    }

    fn leave(&mut self, free_at: Option<SignedDuration>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.cooling.extend(free_at);
    }
}

impl Held {
    /// To be called just before the request leaves: from now on the place is used, whatever happens.
    pub fn sent(&mut self) {
        self.sent = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let free_at = self.sent.then(|| self.shared.clock.monotonic() + BURST_WINDOW);
        let mut windows = self.shared.lock();
        windows.all.leave(free_at);
        if self.search {
            windows.searches.leave(free_at);
        }
        drop(windows);
        self.shared.freed.notify_waiters();
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("search", &self.search).field("sent", &self.sent).finish()
    }
}

#[cfg(test)]
mod tests {
    use sync_core::ports::ManualClock;

    use super::*;
    use crate::VirtualSleeper;

    fn pacer(burst: u32, search: u32) -> (Pacer, ManualClock) {
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let sleeper = Arc::new(VirtualSleeper::of(clock.clone()));
        (Pacer::new(burst, search, Arc::new(clock.clone()), sleeper), clock)
    }

    async fn request(pacer: &Pacer, search: bool) {
        pacer.slot(Class::Edit, search).await.sent();
    }

    #[tokio::test]
    async fn no_two_seconds_hold_more_than_the_limit() {
        let (pacer, clock) = pacer(3, 10);
        let begin = clock.now();
        let mut seconds = Vec::new();
        for _ in 0..9 {
            request(&pacer, false).await;
            seconds.push(clock.now().duration_since(begin).as_secs());
        }
        assert_eq!(seconds, [0, 0, 0, 2, 2, 2, 4, 4, 4]);
    }

    #[tokio::test]
    async fn the_last_places_are_kept_for_urgent_requests() {
        let (pacer, clock) = pacer(20, 10);
        let begin = clock.now();
        assert_eq!(pacer.promise(Class::Backfill, 50).await, 18);
        for _ in 0..2 {
            pacer.slot(Class::Urgent, false).await.sent();
        }
        assert_eq!(clock.now(), begin, "they did not wait");
        pacer.withdraw(18);
        pacer.room(Class::Backfill).await;
        assert_eq!(clock.now(), begin);
        assert_eq!(pacer.promise(Class::NewCustomer, 50).await, 16, "and looking for room took none");
        pacer.room(Class::Backfill).await;
        assert!(clock.now() > begin, "it was waited for");
    }

    #[tokio::test]
    async fn searches_have_a_window_of_their_own() {
        let (pacer, clock) = pacer(100, 2);
        let begin = clock.now();
        for _ in 0..4 {
            request(&pacer, true).await;
        }
        request(&pacer, false).await;
        assert_eq!(clock.now().duration_since(begin), BURST_WINDOW);
    }

    #[tokio::test]
    async fn a_slow_request_keeps_its_place_until_a_window_after_its_answer() {
        let (pacer, clock) = pacer(1, 1);
        let mut slow = pacer.slot(Class::Edit, false).await;
        slow.sent();
        clock.advance(SignedDuration::from_secs(5));
        drop(slow);
        let answered = clock.now();
        request(&pacer, false).await;
        assert_eq!(clock.now().duration_since(answered), BURST_WINDOW);
    }

    #[tokio::test]
    async fn promises_hold_places_until_used_or_lapsed() {
        let (pacer, clock) = pacer(4, 1);
        let begin = clock.now();
        assert_eq!(pacer.promise(Class::Edit, 3).await, 3);
        request(&pacer, false).await;
        let mut redeemed = pacer.redeem(Class::Edit).await;
        redeemed.sent();
        assert_eq!(clock.now(), begin, "a promise is a place");
        drop(redeemed);
        request(&pacer, false).await;
        assert_eq!(clock.now().duration_since(begin), BURST_WINDOW, "the others wait until promises lapse");
    }

    #[tokio::test]
    async fn what_was_not_sent_frees_its_place_at_once() {
        let (pacer, clock) = pacer(2, 1);
        let begin = clock.now();
        drop(pacer.slot(Class::Edit, false).await);
        assert_eq!(pacer.promise(Class::Edit, 9).await, 2);
        pacer.withdraw(1);
        request(&pacer, false).await;
        assert_eq!(clock.now(), begin);
    }

    /// Returns when the test has moved the clock far enough.
    struct Patient(ManualClock);

    #[async_trait::async_trait]
    impl Sleeper for Patient {
        async fn sleep(&self, wait: SignedDuration) {
            let until = self.0.now() + wait;
            while self.0.now() < until {
                tokio::task::yield_now().await;
            }
        }
    }

    fn patient(burst: u32, search: u32) -> (Pacer, ManualClock) {
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let sleeper = Arc::new(Patient(clock.clone()));
        (Pacer::new(burst, search, Arc::new(clock.clone()), sleeper), clock)
    }

    #[tokio::test]
    async fn the_more_urgent_come_first_whoever_asked_first() {
        let (pacer, clock) = patient(1, 1);
        request(&pacer, false).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let ask = |class: Class| {
            let (pacer, order) = (pacer.clone(), Arc::clone(&order));
            async move {
                let mut held = pacer.slot(class, false).await;
                order.lock().unwrap().push(class);
                held.sent();
            }
        };
        let time = async {
            while order.lock().unwrap().len() < 4 {
                tokio::task::yield_now().await;
                clock.advance(SignedDuration::from_millis(10));
            }
        };
        let asked = [Class::Backfill, Class::Edit, Class::Urgent, Class::NewCustomer].map(ask);
        futures::join!(futures::future::join_all(asked), time);
        let order = order.lock().unwrap().clone();
        assert_eq!(order, [Class::Urgent, Class::NewCustomer, Class::Edit, Class::Backfill]);
    }

    #[tokio::test]
    async fn who_waits_for_a_search_does_not_keep_others_from_other_calls() {
        let (pacer, _clock) = patient(10, 1);
        request(&pacer, true).await;
        let mut search = Box::pin(pacer.slot(Class::Urgent, true));
        assert!(futures::poll!(search.as_mut()).is_pending());
        let mut edit = Box::pin(pacer.slot(Class::Edit, false));
        assert!(futures::poll!(edit.as_mut()).is_ready());
    }

    #[tokio::test]
    async fn somebody_urgent_whom_nobody_drives_blocks_the_others_for_one_window_only() {
        let (pacer, clock) = patient(1, 1);
        request(&pacer, false).await;
        let mut forgotten = Box::pin(pacer.slot(Class::Urgent, false));
        assert!(futures::poll!(forgotten.as_mut()).is_pending());
        clock.advance(BURST_WINDOW);
        let mut edit = Box::pin(pacer.slot(Class::Edit, false));
        assert!(futures::poll!(edit.as_mut()).is_pending(), "it stands aside");
        clock.advance(BURST_WINDOW);
        edit.await.sent();
    }

    #[tokio::test]
    async fn a_closed_door_opens_in_time() {
        let (pacer, clock) = pacer(5, 1);
        let begin = clock.now();
        pacer.close(SignedDuration::from_secs(3));
        assert_eq!(pacer.closed_for(), Some(SignedDuration::from_secs(3)));
        request(&pacer, false).await;
        assert_eq!(clock.now().duration_since(begin), SignedDuration::from_secs(3));
        assert_eq!(pacer.closed_for(), None);
    }

    #[tokio::test]
    async fn whoever_waits_for_requests_in_flight_is_woken() {
        let (pacer, _clock) = pacer(1, 1);
        let held = pacer.slot(Class::Edit, false).await;
        let waiting = tokio::spawn({
            let pacer = pacer.clone();
            async move { pacer.slot(Class::Edit, false).await }
        });
        tokio::task::yield_now().await;
        drop(held);
        waiting.await.unwrap();
    }
}
