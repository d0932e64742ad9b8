//! Reading what is due without moving anything: pages are staged and their keys enqueued, but where reading stands is
//! only remembered for as long as the survey lives. What the next run reads is the same again.
//!
//! What a walk did not see is not declared missing here: that would be counted twice when the next run walks.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    poll::Progress,
    ports::{LinkPage, Missing},
};
use sync_store::StagedKind;

use crate::{
    Engine, EngineError,
    crm_stream::{StageRules, end_of, stage_orgs},
    deal_stream::{self, deals_page},
    erp_stream::{asking, keys_of, kind_of, with_targets},
    handover::{BEGUN, Begun},
    likeness::stage,
    pause::Side,
    relation_stream::{Passed, enqueue_daughters, rows_of},
    streams::{CrmCursor, CrmStream, ErpStream, RelationCursor, RelationStream, Stream},
};

/// Rows of a survey belong to no sweep.
const NO_SWEEP: i64 = 0;

/// Where reading stands, in memory only.
#[derive(Debug, Default)]
pub struct Survey {
    /// Custom fields that the CRM does not have yet; none while that is not known.
    missing: Option<Missing>,
    accounts: ErpStream,
    parties: ErpStream,
    /// None where the policy does not ask for parents and daughters.
    relations: Option<RelationStream>,
    orgs: CrmStream,
    /// None where nothing is handed over.
    deals: Option<CrmStream>,
    /// From when on won deals count by themselves.
    since: Option<Timestamp>,
}

impl Survey {
    /// Custom fields that a sync would create; none while that is not known.
    #[must_use]
    pub fn missing(&self) -> Option<&Missing> {
        self.missing.as_ref()
    }
}

