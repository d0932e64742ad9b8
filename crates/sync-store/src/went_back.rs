//! What is said of times that have not come, when a clock was moved backwards.

use jiff::Timestamp;
use serde_json::Value;

use crate::{StoreError, Tx};

/// When something is looked at: table and column.
const DUE: [&str; 5] = [
    "UPDATE job SET due_at = $2 WHERE connection_id = $1 AND due_at > $2",
    "UPDATE handover SET due_at = $2 WHERE connection_id = $1 AND due_at > $2",
    "UPDATE handover SET show_at = $2 WHERE connection_id = $1 AND show_at > $2",
    "UPDATE document SET due_at = $2 WHERE connection_id = $1 AND due_at > $2",
    "UPDATE deal_page SET due_at = $2 WHERE connection_id = $1 AND due_at > $2",
];

/// When a stream was read last, in its state.
const READ: [&str; 2] = ["polled_at", "swept_at"];

impl Tx {
    /// When reading last moved, by the clock of then; none if it never did.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn latest_moment(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let sql =
            "SELECT updated_at FROM cursor_state WHERE connection_id = $1 ORDER BY updated_at DESC LIMIT 1";
        self.fetch_one("cursor_state", sql, vec![self.id()], |row| row.time(0, "updated_at")).await
    }

    /// Makes what is due later than now due now, and takes what was read later than now for read now. Tells how many rows
    /// that were.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn time_went_back(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let mut moved = 0;
        for sql in DUE {
            moved += self.execute(sql, vec![self.id(), now.into()]).await?;
        }
        let sql = "SELECT stream, body FROM cursor_state WHERE connection_id = $1 AND updated_at > $2";
        let ahead = self
            .fetch("cursor_state", sql, vec![self.id(), now.into()], |row| {
                Ok((row.text(0, "stream")?, row.text(1, "body")?))
            })
            .await?;
        for (stream, body) in ahead {
            let body = read_by(&body, now).unwrap_or(body);
            let sql =
                "UPDATE cursor_state SET body = $3, updated_at = $4 WHERE connection_id = $1 AND stream = $2";
            moved += self.execute(sql, vec![self.id(), stream.into(), body.into(), now.into()]).await?;
        }
        Ok(moved)
    }
}

/// The state of a stream that was read now at the latest; none if it says nothing else.
fn read_by(body: &str, now: Timestamp) -> Option<String> {
    let mut state: Value = serde_json::from_str(body).ok()?;
    let mut changed = false;
    for key in READ {
        let Some(at) = state.get_mut(key) else { continue };
        let later = at.as_str().and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at > now);
        if later {
            *at = Value::String(now.to_string());
            changed = true;
        }
    }
    changed.then(|| state.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_later_than_now_was_read_now() {
        let now = Timestamp::UNIX_EPOCH;
        let later = r#"{"cursor":{"walk":7},"polled_at":"2026-01-01T00:00:00Z","swept_at":"1969-01-01T00:00:00Z","sweep":1}"#;
        let told: Value = serde_json::from_str(&read_by(later, now).expect("changed")).expect("JSON");
        assert_eq!(
            (told["polled_at"].as_str(), told["swept_at"].as_str()),
            (Some("1970-01-01T00:00:00Z"), Some("1969-01-01T00:00:00Z"))
        );
        assert_eq!(told["cursor"]["walk"], 7, "what else it says stays");
        assert_eq!(read_by(r#"{"polled_at":null}"#, now), None);
        assert_eq!(read_by("[1]", now), None);
    }
}
