//! Reports, one world each.

use std::fmt::Write as _;

use ml_connector::check::Severity;
use saas_http::Unreached;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
    pipedrive::{PipedriveSettings, Plan},
};
use serde_json::json;

use crate::world::{World, compare, severity};

#[tokio::test]
async fn everything_is_fine() {
    let world = World::new();
    let report = world.says("fine").await;
    assert!(report.fits && report.problems == 0 && report.warnings == 0);
    compare("fine.json", &format!("{:#}\n", json!(report)));
}

#[tokio::test]
async fn wrong_pipedrive_token() {
    let settings =
        PipedriveSettings { api_token: Some("another".to_owned()), ..PipedriveSettings::default() };
    let report = World::of(FusionSettings::default(), settings).says("pipedrive_token").await;
    assert_eq!(severity(&report, "pipedrive.credentials"), "problem");
    assert_eq!(severity(&report, "fusion.parties.readable"), "ok", "one side does not hide the other");
}

#[tokio::test]
async fn wrong_fusion_client() {
    let settings = FusionSettings { client_secret: Some("another".to_owned()), ..FusionSettings::default() };
    let report = World::of(settings, PipedriveSettings::default()).says("fusion_client").await;
    assert_eq!(severity(&report, "fusion.reachable"), "ok");
    assert_eq!(severity(&report, "fusion.credentials"), "problem");
    assert_eq!(severity(&report, "pipedrive.organizations.readable"), "ok");
}

#[tokio::test]
async fn fusion_knows_no_user_for_the_token() {
    let settings = FusionSettings { user_known: false, ..FusionSettings::default() };
    World::of(settings, PipedriveSettings::default()).says("fusion_user").await;
}

#[tokio::test]
async fn fusion_forbids_parties() {
    let world = World::new();
    let body = r#"{"title": "Forbidden", "status": "403", "o:errorDetails": []}"#.to_owned();
    let fault = Fault::Status { status: 403, body, content_type: None, retry_after: None };
    world.fusion.faults().add(FaultRule::on("hubOrganizations", fault));
    let report = world.says("fusion_forbidden").await;
    assert_eq!(severity(&report, "fusion.credentials"), "ok");
    assert_eq!(severity(&report, "fusion.accounts.readable"), "ok");
}

#[tokio::test]
async fn fusion_shows_nothing() {
    let settings = FusionSettings { data_access: false, ..FusionSettings::default() };
    World::of(settings, PipedriveSettings::default()).says("fusion_empty").await;
}

#[tokio::test]
async fn fusion_lost_an_attribute() {
    let removed_attributes = vec!["hubOrganizations.RawPhoneNumber".to_owned()];
    let settings = FusionSettings { removed_attributes, ..FusionSettings::default() };
    let report = World::of(settings, PipedriveSettings::default()).check().await;
    assert_eq!(severity(&report, "fusion.parties.shape"), "problem");
}

#[tokio::test]
async fn fusion_is_down() {
    let mut world = World::new();
    world.cut = Some(Unreached::Refused);
    world.says("fusion_down").await;
}

#[tokio::test]
async fn firewalls_answer_with_pages() {
    let world = World::new();
    for faults in [world.fusion.faults(), world.pipedrive.faults()] {
        faults.add(FaultRule::on("/resources/", Fault::Html { status: 403 }));
        faults.add(FaultRule::on("/v1/", Fault::Html { status: 403 }).method("GET"));
    }
    world.says("firewall").await;
}

#[tokio::test]
async fn a_field_has_another_type() {
    let world = World::new();
    world.make_field("ERP customer id", "double").await;
    world.make_field("ERP status", "varchar").await;
    world.make_field("ERP status", "varchar").await;
    let report = world.says("field_type").await;
    assert!(report.fits);
}

#[tokio::test]
async fn no_room_for_fields() {
    let settings = PipedriveSettings { plan: Plan::Lite, ..PipedriveSettings::default() };
    let world = World::of(FusionSettings::default(), settings).with("\"growth\"", "\"lite\"");
    for number in 0..28 {
        world.make_field(&format!("Field {number}"), "varchar").await;
    }
    world.says("fields_full").await;
}