impl Engine {
    /// Begins a survey of what a sync would read now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn begin_survey(&mut self) -> Result<Survey, EngineError> {
        self.poll_now();
        let mut tx = self.store.read(self.connection()).await?;
        let relations = match self.settings.policy.hierarchy {
            Some(_) => Some(tx.cursor(Stream::Relations.name()).await?.unwrap_or_default()),
            None => None,
        };
        let deals = match self.handing {
            // Open deals are read for documents alone, which no plan shows.
            Some(_) => {
                let state: CrmStream = tx.cursor(Stream::Deals.name()).await?.unwrap_or_default();
                let mut state = CrmStream { with_open: true, ..state };
                if std::mem::take(&mut state.in_open) {
                    state.restart();
                }
                Some(state)
            }
            None => {
                self.forced.retain(|forced| *forced != Stream::Deals);
                None
            }
        };
        let begun: Option<Begun> = tx.cursor(BEGUN).await?;
        Ok(Survey {
            missing: None,
            relations,
            deals,
            since: begun.map(|begun| begun.since),
            accounts: tx.cursor(Stream::Accounts.name()).await?.unwrap_or_default(),
            parties: tx.cursor(Stream::Parties.name()).await?.unwrap_or_default(),
            orgs: tx.cursor(Stream::Orgs.name()).await?.unwrap_or_default(),
        })
    }

    /// Reads the next page that is due. Tells whether it tried. Never sleeps.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process. Failed remote calls are no errors.
    pub async fn survey(&mut self, survey: &mut Survey, now: Timestamp) -> Result<bool, EngineError> {
        self.check_lease()?;
        Ok(self.index_likeness(now).await?
            || self.survey_fields(survey, now).await
            || self.prepare_erp(now).await
            || self.survey_erp(survey, now).await?
            || self.read_terms(now).await?
            || self.survey_relations(survey, now).await?
            || self.survey_deals(survey, now).await?
            || self.survey_crm(survey, now).await?)
    }

    /// Whether everything that was due is read.
    #[must_use]
    pub fn has_surveyed(&self, survey: &Survey) -> bool {
        let Survey { missing, accounts, parties, relations, orgs, deals, since: _ } = survey;
        let idle = |stream: &CrmStream| matches!(stream.cursor, CrmCursor::Idle { .. }) && !stream.again;
        let resting = [accounts, parties].into_iter().all(|stream| !stream.has_work())
            && relations.is_none_or(|relations| relations.cursor == RelationCursor::Idle);
        missing.is_some()
            && self.forced.is_empty()
            && resting
            && (self.terms_checked || !self.wants_terms())
            && idle(orgs)
            && deals.as_ref().is_none_or(idle)
    }

    async fn survey_fields(&mut self, survey: &mut Survey, now: Timestamp) -> bool {
        if survey.missing.is_some() || self.is_paused(Side::Crm, now) {
            return false;
        }
        match self.crm.survey().await {
            Ok(missing) => {
                survey.missing = Some(missing);
                self.crm_pauses.answered();
            }
            Err(error) => self.crm_failed(Class::Urgent, &error),
        }
        true
    }

    async fn survey_erp(&mut self, survey: &mut Survey, now: Timestamp) -> Result<bool, EngineError> {
        if !self.erp_is_open(now) {
            return Ok(false);
        }
        for stream in [Stream::Accounts, Stream::Parties] {
            let place = if stream == Stream::Accounts { &mut survey.accounts } else { &mut survey.parties };
            if let Some(mut state) = self.due(stream, *place, now) {
                self.survey_erp_page(stream, &mut state, now).await?;
                *place = state;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn survey_erp_page(
        &mut self,
        stream: Stream,
        state: &mut ErpStream,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let Some(page) = self.erp_page(stream, state).await? else { return Ok(()) };
        let (class, origin) = asking(state);
        let repeating = state.repeating;
        let progress = state.cursor.after_page(page.end, page.server_now, self.settings.pace);
        state.passes(progress, now);
        let kind = kind_of(stream);

        let mut tx = self.write().await?;
        let mut changed = stage(&mut tx, kind, &page.rows, now, NO_SWEEP).await?;
        if repeating {
            changed.extend(page.all());
        }
        // Once staged, the next run will believe it unchanged: only the key tells it to look.
        let keys = with_targets(&mut tx, keys_of(kind, &changed)).await?;
        tx.enqueue(&keys, class, now, origin).await?;
        self.enqueue_daughters_of(&mut tx, kind, &keys, class, now).await?;
        tx.commit().await?;

        let complete = !state.has_work();
        if complete {
            self.forced.retain(|forced| *forced != stream);
        }
        self.tell_page(stream, page.rows.len(), keys.len(), complete, page.lost);
        if progress == Progress::Stuck {
            self.tell_stuck(stream);
        }
        Ok(())
    }

    async fn survey_relations(&mut self, survey: &mut Survey, now: Timestamp) -> Result<bool, EngineError> {
        let (Some(rule), Some(state)) = (self.settings.policy.hierarchy.clone(), survey.relations) else {
            return Ok(false);
        };
        if !self.erp_is_open(now) {
            return Ok(false);
        }
        let Some((mut state, after)) = state.due(self.settings.sweep_every, now) else { return Ok(false) };
        let LinkPage { rows, last, more, server_now } = match self.erp.links(after).await {
            Ok(page) => page,
            Err(error) => {
                self.side_failed(Side::Erp, &error);
                return Ok(true);
            }
        };
        self.erp_pauses.answered();
        let (rows, lost) = rows_of(&rule, rows, server_now);
        let passed = state.passes(after, last, more, now);
        let mut tx = self.write().await?;
        let changed = stage(&mut tx, StagedKind::Relation, &rows, now, NO_SWEEP).await?;
        let keys = enqueue_daughters(&mut tx, &changed, now).await?;
        tx.commit().await?;
        self.tell_page(Stream::Relations, rows.len(), keys, passed == Passed::All, lost);
        if passed == Passed::Nothing {
            self.tell_stuck(Stream::Relations);
        }
        survey.relations = Some(state);
        Ok(true)
    }

    async fn survey_crm(&mut self, survey: &mut Survey, now: Timestamp) -> Result<bool, EngineError> {
        if survey.missing.is_none() || self.is_paused(Side::Crm, now) {
            return Ok(false);
        }
        let Some(mut state) = self.due_orgs(survey.orgs.clone(), now) else { return Ok(false) };
        let read_at = self.clock.now();
        match self.crm_page(&state).await {
            Some(Ok(page)) => {
                let (end, repeating) = (end_of(&page), state.repeating);
                state.passes(end, self.settings.pace.safety, now);
                let mut tx = self.write().await?;
                let rules = self.stage_rules();
                let watched = rules.watched.map(|watched| watched.counting(survey.since));
                let rules = StageRules { sweep: NO_SWEEP, repeating, watched, ..rules };
                let staged = stage_orgs(&mut tx, page, read_at, rules).await?;
                tx.enqueue(&staged.keys, Class::Edit, now, "crm poll").await?;
                tx.commit().await?;
                let complete = matches!(state.cursor, CrmCursor::Idle { .. });
                if complete {
                    self.forced.retain(|forced| *forced != Stream::Orgs);
                }
                self.tell_page(Stream::Orgs, staged.rows, staged.keys.len(), complete, staged.lost);
            }
            Some(Err(error)) if error.kind == ErrorKind::Rejected => state.restart(),
            Some(Err(error)) if error.kind == ErrorKind::UnknownField => survey.missing = None,
            Some(Err(_)) | None => {}
        }
        survey.orgs = state;
        Ok(true)
    }

    /// Deals are staged, and those that count by themselves ask for a look, as in a run: it would not see them change again.
    async fn survey_deals(&mut self, survey: &mut Survey, now: Timestamp) -> Result<bool, EngineError> {
        let (Some(handing), Some(state)) = (self.handing.clone(), survey.deals.clone()) else {
            return Ok(false);
        };
        if survey.missing.is_none() || self.is_paused(Side::Crm, now) {
            return Ok(false);
        }
        let Some(mut state) = self.due_in(Stream::Deals, state, now) else { return Ok(false) };
        let read_at = self.clock.now();
        match deals_page(handing.crm.as_ref(), &state).await {
            Some(Ok(page)) => {
                self.crm_pauses.answered();
                let (end, rows) = (deal_stream::end_of(&page), page.rows.len());
                state.passes(end, self.settings.pace.safety, now);
                let mut tx = self.write().await?;
                let since = survey.since.unwrap_or(Timestamp::MAX);
                let staged = self.stage_listed_deals(&mut tx, page, (read_at, NO_SWEEP), since).await?;
                tx.commit().await?;
                let complete = matches!(state.cursor, CrmCursor::Idle { .. });
                if complete {
                    self.forced.retain(|forced| *forced != Stream::Deals);
                }
                self.tell_page(Stream::Deals, rows, staged.asked, complete, Vec::new());
            }
            Some(Err(error)) if error.kind == ErrorKind::Rejected => {
                // A cursor that the CRM no longer understands: the stretch is read again, after a while.
                state.restart();
                self.crm_failed(state.class(), &CallError { kind: ErrorKind::Unreadable, ..error });
            }
            Some(Err(error)) => self.crm_failed(state.class(), &error),
            None => {}
        }
        survey.deals = Some(state);
        Ok(true)
    }

    /// Whether a side is left alone, for whatever class.
    fn is_paused(&self, side: Side, now: Timestamp) -> bool {
        self.pauses(now).iter().any(|pause| pause.side == side)
    }
}
