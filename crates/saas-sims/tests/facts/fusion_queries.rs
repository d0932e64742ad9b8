//! The `q` parameter in both syntaxes (section 4.2).

use saas_sims::fusion::Edit;
use serde_json::{Value, json};

use crate::http::{ACCOUNTS, PARTIES, Pod, column};

async fn three() -> Pod {
    let pod = Pod::new().await;
    let parties = [
        json!({"OrganizationName": "Alpha", "City": "Paris", "PartyUsageCode": "CUSTOMER", "EmployeesTotal": 10}),
        json!({"OrganizationName": "Beta's", "City": "Porto", "PartyUsageCode": "SUPPLIER", "EmployeesTotal": 20}),
        json!({"OrganizationName": "gamma", "PartyUsageCode": "CUSTOMER"}),
    ];
    for party in parties {
        pod.sim.add_party(Edit::set(party)).unwrap();
    }
    pod
}

#[tokio::test]
async fn rowmatch_knows_the_documented_operators() {
    let pod = three().await;
    let cases: [(&str, &[&str]); 16] = [
        ("OrganizationName = 'Alpha'", &["Alpha"]),
        ("OrganizationName = 'Beta''s'", &["Beta's"]),
        ("OrganizationName!='Alpha'", &["Beta's", "gamma"]),
        ("OrganizationName <> 'Alpha'", &["Beta's", "gamma"]),
        ("EmployeesTotal > 10", &["Beta's"]),
        ("EmployeesTotal >= 10 and EmployeesTotal <= 20", &["Alpha", "Beta's"]),
        ("EmployeesTotal between 5 and 15", &["Alpha"]),
        ("City in ('Paris', 'Rome')", &["Alpha"]),
        ("City is null", &["gamma"]),
        ("City is not null", &["Alpha", "Beta's"]),
        ("City like 'P%o'", &["Beta's"]),
        ("City not like 'P%o'", &["Alpha"]),
        ("upper(OrganizationName) = 'GAMMA'", &["gamma"]),
        ("PartyUsageCode = 'CUSTOMER' and City = 'Paris' or City = 'Porto'", &["Alpha", "Beta's"]),
        ("PartyUsageCode = 'CUSTOMER' and (City = 'Porto' or City is null)", &["gamma"]),
        ("City != 'Paris'", &["Beta's"]),
    ];
    for (q, found) in cases {
        assert_eq!(pod.names(q).await, found, "{q}");
    }
}

#[tokio::test]
async fn rowmatch_refuses_bad_syntax() {
    let pod = three().await;
    let cases = [
        "OrganizationName = \"Alpha\"",
        "OrganizationName = Alpha",
        "OrganizationName == 'Alpha'",
        "OrganizationName = 'Alpha",
        "OrganizationName 'Alpha'",
        "OrganizationName = 'A';City = 'B'",
        "(City = 'A'",
        "City in ()",
        "City =",
        "",
        "and",
        "PartyId > '300'",
        "PartyId = abc",
        "EmployeesTotal like '1%'",
        "LastUpdateDate > 5",
        "City = 'A' City = 'B'",
        "not City = 'A'",
        "LastUpdateDate >= '2026-01-01'",
        "LastUpdateDate >= '2026-01-01 00:00:00Z'",
    ];
    for q in cases {
        pod.get(PARTIES, &[("q", q)]).await.refused(400);
    }
}

#[tokio::test]
async fn attributes_that_are_not_queryable_or_in_wrong_case_are_refused() {
    let pod = three().await;
    for q in [
        "FormattedAddress = 'x'",
        "ParentDUNSNumber = 'x'",
        "lastUpdateDate >= '2026-01-01T00:00:00Z'",
        "Name = 'x'",
    ] {
        pod.get(PARTIES, &[("q", q)]).await.refused(400);
    }
    pod.get(ACCOUNTS, &[("q", "TotalOpenReceivablesForAccount > 0")]).await.refused(400);
}

