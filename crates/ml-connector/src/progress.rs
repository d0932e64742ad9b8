//! Progress for people: one bar for what is read, one for what is done, and a line for what keeps us waiting.

use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sync_engine::audit::Audited;
use sync_engine::{Event, Watch};
use sync_store::Outcome;

use crate::output::talk;

/// Progress bars on stderr; nothing when stderr is no terminal or nobody wants them.
pub struct Progress {
    reading: ProgressBar,
    done: ProgressBar,
    tally: Mutex<[u64; 5]>,
}

impl Progress {
    /// Bars for the connection of this name.
    pub fn new(name: &str, wanted: bool) -> Self {
        let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let style = |template: &str| {
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let reading = bars.add(ProgressBar::no_length());
        reading.set_style(style("{prefix:>12} read  {pos:>7} records  {msg}"));
        reading.set_prefix(name.to_owned());
        let done = bars.add(ProgressBar::new(0));
        done.set_style(style("{prefix:>12} done  [{bar:40}] {pos}/{len}  {msg}"));
        done.set_prefix(String::new());
        Self { reading, done, tally: Mutex::new([0; 5]) }
    }

    fn count(&self, outcome: Outcome) {
        let mut tally = self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let index = match outcome {
            Outcome::Created => 0,
            Outcome::Updated => 1,
            Outcome::Unchanged => 2,
            Outcome::Held => 3,
            Outcome::Failed => 4,
        };
        tally[index] += 1;
        let [created, updated, unchanged, held, failed] = *tally;
        self.done.set_message(format!(
            "{created} created, {updated} updated, {unchanged} unchanged, {held} held, {failed} failed"
        ));
    }
}

impl Watch for Progress {
    fn see(&self, event: Event) {
        match event {
            Event::Page { stream, rows, .. } => {
                self.reading.inc(rows as u64);
                self.reading.set_message(stream);
            }
            Event::Backlog { keys } => self.done.set_length(self.done.position() + keys),
            Event::Outcome { party: _, outcome } => {
                self.done.inc(1);
                self.count(outcome);
            }
            Event::InDoubt { writes, until } => {
                self.reading.set_message(format!(
                    "{writes} writes without an answer are looked for again at {until:.0}"
                ));
            }
            Event::Paused(pause) => {
                self.reading.set_message(format!("waiting until {:.0}: {}", pause.until, pause.error));
            }
            Event::Unreadable { stream, record } => {
                self.reading.set_message(format!("{stream}: a record cannot be read: {}", record.reason));
            }
            Event::Implausible { stream, known: 0, .. } => talk(format!(
                "{stream}: the ERP shows no record at all; does our user have the roles to see customers?"
            )),
            Event::Implausible { stream, known, unseen } => talk(format!(
                "{stream}: {unseen} of {known} records are gone at once, which is not believed; was a role taken away?"
            )),
            Event::Audited(Audited { found: 0, .. }) => {}
            Event::Audited(Audited { customers, found, .. }) => talk(format!(
                "the audit of {customers} customers found {found} that differ and that nobody worked on; they are in the queue now"
            )),
            Event::Stuck { stream } => self.reading.set_message(format!("{stream}: a page leads nowhere")),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.reading.finish_and_clear();
        self.done.finish_and_clear();
    }
}
