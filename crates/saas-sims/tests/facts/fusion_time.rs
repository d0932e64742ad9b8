//! Stamps, their precision, and commits that come late (sections 4.3, 8).

use jiff::SignedDuration;
use saas_sims::fusion::{Edit, FusionSim};
use serde_json::json;

use crate::http::{PARTIES, Pod, at, send};

fn party(sim: &FusionSim, name: &str, stamp: &str) -> i64 {
    sim.add_party(Edit::set(json!({"OrganizationName": name})).stamped(at(stamp))).unwrap()
}

#[tokio::test]
async fn stamps_are_printed_in_milliseconds_or_without_fraction_and_always_with_offset_zero() {
    let pod = Pod::new().await;
    for (stamp, printed) in [
        ("2026-01-05T08:00:00.123456Z", "2026-01-05T08:00:00.123+00:00"),
        ("2026-01-05T08:00:00.000456Z", "2026-01-05T08:00:00+00:00"),
        ("2026-01-05T08:00:00.07Z", "2026-01-05T08:00:00.070+00:00"),
    ] {
        let id = party(&pod.sim, "A", stamp);
        assert_eq!(pod.sim.party(id).unwrap()["LastUpdateDate"], printed);
    }
}

#[tokio::test]
async fn a_printed_stamp_does_not_equal_the_stored_microseconds() {
    let pod = Pod::new().await;
    party(&pod.sim, "A", "2026-01-05T08:00:00.123456Z");
    assert!(pod.names("LastUpdateDate = '2026-01-05T08:00:00.123+00:00'").await.is_empty());
    assert_eq!(pod.names("LastUpdateDate > '2026-01-05T08:00:00.123+00:00'").await, ["A"]);
    assert!(pod.names("LastUpdateDate <= '2026-01-05T08:00:00.123Z'").await.is_empty());
    party(&pod.sim, "B", "2026-01-06T08:00:00.5Z");
    assert_eq!(pod.names("LastUpdateDate = '2026-01-06T08:00:00.500Z'").await, ["B"]);
    assert_eq!(pod.names("LastUpdateDate = '2026-01-06T10:00:00.5+02:00'").await, ["B"]);
}

#[tokio::test]
async fn a_change_can_be_stamped_now_and_seen_later() {
    let pod = Pod::new().await;
    let id = party(&pod.sim, "Old", "2026-01-05T08:00:00Z");
    let late = Edit::set(json!({"OrganizationName": "New"})).visible_after(SignedDuration::from_mins(5));
    pod.sim.edit_party(id, &late).unwrap();
    pod.sim
        .add_party(
            Edit::set(json!({"OrganizationName": "Third"})).visible_after(SignedDuration::from_mins(5)),
        )
        .unwrap();
    pod.clock.advance(SignedDuration::from_secs(299));
    assert_eq!(pod.names("PartyId > 0").await, ["Old"]);
    pod.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(pod.names("PartyId > 0").await, ["New", "Third"]);
    assert_eq!(pod.sim.party(id).unwrap()["LastUpdateDate"], "2026-03-02T10:00:00+00:00");
    assert_eq!(pod.sim.party(id).unwrap()["CreationDate"], "2026-01-05T08:00:00+00:00");
}

#[tokio::test]
async fn a_job_stamps_many_rows_with_one_time_and_changes_nothing_else() {
    let pod = Pod::new().await;
    let id = party(&pod.sim, "A", "2026-01-05T08:00:00Z");
    party(&pod.sim, "B", "2026-01-05T08:00:00Z");
    pod.sim.stamp_parties(&pod.sim.party_ids(), at("2026-02-01T00:00:00.000001Z"));
    assert_eq!(pod.names("LastUpdateDate >= '2026-02-01T00:00:00Z'").await, ["A", "B"]);
    let row = pod.sim.party(id).unwrap();
    assert_eq!(
        (row["OrganizationName"].as_str(), row["LastUpdatedBy"].as_str()),
        (Some("A"), Some("SCHEDULED_JOB"))
    );
}

#[tokio::test]
async fn a_person_edits_over_the_admin_path() {
    let pod = Pod::new().await;
    let made = send(
        &pod.router,
        "POST",
        "/_sim/fusion/party",
        &[],
        r#"{"set":{"OrganizationName":"A","City":"Riga"}}"#,
    )
    .await
    .ok();
    let number = made["party"]["PartyNumber"].as_str().unwrap();
    let body = json!({"PartyNumber": number, "set": {"City": null}, "by": "j.tamm"}).to_string();
    let edited = send(&pod.router, "POST", "/_sim/fusion/party", &[], &body).await.ok();
    assert_eq!(
        (&edited["party"]["City"], edited["party"]["LastUpdatedBy"].as_str()),
        (&json!(null), Some("j.tamm"))
    );
    for bad in [r#"{"set":{"Nope":1}}"#, r#"{"set":{"City":1}}"#, r#"{"PartyId":1}"#, r#"{"other":1}"#] {
        send(&pod.router, "POST", "/_sim/fusion/party", &[], bad).await.refused(400);
    }
    assert_eq!(pod.sim.stats().requests, 1, "only the token request counts");
    let _ = pod.get(PARTIES, &[]).await;
    assert_eq!(pod.sim.stats().by_operation["GET /crmRestApi/hubOrganizations"], (1, 0));
}
