//! Faults on purpose.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use saas_sims::faults::{Fault, FaultRule};
use saas_sims::{ConnectionDropped, serve};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::ServiceExt as _;

use crate::http::{Company, ORGANIZATIONS, send};

#[tokio::test]
async fn a_status_after_the_effect_hides_a_write_that_happened() {
    let company = Company::new();
    company
        .sim
        .faults()
        .add(FaultRule::on("/organizations", Fault::StatusAfter { status: 502 }).method("POST").times(1));
    company.send("POST", ORGANIZATIONS, &json!({"name": "A"})).await.refused(502);
    assert_eq!(company.sim.organizations().len(), 1);
    company.create(&json!({"name": "A"})).await;
    assert_eq!(company.sim.faults().hits(), 1);
}

#[tokio::test]
async fn a_status_before_the_effect_writes_nothing() {
    let company = Company::new();
    let fault = Fault::Status {
        status: 503,
        body: "{}".to_owned(),
        content_type: None,
        retry_after: Some("7".to_owned()),
    };
    company.sim.faults().set(vec![FaultRule::on("/organizations", fault).times(1)]);
    let answer = company.send("POST", ORGANIZATIONS, &json!({"name": "A"})).await;
    assert_eq!(answer.refused(503).header("retry-after"), "7");
    assert!(company.sim.organizations().is_empty());
}

#[tokio::test]
async fn drops_happen_before_or_after_the_effect() {
    for (fault, stored) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        let company = Company::new();
        company.sim.faults().add(FaultRule::on("/organizations", fault));
        let request = Request::post(ORGANIZATIONS)
            .header("x-api-token", "t")
            .header("content-type", "application/json");
        let request = request.body(Body::from(r#"{"name":"A"}"#)).unwrap();
        let response = company.router.clone().oneshot(request).await.unwrap();
        assert!(response.extensions().get::<ConnectionDropped>().is_some());
        to_bytes(response.into_body(), usize::MAX).await.unwrap_err();
        assert_eq!(company.sim.organizations().len(), stored);
    }
}

#[tokio::test]
async fn over_a_socket_a_dropped_connection_sends_not_one_byte() {
    let company = Company::new();
    company.sim.faults().add(FaultRule::on("/organizations", Fault::DropAfter));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(listener, company.router.clone()));
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let body = r#"{"name":"A"}"#;
    let head = "POST /api/v2/organizations HTTP/1.1\r\nhost: x\r\nx-api-token: t\r\ncontent-type: application/json\r\n";
    socket.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
    let mut received = Vec::new();
    // A reset instead of an orderly end is just as good.
    let _ = socket.read_to_end(&mut received).await;
    assert_eq!(String::from_utf8_lossy(&received), "");
    assert_eq!(company.sim.organizations().len(), 1);
    server.abort();
}

#[tokio::test]
async fn bodies_can_be_html_or_cut_short() {
    let company = Company::new();
    company.sim.faults().set(vec![
        FaultRule::on("/organizations", Fault::Html { status: 503 }).times(1),
        FaultRule::on("/organizations", Fault::Truncate { bytes: 10 }),
    ]);
    let page = company.get(ORGANIZATIONS, &[]).await;
    assert!(page.refused(503).header("content-type").starts_with("text/html"));
    let cut = company.get(ORGANIZATIONS, &[]).await;
    assert_eq!((cut.status.as_u16(), cut.text.len()), (200, 10));
}

#[tokio::test]
async fn a_delay_moves_a_virtual_clock() {
    let company = Company::new();
    company.sim.faults().add(FaultRule::on("", Fault::Delay { millis: 7000 }).times(1));
    let answer = company.get(ORGANIZATIONS, &[]).await;
    assert_eq!(answer.header("date"), "Mon, 02 Mar 2026 10:00:07 GMT");
}

#[tokio::test]
async fn rules_have_a_method_a_start_an_end_and_a_probability() {
    let company = Company::new();
    company.sim.faults().add(FaultRule::on("", Fault::Html { status: 500 }).method("GET").skip(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(company.get(ORGANIZATIONS, &[]).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 500, 500, 200, 200]);
    company.sim.faults().set(vec![FaultRule::on("", Fault::Html { status: 500 }).probability(0.5)]);
    let mut hit = 0;
    for _ in 0..100 {
        hit += usize::from(company.get(ORGANIZATIONS, &[]).await.status == 500);
    }
    assert!((30..70).contains(&hit), "{hit}");
}

#[tokio::test]
async fn the_plan_can_be_set_over_the_admin_path() {
    let company = Company::new();
    let plan = json!({"rules": [{"method": "GET", "path": "/organizations", "effect": {"fault": "html", "status": 503}, "times": 1}]});
    send(&company.router, "POST", "/_sim/faults", &[], &plan.to_string()).await.ok();
    company.get(ORGANIZATIONS, &[]).await.refused(503);
    let left = send(&company.router, "GET", "/_sim/faults", &[], "").await.ok();
    assert_eq!((&left["hits"], &left["rules"][0]["times"]), (&json!(1), &json!(0)));
    send(&company.router, "DELETE", "/_sim/faults", &[], "").await.ok();
    send(&company.router, "POST", "/_sim/faults", &[], r#"{"rules":[{"effect":{"fault":"nope"}}]}"#)
        .await
        .refused(400);
}
