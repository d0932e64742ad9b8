//! Invoices, credit memos, receipts and orders (sections 1.3, 2, 3).

use jiff::SignedDuration;
use saas_sims::fusion::{Edit, FusionSettings};
use serde_json::{Value, json};

use crate::http::{Pod, ids};

const BASE: &str = "/fscmRestApi/resources/11.13.18.05";

fn path(resource: &str) -> String {
    format!("{BASE}/{resource}")
}

async fn pod_with_account(settings: FusionSettings) -> (Pod, i64) {
    let pod = Pod::with(settings).await;
    let party =
        pod.sim.add_party(Edit::set(json!({"OrganizationName": "A", "PartyUsageCode": "CUSTOMER"}))).unwrap();
    let account = pod.sim.add_account(party, Edit::default()).unwrap();
    (pod, account)
}

#[tokio::test]
async fn purchase_order_and_cross_reference_of_an_invoice_are_for_the_finder_only() {
    let (pod, account) = pod_with_account(FusionSettings::default()).await;
    let values = json!({"EnteredAmount": 100.5, "PurchaseOrder": "PD-17", "CrossReference": "X"});
    let id = pod.sim.add_invoice(account, Edit::set(values), &[]).unwrap();
    let invoices = path("receivablesInvoices");
    for attribute in ["PurchaseOrder", "CrossReference", "BillToCustomerNumber", "InvoiceCurrencyCode"] {
        let q = format!("{attribute} = 'x'");
        let answer = pod.get(&invoices, &[("q", &q)]).await;
        assert!(answer.refused(400).text.contains("not queryable"), "{attribute}");
    }
    pod.get(&invoices, &[("q", "TransactionDate = '2026-03-02'")]).await.refused(400);
    for (finder, found) in [
        ("PurchaseOrder=PD-17", 1),
        ("PurchaseOrder=PD", 0),
        ("CrossReference=X,TransactionDate=2026-03-02", 1),
    ] {
        let finder = format!("invoiceSearch;{finder}");
        assert_eq!(pod.get(&invoices, &[("finder", &finder)]).await.ok()["count"], found, "{finder}");
    }
    let open = pod.get(&invoices, &[("q", "InvoiceBalanceAmount <> 0")]).await.ok();
    assert_eq!(ids(&open["items"], "CustomerTransactionId"), [id]);
    // Nulls are present, amounts are numbers.
    let item = &open["items"][0];
    assert!(
        item.as_object().unwrap().contains_key("SpecialInstructions")
            && item["SpecialInstructions"].is_null()
    );
    assert_eq!(item["EnteredAmount"], 100.5);
}

#[tokio::test]
async fn a_payment_changes_balance_and_installments_and_not_the_invoices_stamp_unless_so_set() {
    for moves in [false, true] {
        let settings = FusionSettings { payment_moves_invoice: moves, ..FusionSettings::default() };
        let (pod, account) = pod_with_account(settings).await;
        let id =
            pod.sim.add_invoice(account, Edit::set(json!({"EnteredAmount": 90.0})), &[60.0, 30.0]).unwrap();
        let invoice = |pod: &Pod| pod.sim.row("receivablesInvoices", id).unwrap();
        let before = invoice(&pod);
        pod.clock.advance(SignedDuration::from_mins(10));
        pod.sim.pay_invoice(id, 70.0).unwrap();
        pod.sim.credit_invoice(id, 5.0).unwrap();
        let after = invoice(&pod);
        assert_eq!(after["InvoiceBalanceAmount"], 15.0);
        assert_eq!(before["LastUpdateDate"] != after["LastUpdateDate"], moves);
        let child = format!("{}/{id}/child/receivablesInvoiceInstallments", path("receivablesInvoices"));
        let parts = pod.get(&child, &[("orderBy", "InstallmentSequenceNumber")]).await.ok();
        let column = |name: &str| {
            parts["items"].as_array().unwrap().iter().map(|part| part[name].clone()).collect::<Vec<Value>>()
        };
        assert_eq!(column("AmountPaid"), [json!(60.0), json!(10.0)]);
        assert_eq!(column("InstallmentBalanceDue"), [json!(0.0), json!(15.0)]);
        assert_eq!(column("InstallmentAmountCredited"), [json!(0), json!(5.0)]);
        assert_eq!(column("InstallmentStatus"), [json!("Closed"), json!("Open")]);
    }
}