#[tokio::test]
async fn own_fields_that_do_not_exist() {
    let own = "\n[[connection.fields.own]]\nid = \"a\"\nname = \"ERP rating\"\nexpression = \"CustomerRating_c\"\n\
               \n[[connection.fields.own]]\nid = \"b\"\nname = \"ERP industry\"\nexpression = \"OrganizationType\"\n\
               type = \"option\"\n";
    World::new().and(own).says("own_fields").await;
}

#[tokio::test]
async fn labels_that_do_not_exist() {
    let customers = "\n[connection.customers]\ninactive = \"label\"\nmerged = \"label\"\n\
                     labels = { inactive = \"cold  lead\" }\n";
    World::new().and(customers).says("labels").await;
    let report = World::new().and(&customers.replace("merged = \"label\"", "")).check().await;
    assert_eq!(severity(&report, "pipedrive.labels"), "ok");
}

#[tokio::test]
async fn the_hierarchy_and_the_services() {
    let wanted = "\n[connection.customers]\nhierarchy = true\n\
                  \n[connection.fields]\nmore = [\"account_class\", \"payment_terms\", \"parent\"]\n";
    let related = |world: World| {
        let values = json!({"OrganizationName": "A", "PartyUsageCode": "CUSTOMER"});
        let party = || world.fusion.add_party(Edit::set(values.clone())).expect("a party");
        world.fusion.relate(party(), party(), &Edit::set(json!({}))).expect("a relationship");
        world
    };
    related(World::new().and(wanted)).says("hierarchy").await;
    let codes = "true\nparent_codes = [\"OWNS\"]\ndaughter_codes = []\n";
    let others = related(World::new().and(&wanted.replace("true\n", codes)));
    others.fusion.faults().add(FaultRule::on("/crmService/", Fault::Html { status: 403 }));
    others.says("services").await;
}

const HANDOVERS: &str = "\n[connection.customers_from_crm]\nreview_above = { USD = 50000 }\n\
                         [[connection.customers_from_crm.business_unit]]\nname = \"US1\"\nset_id = 300000001127004\n\
                         when = { pipeline = [\"Pipeline\"] }\n";

/// A company with a won deal and two open ones.
fn with_deals(world: World) -> World {
    let deal = |name: &str| {
        let org = world.pipedrive.create_as_person(&json!({ "name": name })).expect("an organization");
        let body = json!({ "title": "Contract", "org_id": org, "value": 100, "currency": "USD" });
        world.pipedrive.create_deal(&body).expect("a deal")
    };
    world.pipedrive.win_deal(deal("Old Friends Ltd")).expect("won");
    deal("Acme Trading Inc");
    deal("Initech Ltd");
    world
}

#[tokio::test]
async fn handovers_fit() {
    let report = with_deals(World::new().and(HANDOVERS)).says("handovers").await;
    assert!(report.fits && report.warnings == 0, "{:?}", report.findings);
    let forecast = report.handovers.expect("a forecast");
    assert_eq!((forecast.older_organizations, forecast.organizations_when_won), (1, 2));
}

/// No source system, no right to call the account service, a set and a pipeline that do not exist.
#[tokio::test]
async fn handovers_do_not_fit() {
    let settings = FusionSettings {
        source_systems: vec!["SIEBEL".to_owned()],
        forbidden: vec!["CustomerAccountService".to_owned()],
        ..FusionSettings::default()
    };
    let lines = HANDOVERS.replace("300000001127004", "202").replace("\"Pipeline\"", "\"EU Sales\"");
    let world = with_deals(World::of(settings, PipedriveSettings::default()).and(&lines));
    let report = world.says("handovers_unfit").await;
    assert_eq!(severity(&report, "fusion.source_system"), "problem");
    assert_eq!(severity(&report, "fusion.account_service"), "problem");
    assert_eq!(severity(&report, "fusion.profile_service"), "ok", "another service, another right");
    assert_eq!(severity(&report, "fusion.sets"), "warning");
    assert_eq!(severity(&report, "pipedrive.pipelines"), "problem");
    assert_eq!(report.problems, 3);
}