#[tokio::test]
async fn a_time_without_zone_is_refused_unless_set_otherwise() {
    let pod = three().await;
    pod.get(PARTIES, &[("q", "LastUpdateDate > '2026-01-01T00:00:00'")]).await.refused(400);
    let settings = saas_sims::fusion::FusionSettings { zoneless_literals: true, ..Default::default() };
    let lax = Pod::with(settings).await;
    lax.get(PARTIES, &[("q", "LastUpdateDate > '2026-01-01T00:00:00'")]).await.ok();
}

async fn framework_1(pod: &Pod, q: &str) -> Result<Vec<String>, u16> {
    let answer = pod.get_with(PARTIES, &[("q", q), ("orderBy", "PartyId")], &[]).await;
    if answer.status != 200 {
        return Err(answer.status.as_u16());
    }
    let body: Value = answer.json();
    Ok(column(&body["items"], "OrganizationName"))
}

#[tokio::test]
async fn framework_1_reads_query_by_example() {
    let pod = three().await;
    let cases: [(&str, &[&str]); 7] = [
        ("OrganizationName=Alpha", &["Alpha"]),
        ("OrganizationName=\"Alpha\"", &["Alpha"]),
        ("OrganizationName=A*", &["Alpha"]),
        ("EmployeesTotal>=10 and <=15", &["Alpha"]),
        ("EmployeesTotal>=10;City!=Paris", &["Beta's"]),
        ("LastUpdateDate>=\"2026-01-01T00:00:00Z\";City=Porto", &["Beta's"]),
        ("LastUpdateDate>2026-01-01T00:00:00Z and <2026-01-02T00:00:00Z", &[]),
    ];
    for (q, found) in cases {
        assert_eq!(framework_1(&pod, q).await.unwrap(), found, "{q}");
    }
}

#[tokio::test]
async fn framework_1_refuses_rowmatch() {
    let pod = three().await;
    for q in [
        "OrganizationName = 'Alpha'",
        "City in ('Paris')",
        "City is null",
        "City=Paris and Status=A",
        ";",
        "City",
    ] {
        assert_eq!(framework_1(&pod, q).await, Err(400), "{q}");
    }
}

#[tokio::test]
async fn walking_by_id_sees_every_row_once() {
    let pod = Pod::new().await;
    saas_sims::generator::populate(&pod.sim, 120, 5, crate::http::start());
    let mut seen = Vec::new();
    let mut last = 0;
    loop {
        let q = format!("PartyId > {last}");
        let query = [("q", q.as_str()), ("orderBy", "PartyId"), ("limit", "50"), ("onlyData", "true")];
        let page = crate::http::ids(&pod.get(PARTIES, &query).await.ok()["items"], "PartyId");
        let Some(end) = page.last() else { break };
        last = *end;
        seen.extend(page);
    }
    assert_eq!(seen, pod.sim.party_ids());
}

#[tokio::test]
async fn short_cuts_find_what_a_full_scan_finds() {
    let pod = Pod::new().await;
    saas_sims::generator::populate(&pod.sim, 80, 6, crate::http::start());
    let all = pod.sim.party_ids();
    let (low, high) = (all[10], all[60]);
    let stamp = "2025-06-01T00:00:00Z";
    // `or` with an impossible part keeps the planner from seeing the bounds.
    let pairs = [
        (
            format!("PartyId > {low} and PartyId <= {high}"),
            format!("(PartyId > {low} and PartyId <= {high}) or PartyId = 1"),
        ),
        (format!("PartyId in ({low}, {high}, 5)"), format!("PartyId in ({low}, {high}) or PartyId = 1")),
        (format!("LastUpdateDate >= '{stamp}'"), format!("LastUpdateDate >= '{stamp}' or PartyId = 1")),
        (
            format!(
                "LastUpdateDate >= '{stamp}' and LastUpdateDate < '2025-12-01T00:00:00Z' and PartyId > {low}"
            ),
            format!(
                "(LastUpdateDate >= '{stamp}' and LastUpdateDate < '2025-12-01T00:00:00Z' and PartyId > {low}) or PartyId = 1"
            ),
        ),
    ];
    for (quick, slow) in pairs {
        assert_eq!(pod.names(&quick).await, pod.names(&slow).await, "{quick}");
    }
}
