//! Every call gets every answer: none panics, asks for ever, or tells what nobody can read.

use std::{collections::BTreeSet, sync::Arc};

use oracle_fusion::{Fusion, FusionConfig, Subject, Terms};
use saas_http::ClientProof;
use sync_core::{
    customers::AccountKey,
    documents::DocumentKind,
    error::{CallError, Effect, ErrorKind},
    ids::{AccountId, AccountSiteId, PartyId, PartySiteId, TransactionId},
    matching::Company,
    model::{ErpParty, PartyStatus, Seen},
    poll::ErpRead,
    ports::{Called, DocumentRead, Erp, ErpDocuments, ErpWrites, PartyKey},
};

use crate::{
    answers::{SECRET, Scene, stubborn, told, wait},
    harness::{Target, hash},
    support::*,
    world,
};

const ANSWERS: Target<'_> = Target {
    name: "answers",
    home: env!("CARGO_MANIFEST_DIR"),
    inputs: 350,
    words: &[
        "parties",
        "accounts",
        "accounts_of",
        "links",
        "links_of",
        "invoices",
        "installments",
        "open_invoices",
        "orders",
        "addresses",
        "create_party",
        "prepare",
        "set_assignments",
        "items",
        "hasMore",
        "count",
        "totalResults",
        "offset",
        "limit",
        "links",
        "PartyId",
        "PartyNumber",
        "LastUpdateDate",
        "AccountId",
        "RelationshipRecId",
        "Relationship",
        "CustomerTransactionId",
        "o:errorDetails",
        "o:errorCode",
        "o:errorPath",
        "title",
        "detail",
        "Attributes",
        "attributes",
        "queryable",
        "@context",
        "300000200000001",
        "4712-12-31",
        "200",
        "201",
        "400",
        "401",
        "403",
        "404",
        "406",
        "412",
        "429",
        "500",
        "503",
        SECRET,
        "retry-after: 99999999",
        "x-oracle-dms-ecid: ",
    ],
};

const SOAP: Target<'_> = Target {
    name: "soap",
    home: env!("CARGO_MANIFEST_DIR"),
    inputs: 500,
    words: &[
        "accounts_by_reference",
        "account",
        "create_account",
        "add_site",
        "profile",
        "create_profile",
        "source_system",
        "<ns0:result>",
        "<Value>",
        "</Value>",
        "<ns0:result/>",
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
        "xmlns=\"\"",
        "env:Fault",
        "faultstring",
        "faultcode",
        "detail",
        "ServiceErrorMessage",
        "FND_CMN_RCRD_MSNG",
        "CustomerAccountId",
        "PartyId",
        "Status",
        "<?xml version=\"1.1\" encoding=\"UTF-16\"?>",
        "<?xml-stylesheet href='x'?>",
        "&lt;MESSAGE&gt;",
        "&#x41;",
        "&#xFFFE;",
        "<!ENTITY % p SYSTEM \"file:///etc/passwd\">",
        "200",
        "400",
        "401",
        "500",
        "503",
        "multipart/related",
        SECRET,
        "xml:space",
        "xmlns:env=",
        "env:",
    ],
};

const OF_ANSWERS: &[&str] = &[
    "prepare",
    "parties",
    "window",
    "accounts",
    "party",
    "party_by_number",
    "accounts_of",
    "links",
    "links_of",
    "parties_by_reference",
    "parties_like",
    "create_party",
    "usages",
    "add_usage",
    "addresses",
    "add_address",
    "etag_of",
    "invoices",
    "credit_memos",
    "sales_orders",
    "purchase_orders",
    "open_invoices",
    "invoices_by_id",
    "installments",
    "sees_document",
    "set_assignments",
    "shows_children",
    "shape",
    "sees_any",
    "first_account",
    "estimate_of_usages",
    "estimate_of_all",
];

const OF_SOAP: &[&str] = &[
    "accounts_by_reference",
    "some_accounts",
    "account",
    "create_account",
    "add_site",
    "add_site_use",
    "active_profile",
    "create_profile",
    "source_system",
    "terms",
];