const DOCUMENTS: &str = "\n[connection.documents]\nkinds = [\"invoice\", \"sales_order\"]\n";

#[tokio::test]
async fn documents_can_be_read_and_shown() {
    let world = with_deals(World::new().and(DOCUMENTS));
    let account = world.fusion.account_ids(world.fusion.customer_ids()[0])[0];
    world.fusion.add_invoice(account, Edit::set(json!({ "EnteredAmount": 5.0 })), &[]).expect("an invoice");
    let order = json!({ "SourceTransactionSystem": "OPS", "SourceTransactionId": "7" });
    world.fusion.add_row("salesOrdersForOrderHub", None, Edit::set(order)).expect("an order");
    let report = world.says("documents").await;
    assert_eq!(severity(&report, "fusion.documents"), "ok");
    assert_eq!(severity(&report, "pipedrive.documents"), "ok");
    assert!(report.fits && report.warnings == 0, "{:?}", report.findings);
}

#[tokio::test]
async fn documents_that_nobody_sees_or_may_read() {
    let forbidden = vec!["receivablesInvoices".to_owned()];
    let settings = FusionSettings { forbidden, ..FusionSettings::default() };
    let world = World::of(settings, PipedriveSettings::default()).and(DOCUMENTS);
    let report = world.says("documents_unfit").await;
    assert_eq!(severity(&report, "fusion.documents"), "problem");
    assert_eq!(severity(&report, "fusion.accounts.readable"), "ok", "another right");
    let report = World::new().and(DOCUMENTS).check().await;
    assert_eq!(severity(&report, "fusion.documents"), "warning", "an empty answer may be a missing right");
}

/// A pod that does not offer what nobody could verify, and one whose services answer with faults or not at all.
#[tokio::test]
async fn what_a_pod_does_not_tell_is_said_so() {
    let settings = FusionSettings { source_system_service: false, ..FusionSettings::default() };
    let world = World::of(settings, PipedriveSettings::default()).and(HANDOVERS);
    let sets = FaultRule::on("setIdAssignmentsBusinessUnit", status(404, ""));
    world.fusion.faults().add(sets);
    let report = world.check().await;
    assert_eq!(severity(&report, "fusion.source_system"), "note");
    assert_eq!(severity(&report, "fusion.sets"), "note");
    assert!(report.fits && report.warnings == 0, "{:?}", report.findings);

    let fault = r#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>
        <faultstring>The user is not authorized</faultstring></e:Fault></e:Body></e:Envelope>"#;
    let fault = Fault::Status {
        status: 500,
        body: fault.to_owned(),
        content_type: Some("text/xml; charset=utf-8".to_owned()),
        retry_after: None,
    };
    // After a firewall's page our own client stops for a while.
    for (fault, place, others) in
        [(fault, "Security Console", "ok"), (Fault::Html { status: 403 }, "the network", "not_checked")]
    {
        let world = World::new().and(HANDOVERS);
        world.fusion.faults().add(FaultRule::on("/crmService/CustomerAccountService", fault));
        let report = world.check().await;
        let finding = report.findings.iter().find(|finding| finding.name == "fusion.account_service");
        let remedy = finding.and_then(|finding| finding.remedy.as_ref()).expect("a remedy");
        assert!(remedy.place.contains(place), "{finding:?}");
        assert_eq!(severity(&report, "fusion.reachable"), "ok");
        assert_eq!(severity(&report, "fusion.profile_service"), others);
    }
}

#[tokio::test]
async fn the_budget_is_too_small() {
    World::new().with("seats = 5", "seats = 5\ndaily_tokens = 500").says("budget").await;
}

