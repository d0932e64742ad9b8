//! Lost answers, dropped connections and pages of HTML on SOAP paths (sections 1.4, 9.9).

use axum::body::Body;
use axum::http::Request;
use saas_sims::ConnectionDropped;
use saas_sims::faults::{Fault, FaultRule};
use tower::ServiceExt as _;

use crate::soap::{ACTIONS, Desk, SERVICE, envelope, value, values};

#[tokio::test]
async fn a_resend_makes_a_second_account_and_the_reference_finds_the_first() {
    let desk = Desk::new().await;
    let lost = FaultRule::on("/crmService/", Fault::StatusAfter { status: 502 }).method("POST").times(1);
    desk.pod.sim.faults().add(lost);
    desk.create(&desk.full("org:1")).await.refused(502);
    let first = desk.pod.sim.account_ids(desk.party);
    assert_eq!(first.len(), 1);
    value(&desk.create(&desk.least()).await);
    assert_eq!(desk.count(), 2);
    assert_eq!(desk.pod.sim.accounts_by_reference("PIPEDRIVE", "org:1", "HZ_CUST_ACCOUNTS"), first);
    let found = values(&desk.by_reference("PIPEDRIVE", "org:1").await);
    assert_eq!(found.iter().map(|one| one.id("CustomerAccountId")).collect::<Vec<_>>(), first);
}

#[tokio::test]
async fn a_lost_connection_and_a_page_of_html_hide_or_stop_a_create() {
    let desk = Desk::new().await;
    let rules =
        [Fault::Html { status: 503 }, Fault::DropAfter].map(|fault| FaultRule::on(SERVICE, fault).times(1));
    desk.pod.sim.faults().set(rules.to_vec());
    let page = desk.create(&desk.full("org:1")).await;
    assert!(page.refused(503).header("content-type").starts_with("text/html"));
    assert_eq!(desk.count(), 0);
    let bearer = desk.bearer.clone();
    let body = envelope(
        "createCustomerAccount",
        &format!("<typ:customerAccount>{}</typ:customerAccount>", desk.full("org:1")),
    );
    let request = Request::post(SERVICE)
        .header("authorization", bearer)
        .header("content-type", "text/xml; charset=utf-8")
        .header("soapaction", format!("{ACTIONS}createCustomerAccount"))
        .body(Body::from(body));
    let response = desk.pod.router.clone().oneshot(request.unwrap()).await.unwrap();
    assert!(response.extensions().get::<ConnectionDropped>().is_some());
    assert_eq!(desk.count(), 1);
    assert_eq!(values(&desk.by_reference("PIPEDRIVE", "org:1").await).len(), 1);
}