fn fusion(scene: &Scene) -> Fusion {
    let transport = stubborn(scene, |sent| {
        (sent.path() == "/oauth2/v1/token").then(|| {
            ok(r#"{"access_token":"hunter2-0123456789abcdef","token_type":"Bearer","expires_in":3600}"#)
        })
    });
    let config = FusionConfig {
        client_proof: ClientProof::Secret(SECRET.into()),
        page_size: 3,
        attributes: BTreeSet::from(["CustomerClassCode".to_owned(), "Address".to_owned()]),
        terms: Terms { class: true, payment_terms: true },
        ..world::config()
    };
    Fusion::new(config, transport, Arc::new(clock().0)).unwrap()
}

fn party() -> ErpParty {
    ErpParty {
        id: PartyId(300_000_200_000_001),
        number: "100012".to_owned(),
        name: "Acme".to_owned(),
        usage: None,
        status: PartyStatus::Active,
        tax_id: None,
        url: None,
        phone: None,
        duns: None,
        email: None,
        currency: None,
        address: None,
        attributes: serde_json::Map::new(),
        updated_at: at("2026-01-02T03:04:05Z"),
    }
}

/// What is left out of a page is told as malformed, with a reason that fits on a screen.
fn rows<T>(rows: &[Seen<T>]) {
    for row in rows {
        if let Seen::Malformed(record) = row {
            assert!(!record.reason.is_empty() && record.reason.chars().count() <= 300, "{}", record.reason);
            assert!(
                !record.reason.chars().any(char::is_control),
                "control characters in {:?}",
                record.reason
            );
        }
    }
}

async fn make(fusion: &Fusion, call: &str) -> Called<()> {
    let (id, number, account) = (PartyId(300_000_200_000_001), "100012", AccountId(300_000_300_000_001));
    let reference = world::reference("PD-1-7");
    let by_id = ErpRead::ById { after: 0 };
    let window = ErpRead::Window { from: at("2026-01-01T00:00:00Z"), to: None };
    let document = |at| DocumentRead { at, created_since: None, segments: true };
    let company = Company {
        names: vec!["Acme".to_owned()],
        tax_ids: Vec::new(),
        duns: None,
        websites: Vec::new(),
        emails: Vec::new(),
        phones: Vec::new(),
        country: None,
        address: None,
    };
    match call {
        "prepare" => fusion.prepare().await,
        "parties" => fusion.parties(by_id).await.map(|page| rows(&page.rows)),
        "window" => fusion.parties(window).await.map(|page| rows(&page.rows)),
        "accounts" => fusion.accounts(window).await.map(|page| rows(&page.rows)),
        "party" => Erp::party(fusion, &PartyKey::Id(id)).await.map(|seen| rows(seen.as_slice())),
        "party_by_number" => Erp::party(fusion, &PartyKey::Number(number.to_owned())).await.map(drop),
        "accounts_of" => fusion.accounts_of(id).await.map(|found| rows(&found)),
        "links" => fusion.links(PartyId(0)).await.map(|page| rows(&page.rows)),
        "links_of" => fusion.links_of(&party()).await.map(|found| rows(&found)),
        "parties_by_reference" => ErpWrites::parties_by_reference(fusion, &reference).await.map(drop),
        "parties_like" => fusion.parties_like(&company).await.map(|found| rows(&found)),
        "create_party" => ErpWrites::create_party(fusion, &world::new_party("PD-1-7")).await.map(drop),
        "usages" => fusion.usages(number).await.map(drop),
        "add_usage" => ErpWrites::add_usage(fusion, number, "CUSTOMER").await,
        "addresses" => ErpWrites::addresses(fusion, number).await.map(drop),
        "add_address" => ErpWrites::add_address(fusion, number, &world::new_address()).await.map(drop),
        "etag_of" => fusion.etag_of(number).await.map(drop),
        "invoices" => {
            fusion.documents(DocumentKind::Invoice, document(window)).await.map(|page| rows(&page.rows))
        }
        "credit_memos" => {
            fusion.documents(DocumentKind::CreditMemo, document(by_id)).await.map(|page| rows(&page.rows))
        }
        "sales_orders" => {
            fusion.documents(DocumentKind::SalesOrder, document(window)).await.map(|page| rows(&page.rows))
        }
        "purchase_orders" => {
            fusion.documents(DocumentKind::PurchaseOrder, document(window)).await.map(|page| rows(&page.rows))
        }
        "open_invoices" => {
            ErpDocuments::open_invoices(fusion, TransactionId(0)).await.map(|page| rows(&page.rows))
        }
        "invoices_by_id" => {
            let ids: Vec<TransactionId> = (1..=4).map(TransactionId).collect();
            ErpDocuments::invoices_by_id(fusion, &ids).await.map(|found| rows(&found))
        }
        "installments" => Fusion::installments(fusion, TransactionId(1)).await.map(|found| rows(&found)),
        "invoice_details" => ErpDocuments::invoice_details(fusion, &[TransactionId(1)], true).await.map(drop),
        "sees_document" => fusion.sees_document(DocumentKind::Invoice).await.map(drop),
        "set_assignments" => fusion.set_assignments().await.map(drop),
        "shows_children" => fusion.shows_children(id).await.map(drop),
        "shape" => fusion.shape(Subject::Parties).await.map(drop),
        "sees_any" => fusion.sees_any(Subject::Accounts).await.map(drop),
        "first_account" => fusion.first_account().await.map(drop),
        "estimate_of_usages" => fusion.estimate_of_usages(&["CUSTOMER".to_owned()]).await.map(drop),
        "estimate_of_all" => fusion.estimate_of_all(Subject::Parties).await.map(drop),
        "accounts_by_reference" => ErpWrites::accounts_by_reference(fusion, &reference).await.map(drop),
        "some_accounts" => fusion.some_accounts(5).await.map(drop),
        "account" => ErpWrites::account(fusion, account).await.map(drop),
        "create_account" => {
            let new = world::new_account(id, PartySiteId(1), "PD-1-7");
            ErpWrites::create_account(fusion, &new).await.map(drop)
        }
        "add_site" => {
            ErpWrites::add_site(fusion, account, &world::new_site(PartySiteId(1), "PD-1-7")).await.map(drop)
        }
        "add_site_use" => {
            ErpWrites::add_site_use(fusion, account, AccountSiteId(2), "BILL_TO", &reference).await.map(drop)
        }
        "active_profile" => fusion.active_profile(&AccountKey::Id(account), id).await.map(drop),
        "create_profile" => ErpWrites::create_profile(fusion, &world::new_profile(account, id)).await,
        "source_system" => fusion.source_system("PIPEDRIVE").await.map(drop),
        "terms" => Erp::terms(fusion, account, id).await.map(drop),
        other => panic!("no call is named {other}"),
    }
}

type Ended = Result<(), (ErrorKind, Effect)>;

fn ended(scene: &Scene) -> Ended {
    let outcome = wait(make(&fusion(scene), &scene.call));
    outcome.map_err(|error| {
        told(&error, SECRET, scene);
        let CallError { kind, effect, .. } = error;
        (kind, effect)
    })
}

fn answer(scene: &Scene) {
    let outcome = ended(scene);
    if let Some(marked) = scene.marked() {
        assert_eq!(ended(&marked), outcome, "the mark of UTF-8 before an answer says nothing");
    }
}

fn run(target: &Target<'_>, calls: &[&str]) {
    target.run(|input| {
        let mut scene = Scene::parse(input);
        if !calls.contains(&scene.call.as_str()) {
            let some = hash(scene.call.as_bytes()) % u64::try_from(calls.len()).unwrap();
            scene = scene.to(calls[usize::try_from(some).unwrap()]);
        }
        answer(&scene);
    });
}

#[test]
fn fuzz_answers() {
    run(&ANSWERS, OF_ANSWERS);
}

#[test]
fn fuzz_soap() {
    run(&SOAP, OF_SOAP);
}

/// What is always refused is never read to its end.
#[test]
fn fuzz_begins_with_good_ones_too() {
    for corpus in [ANSWERS.corpus(), SOAP.corpus()] {
        let good = corpus.values().filter(|input| ended(&Scene::parse(input)).is_ok()).count();
        assert!(good * 5 >= corpus.len(), "{good} of {}", corpus.len());
    }
}

#[test]
fn fuzz_every_call_with_every_answer() {
    for input in ANSWERS.corpus().values().chain(SOAP.corpus().values()) {
        let scene = Scene::parse(input);
        for call in OF_ANSWERS.iter().chain(OF_SOAP) {
            println!("{call} instead of {}", scene.call);
            drop(ended(&scene.to(call)));
        }
    }
}
