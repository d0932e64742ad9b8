//! An invoice on its way through the real binary to its deal, and what a person sees and says of it.

use serde_json::{Value, json};

use crate::support::{example, http, json, run, simulators};

const SECTION: &str = "
[connection.documents]
fields = [\"last_invoice_number\", \"open_balance\"]
[[connection.documents.deal_reference]]
field = \"PurchaseOrder\"
pattern = \"PD-{deal_id}\"
";

/// Something that is entered at a simulator; the answer.
fn post(url: &str, body: &Value) -> Value {
    let token = "a1".repeat(20);
    let headers = [("x-api-token", token.as_str()), ("content-type", "application/json")];
    let answer = http("POST", url, &headers, body.to_string().as_bytes());
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

#[test]
fn an_invoice_is_shown_explained_and_assigned_by_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, [erp, crm]) = simulators("3", &["--plan", "ultimate", "--seats", "20"]);
    let file = folder.path().join("ml-connector.toml");
    let text = example(&[erp.clone(), crm.clone()], "127.0.0.1:0");
    std::fs::write(&file, format!("{text}{SECTION}")).expect("the file is written");
    let file = file.to_str().expect("UTF-8").to_owned();
    let shown = |arguments: &[&str]| json(&run(&file, &[arguments, &["--json"]].concat()), 0);
    let first = shown(&["sync"]);
    assert!(first["connections"][0]["flows"]["documents"].is_object(), "{first}");

    let pair = shown(&["pairs", "list"])[0].clone();
    let (party, org) = (pair["party"].as_i64().expect("a party"), pair["organization"].clone());
    let account = post(&format!("http://{erp}/_sim/fusion/account"), &json!({ "PartyId": party }));
    let deal = |title: &str, value: i64| {
        let body = json!({
            "title": title, "org_id": org, "value": value, "currency": "USD", "status": "won",
        });
        post(&format!("http://{crm}/api/v2/deals"), &body)["data"]["id"].as_i64().expect("an id")
    };
    let (wanted, other) = (deal("Framework", 600), deal("Service", 5_000));
    let invoice = |po: Option<String>, amount: f64| {
        let set = json!({ "EnteredAmount": amount, "PurchaseOrder": po });
        let body = json!({ "account": account["AccountId"], "set": set });
        let made = post(&format!("http://{erp}/_sim/fusion/invoice"), &body);
        format!("invoice:{}", made["CustomerTransactionId"])
    };
    let named = invoice(Some(format!("PD-{wanted}")), 600.0);
    let lost = invoice(Some("PD-999999".to_owned()), 70.0);
    let synced = shown(&["sync"]);
    let counts = &synced["connections"][0]["flows"]["documents"];
    assert_eq!((&counts["created"], &counts["failed"]), (&json!(1), &json!(0)), "{synced}");

    let explained = shown(&["explain", &named]);
    assert_eq!(explained[0]["deal"], json!(wanted), "{explained}");
    assert_eq!(explained[0]["deal_title"], "Framework");
    assert!(explained[0]["explanation"].to_string().contains("by the pattern PD-{deal_id}"), "{explained}");
    let unmatched = shown(&["documents", "list", "--unmatched"]);
    assert_eq!(unmatched.as_array().map(Vec::len), Some(1), "{unmatched}");
    assert_eq!(unmatched[0]["document"], json!(lost.replace(':', " ")));
    assert!(unmatched[0]["explanation"].to_string().contains("is gone or never was"), "{unmatched}");
    let waiting = shown(&["deals", "list", "--without-documents"]);
    assert_eq!(waiting.as_array().map(Vec::len), Some(1), "{waiting}");
    assert_eq!(waiting[0]["deal"], json!(other));

    shown(&["documents", "assign", &lost, &other.to_string(), "--by", "ann"]);
    shown(&["sync"]);
    let explained = shown(&["explain", &lost]);
    assert_eq!((&explained[0]["deal"], &explained[0]["answered_by"]), (&json!(other), &json!("ann")));
    assert_eq!(shown(&["documents", "list", "--unmatched"]), json!([]));
    assert_eq!(shown(&["deals", "list", "--without-documents"]), json!([]));
    assert_eq!(shown(&["deals", "list", "--asked"]), json!([]));
    assert_eq!(
        shown(&["documents", "list", "--deal", &other.to_string()])[0]["document"],
        lost.replace(':', " ")
    );

    // It is made a rule, listed and removed.
    let always = |like: &str| {
        run(&file, &["documents", "assign", &lost, &other.to_string(), "--always", like, "--json"])
    };
    let nothing = json(&always("CrossReference"), 2)["error"]["message"].to_string();
    assert!(nothing.contains("PurchaseOrder, account, party"), "{nothing}");
    json(&always("PurchaseOrder"), 0);
    let rules = shown(&["documents", "rules"]);
    assert_eq!((&rules[0]["deal"], &rules[0]["rule"]), (&json!(other), &json!(1)), "{rules}");
    let like = invoice(Some("PD-999999".to_owned()), 20.0);
    shown(&["sync"]);
    assert_eq!(shown(&["explain", &like])[0]["deal"], json!(other));
    assert_eq!(shown(&["documents", "rules", "--remove", "1"]), json!([]));
    shown(&["sync"]);
    assert_eq!(shown(&["explain", &like])[0]["deal"], Value::Null);
    json(&run(&file, &["documents", "rules", "--remove", "1", "--json"]), 2);

    shown(&["documents", "assign", &lost, "none"]);
    shown(&["sync"]);
    assert_eq!(shown(&["explain", &lost])[0]["deal"], Value::Null);
    // In words, too; and what nobody knows is told.
    let words = run(&file, &["explain", &named]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("Framework") && words.contains("PurchaseOrder"), "{words}");
    let unknown = run(&file, &["explain", "invoice:1", "--json"]);
    assert!(json(&unknown, 2)["error"]["message"].to_string().contains("invoice:1"));
}