#[tokio::test]
async fn the_stamps_of_memos_receipts_drafts_and_sites_are_shown_and_not_queryable() {
    let pod = Pod::new().await;
    for resource in [
        "receivablesCreditMemos",
        "standardReceipts",
        "draftPurchaseOrders",
        "receivablesCustomerAccountSiteActivities",
    ] {
        pod.sim.add_row(resource, None, Edit::default()).unwrap();
        let answer = pod.get(&path(resource), &[("q", "LastUpdateDate > '2026-01-01T00:00:00Z'")]).await;
        assert!(answer.refused(400).text.contains("LastUpdateDate is not queryable"), "{resource}");
        assert!(pod.get(&path(resource), &[]).await.ok()["items"][0]["LastUpdateDate"].is_string());
    }
    // A credit memo's PurchaseOrder is queryable, other than an invoice's.
    pod.get(&path("receivablesCreditMemos"), &[("q", "PurchaseOrder = 'PD-17'")]).await.ok();
}

#[tokio::test]
async fn flexfields_are_children_with_the_companys_own_segments() {
    let (pod, account) = pod_with_account(FusionSettings::default()).await;
    let id = pod.sim.add_invoice(account, Edit::set(json!({"EnteredAmount": 1})), &[]).unwrap();
    let segment = Edit::set(json!({"__FLEX_Context": "CRM", "dealId": "17"}));
    pod.sim.add_row("receivablesInvoices/receivablesInvoiceDFF", Some(id), segment).unwrap();
    let query = [("expand", "receivablesInvoiceDFF"), ("onlyData", "true")];
    let body = pod.get(&path("receivablesInvoices"), &query).await.ok();
    assert_eq!(body["items"][0]["receivablesInvoiceDFF"]["items"][0]["dealId"], "17");
}

#[tokio::test]
async fn a_purchase_orders_url_has_an_opaque_key() {
    let pod = Pod::new().await;
    let id = pod
        .sim
        .add_row("purchaseOrders", None, Edit::set(json!({"Total": 12.5, "ReferenceNumber": "R"})))
        .unwrap();
    let body = pod.get(&path("purchaseOrders"), &[]).await.ok();
    let href = body["items"][0]["links"][0]["href"].as_str().unwrap();
    let (_, key) = href.rsplit_once('/').unwrap();
    assert!(key.starts_with("00020000000EACED0005") && !key.contains(&id.to_string()));
    assert_eq!(pod.get(&format!("{}/{key}", path("purchaseOrders")), &[]).await.ok()["POHeaderId"], id);
    pod.get(&format!("{}/{id}", path("purchaseOrders")), &[]).await.refused(404);
    let q = format!("POHeaderId = {id}");
    assert_eq!(pod.get(&path("purchaseOrders"), &[("q", &q)]).await.ok()["count"], 1);
    for q in ["Total > 1", "ReferenceNumber = 'R'", "OrderDate = '2026-03-02'"] {
        pod.get(&path("purchaseOrders"), &[("q", q)]).await.refused(400);
    }
}

#[tokio::test]
async fn fields_and_totals_of_purchase_orders_end_in_500_unless_so_set() {
    let pod = Pod::new().await;
    for query in [("fields", "POHeaderId"), ("totalResults", "true")] {
        pod.get(&path("purchaseOrders"), &[query]).await.refused(500);
    }
    let lax = FusionSettings { purchase_orders_fail_on_fields: false, ..FusionSettings::default() };
    Pod::with(lax).await.get(&path("purchaseOrders"), &[("fields", "POHeaderId")]).await.ok();
}

#[tokio::test]
async fn a_sales_order_carries_the_deal_in_its_source_and_is_keyed_by_it() {
    let pod = Pod::new().await;
    let values = json!({"SourceTransactionSystem": "PIPEDRIVE", "SourceTransactionId": "17", "SourceTransactionNumber": "17",
                        "CustomerPONumber": "PD-17", "TransactionOn": "2026-03-01", "TransactionalCurrencyCode": "EUR"});
    let id = pod.sim.add_row("salesOrdersForOrderHub", None, Edit::set(values)).unwrap();
    let orders = path("salesOrdersForOrderHub");
    assert_eq!(pod.get(&format!("{orders}/PIPEDRIVE:17"), &[]).await.ok()["HeaderId"], id);
    let find = |text: &'static str| {
        let pod = &pod;
        let orders = orders.clone();
        async move { pod.get(&orders, &[("finder", text)]).await.ok()["count"].clone() }
    };
    let by_source =
        "findBySourceOrderNumberAndSystem;SourceTransactionNumber=17,SourceTransactionSystem=PIPEDRIVE";
    assert_eq!(find(by_source).await, 1);
    assert_eq!(find("findByOrderedDate;FromDate=2026-03-01,ToDate=2026-03-01").await, 1);
    assert_eq!(find("findByOrderedDate;FromDate=2026-03-02,ToDate=2026-03-03").await, 0);
    let q = "CustomerPONumber = 'PD-17' and LastUpdateDate >= '2026-01-01T00:00:00Z'";
    assert_eq!(pod.get(&orders, &[("q", q)]).await.ok()["count"], 1);
}
