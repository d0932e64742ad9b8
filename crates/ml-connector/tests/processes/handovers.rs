//! A won deal on its way through the real binary to the ERP, with a person's approval.

use serde_json::{Value, json};

use crate::support::{Running, example, http, json, run, simulators, until};

const SECTION: &str = "
[connection.customers_from_crm]
review_above = { USD = 50000 }
[[connection.customers_from_crm.business_unit]]
name = \"US1\"
set_id = 300000001127004
";

/// Something that a salesperson enters; its id.
fn enter(crm: &str, what: &str, body: &Value) -> String {
    let token = "a1".repeat(20);
    let headers = [("x-api-token", token.as_str()), ("content-type", "application/json")];
    let answer = http("POST", &format!("{crm}/api/v2/{what}"), &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
    answer["data"]["id"].as_i64().expect("an id").to_string()
}

#[test]
fn a_won_deal_is_approved_and_becomes_a_customer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("3", &["--plan", "ultimate", "--seats", "20"]);
    let file = folder.path().join("ml-connector.toml");
    let polled = "poll_every = \"2s\"\ncrm_poll_every = \"1s\"";
    let text = example(&addresses, "127.0.0.1:0").replace("poll_every = \"5m\"", polled);
    std::fs::write(&file, format!("{text}{SECTION}")).expect("the file is written");
    let file = file.to_str().expect("UTF-8").to_owned();
    let shown = |arguments: &[&str]| json(&run(&file, &[arguments, &["--json"]].concat()), 0);

    let (_daemon, _) = Running::start(&["run", "--config", &file], "in sync from now on", 1);
    // What is won before the flow is switched on waits for a person: it is switched on with the first look.
    shown(&["sync"]);
    let crm = &addresses[1];
    let address = json!({ "value": "1 Main St, Boston, MA 02101, USA", "country": "USA" });
    let org = enter(crm, "organizations", &json!({ "name": "Hand Made Inc", "address": address }));
    let id: i64 = org.parse().expect("a number");
    let deal = json!({ "title": "Big", "org_id": id, "value": 60_000, "currency": "USD", "status": "won" });
    enter(crm, "deals", &deal);
    let asked = until("approval is asked for", || {
        shown(&["handovers", "list"]).as_array().expect("a list").first().cloned()
    });
    assert_eq!(
        (&asked["kind"], &asked["id"], &asked["reason"]),
        (&json!("org"), &json!(id), &json!("approval_needed"))
    );
    let refused = run(&file, &["handovers", "answer", "new", "--organization", &org, "--json"]);
    assert_eq!(json(&refused, 2)[0]["taken"], false);
    shown(&["handovers", "answer", "approve", "--organization", &org]);
    let made = until("everything is there", || {
        let shown = shown(&["handovers", "show", "--organization", &org])[0]["made"].clone();
        (shown["profile"] == true).then_some(shown)
    });
    assert!(made["party"]["ours"] == true && made["account"]["ours"] == true, "{made}");
    let party = made["party"]["id"].as_i64().expect("a party");
    until("its numbers are shown", || {
        let shown = shown(&["pairs", "show", &party.to_string()]);
        shown.to_string().contains(made["account"]["number"].as_str()?).then_some(())
    });
    assert_eq!(shown(&["handovers", "list"]), json!([]));

    // Without a deal, by hand: beside the daemon, which does it.
    let address = json!({ "value": "2 Main St, Boston, MA 02101, USA", "country": "USA" });
    let org = enter(crm, "organizations", &json!({ "name": "Asked For Ltd", "address": address }));
    let synced = shown(&["sync", "--organization", &org]);
    // Whether the daemon did it in the run of this command or a moment before, it is done when the command ends.
    assert!(synced["connections"][0]["flows"]["customers_from_crm"].is_object(), "{synced}");
    assert_eq!(shown(&["handovers", "show", "--organization", &org])[0]["made"]["profile"], true);
    let refused = run(&file, &["sync", "--deal", "4711", "--json"]);
    assert!(json(&refused, 2)["error"]["message"].as_str().is_some_and(|text| text.contains("deal 4711")));
}

/// What was won before anybody switched this on is planned, applied, and handed over by the next sync.
#[test]
fn an_older_deal_is_planned_applied_and_handed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("3", &["--plan", "ultimate", "--seats", "20"]);
    let file = folder.path().join("ml-connector.toml");
    std::fs::write(&file, format!("{}{SECTION}", example(&addresses, "127.0.0.1:0"))).expect("written");
    let file = file.to_str().expect("UTF-8").to_owned();
    let plan_file = folder.path().join("acme.plan.json").to_str().expect("UTF-8").to_owned();
    let ends = |arguments: &[&str], code| json(&run(&file, &[arguments, &["--json"]].concat()), code);
    let crm = &addresses[1];
    let address = json!({ "value": "1 Main St, Boston, MA 02101, USA", "country": "USA" });
    let org = enter(crm, "organizations", &json!({ "name": "Hand Made Inc", "address": address }));
    let id: i64 = org.parse().expect("a number");
    let deal = json!({ "title": "Big", "org_id": id, "value": 60_000, "currency": "USD", "status": "won" });
    let deal: i64 = enter(crm, "deals", &deal).parse().expect("a number");

    let planned = ends(&["plan", "--out", &plan_file], 0)[0]["handovers"].clone();
    assert_eq!((&planned["waiting"], &planned["by_themselves"]), (&json!(1), &json!(0)), "{planned}");
    let record = &planned["records"][0];
    assert_eq!(
        (&record["id"], &record["deal"]["id"], &record["action"]),
        (&json!(id), &json!(deal), &json!("create"))
    );
    assert_eq!(record["begins"]["piece"], "party", "{record}");
    assert_eq!(record["then"], json!(["account", "profile"]));
    assert!(record["words"].to_string().contains("waits for a person"), "{record}");
    ends(&["sync"], 0);
    assert_eq!(ends(&["handovers", "list"], 0), json!([]), "it waits for a person");

    let unknown = ends(&["apply", &plan_file, "--organization", "4711"], 2);
    assert!(unknown["error"]["message"].to_string().contains("organization 4711"), "{unknown}");
    let applied = ends(&["apply", &plan_file, "--organization", &org], 0);
    assert_eq!((&applied["applied"], &applied["not_reached"]), (&json!(0), &json!(0)), "only what was named");
    assert_eq!(applied["handovers"][0]["result"], "asked", "{applied}");
    let again = ends(&["apply", &plan_file, "--organization", &org], 0);
    assert_eq!(again["handovers"][0]["result"], "already_asked", "{again}");
    ends(&["sync"], 0);
    assert_eq!(ends(&["handovers", "show", "--organization", &org], 0)[0]["made"]["profile"], true);
    let none = ends(&["plan"], 0)[0]["handovers"].clone();
    assert_eq!((&none["waiting"], &none["by_themselves"]), (&json!(0), &json!(0)), "{none}");
}
