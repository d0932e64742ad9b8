//! The first page: every connection and how it stands.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};

use super::{
    sent::Query,
    shell::{Afterwards, Frame, Shown, page, part},
};
use crate::{
    door::Door,
    told::{self, ConnectionTold},
    who::Who,
};

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    connections: Vec<ConnectionTold>,
}

/// `GET /`
pub(crate) async fn overview(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let connections = told::connections(&door).await?;
    let frame = Frame::of("Connections", &who, "overview").saying(after.into());
    Ok(page(StatusCode::OK, &Overview { frame, connections }))
}

/// Seconds, as people say them.
pub(crate) fn ago(seconds: &i64) -> String {
    match *seconds {
        seconds @ ..90 => format!("{seconds} s"),
        seconds @ 90..5_400 => format!("{} min", seconds / 60),
        seconds @ 5_400..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// Where questions of one cause are: those about customers, about handovers and about documents have pages of their own.
pub(crate) fn cause_link(connection: &str, reason: &str) -> String {
    let base = format!("/c/{}", part(connection));
    let about_customers = sync_core::hold::HoldReason::examples().iter().any(|one| one.key() == reason);
    if about_customers {
        format!("{base}/holds?reason={}", part(reason))
    } else if reason == "deal_ambiguous" || reason.starts_with("deal_field") {
        format!("{base}/documents")
    } else {
        format!("{base}/handovers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_say_them() {
        for (seconds, expected) in
            [(0, "0 s"), (89, "89 s"), (90, "1 min"), (5_399, "89 min"), (5_400, "1 h"), (200_000, "2 days")]
        {
            assert_eq!(ago(&seconds), expected);
        }
    }

    #[test]
    fn every_cause_leads_to_a_page() {
        assert_eq!(cause_link("a b", "ambiguous"), "/c/a%20b/holds?reason=ambiguous");
        assert_eq!(cause_link("acme", "data_missing"), "/c/acme/handovers");
        assert_eq!(cause_link("acme", "deal_ambiguous"), "/c/acme/documents");
    }
}