#[tokio::test]
async fn the_plan_is_not_that_large() {
    let settings = PipedriveSettings { plan: Plan::Lite, seats: 1, ..PipedriveSettings::default() };
    let report = World::of(FusionSettings::default(), settings).check().await;
    assert_eq!(severity(&report, "pipedrive.plan"), "warning");
}

#[tokio::test]
async fn an_app_without_scopes() {
    let mut settings = PipedriveSettings::default();
    settings.oauth.scopes = "base,contacts:read".to_owned();
    settings.oauth.enforce_scopes = true;
    let world = World::of(FusionSettings::default(), settings).with(
        "api_token = { env = \"PIPEDRIVE_API_TOKEN\" }",
        "oauth = { client_id = \"app\", client_secret = \"s\", refresh_token = \"r\", \
         token_url = \"http://127.0.0.1:7002/oauth/token\" }",
    );
    world.says("app_scopes").await;
}

#[tokio::test]
async fn without_store_and_without_secrets() {
    let mut world = World::new();
    world.stored = false;
    let report = world.check().await;
    assert_eq!(severity(&report, "store.reachable"), "problem");
    assert_eq!(
        severity(&report, "pipedrive.organizations.readable"),
        "ok",
        "the rest is checked all the same"
    );
    world.secret = None;
    world.says("nothing_set").await;
}

fn status(status: u16, body: &str) -> Fault {
    Fault::Status { status, body: body.to_owned(), content_type: None, retry_after: None }
}

/// Every other refusal: what is not fine is told in a line each.
#[tokio::test]
async fn refusals_of_every_kind() {
    let daily = r#"{"success":false,"error":"daily request budget exceeded","errorCode":429}"#;
    let burst = r#"{"success":false,"error":"request over limit","errorCode":429}"#;
    let scope = r#"{"success":false,"error":"Scope and URL mismatch","errorCode":403}"#;
    let unpaid = r#"{"success":false,"error":"Company payment required"}"#;
    let mut text = String::new();
    for (path, fault) in [
        ("/oauth2/", status(404, "no such page")),
        ("/oauth2/", Fault::Html { status: 200 }),
        ("/oauth2/", status(400, r#"{"error":"invalid_scope","error_description":"unknown"}"#)),
        ("/oauth2/", status(503, "")),
        ("crmRestApi", status(302, "")),
        ("crmRestApi", Fault::Html { status: 200 }),
        ("crmRestApi", Fault::Html { status: 503 }),
        ("crmRestApi", status(404, "")),
        ("crmRestApi", status(429, "")),
        ("crmRestApi", Fault::DropAfter),
        ("crmRestApi", Fault::Truncate { bytes: 30 }),
        ("describe", status(403, "{}")),
        ("receivables", status(500, "")),
        ("users/me", status(402, unpaid)),
        ("users/me", status(403, scope)),
        ("users/me", status(429, daily)),
        ("users/me", status(429, burst)),
        ("users/me", Fault::Html { status: 503 }),
        ("users/me", Fault::Truncate { bytes: 30 }),
        ("users/me", status(302, "")),
        ("organizationFields", status(403, scope)),
        ("organizations", status(404, "{}")),
        ("dealFields", status(403, scope)),
    ] {
        let world = World::new();
        for faults in [world.fusion.faults(), world.pipedrive.faults()] {
            faults.add(FaultRule::on(path, fault.clone()));
        }
        let report = world.check().await;
        let skipped =
            report.findings.iter().filter(|finding| finding.severity == Severity::NotChecked).count();
        let _ = writeln!(text, "{path} {} ({skipped} not checked)", json!(fault));
        for finding in &report.findings {
            if matches!(finding.severity, Severity::Ok | Severity::Note | Severity::NotChecked) {
                continue;
            }
            let remedy = finding.remedy.as_ref();
            let place = remedy.map_or_else(String::new, |remedy| format!("  -> {}", remedy.place));
            let _ = writeln!(text, "  {} {}: {}{place}", json!(finding.severity), finding.name, finding.seen);
        }
    }
    compare("refusals", &text);
}
