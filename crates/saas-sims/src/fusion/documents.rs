//! Invoices with installments, credit memos, receipts, sales orders and purchase orders (sections 2 and 3): how they
//! come into the pod and change. Balances change in the installments; the invoice's own stamp need not move.

use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::{Value, json};

use super::accounts::ACCOUNTS;
use super::catalog;
use super::edit::Edit;
use super::resource::Resource;
use super::settings::FusionSettings;
use super::state::State;

const INVOICES: &str = "receivablesInvoices";
const INSTALLMENTS: &str = "receivablesInvoices/receivablesInvoiceInstallments";

/// A resource by its full name, or why there is none.
pub(crate) fn resource(name: &str) -> Result<&'static Resource, String> {
    catalog::by_full_name(name).ok_or_else(|| format!("no resource {name}"))
}

/// Adds a row of any resource but parties and accounts.
pub(crate) fn add(
    state: &mut State,
    name: &str,
    parent: Option<i64>,
    edit: Edit,
    now: Timestamp,
) -> Result<i64, String> {
    let resource = resource(name)?;
    let mut edit = edit;
    let id = state.next_id();
    edit.set.insert(resource.id.to_owned(), json!(id));
    if resource.attribute("OrderNumber").is_some() {
        edit.set.entry("OrderNumber").or_insert(json!((id % 10_000_000).to_string()));
    }
    if resource.key == "OrderKey" {
        let text = |name: &str| edit.set.get(name).and_then(Value::as_str).unwrap_or("OPS").to_owned();
        let key = format!("{}:{}", text("SourceTransactionSystem"), text("SourceTransactionId"));
        edit.set.entry("OrderKey").or_insert(json!(key));
    }
    state.apply(resource, id, parent, &edit, now)?;
    Ok(id)
}

/// Gives business units their reference data sets for account sites, one unit for each set, as its setup does.
pub(crate) fn assign_sets(state: &mut State, sets: &[i64], now: Timestamp) {
    let Ok(resource) = resource(catalog::SETS) else { return };
    for (index, set) in (1_i64..).zip(sets) {
        let unit = 300_000_100_000_000 + index;
        let edit = Edit::set(json!({
            "DeterminantType": "BU", "DeterminantValue": unit, "OrganizationId": unit,
            "OrganizationCode": format!("US{index}"), "ReferenceGroupName": "HZ_CUSTOMER_ACCOUNT_SITE",
            "SetCode": format!("US{index}SET"), "SetId": set,
        }));
        // The attributes are those of the resource.
        let _ = state.apply(resource, unit, None, &edit, now);
    }
}

/// Issues an invoice to an account: one installment for all of it, or as many as `parts` says, each due a month after the one
/// before.
pub(crate) fn invoice(
    state: &mut State,
    account: i64,
    edit: Edit,
    parts: &[f64],
    now: Timestamp,
) -> Result<i64, String> {
    let owner =
        state.table(&ACCOUNTS).get(account).cloned().ok_or_else(|| format!("no account {account}"))?;
    let mut edit = edit;
    let today = now.strftime("%Y-%m-%d").to_string();
    let amount = edit.set.get("EnteredAmount").and_then(Value::as_f64).unwrap_or_default();
    for (name, value) in [
        ("BillToPartyId", json!(owner.integer("CustomerId"))),
        ("BillToCustomerName", json!(owner.text("CustomerName"))),
        ("BillToCustomerNumber", json!(owner.text("AccountNumber"))),
        ("InvoiceStatus", json!("Complete")),
        ("InvoiceCurrencyCode", json!("USD")),
        ("InvoiceBalanceAmount", json!(amount)),
        ("EnteredAmount", json!(amount)),
        ("TransactionDate", json!(today)),
        ("TransactionType", json!("Invoice")),
        ("TransactionSource", json!("Manual")),
        ("DueDate", json!(today)),
    ] {
        edit.set.entry(name).or_insert(value);
    }
    let number = json!(format!("INV-{}", state.next_id() % 1_000_000));
    edit.set.entry("TransactionNumber").or_insert(number);
    let due = edit.set.get("DueDate").cloned().unwrap_or_default();
    let (by, stamp, late) = (edit.by.clone(), edit.stamp, edit.late);
    let id = add(state, INVOICES, None, edit, now)?;
    let whole = [amount];
    let parts = if parts.is_empty() { &whole } else { parts };
    let mut due: Option<Date> = due.as_str().and_then(|day| day.parse().ok());
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            due = due.and_then(|day| day.checked_add(1.month()).ok());
        }
        let day = due.map(|day| day.to_string());
        let values = json!({
            "InstallmentSequenceNumber": at + 1, "InstallmentDueDate": day, "OriginalAmount": part,
            "InstallmentBalanceDue": part, "AmountPaid": 0, "InstallmentAmountCredited": 0,
            "InstallmentAmountAdjusted": 0, "InstallmentStatus": "Open",
        });
        let installment = Edit { by: by.clone(), stamp, late, ..Edit::set(values) };
        add(state, INSTALLMENTS, Some(id), installment, now)?;
    }
    Ok(id)
}

/// A receipt or credit of so much, applied to the oldest installments first; more than is open leaves a negative balance.
pub(crate) fn settle(
    state: &mut State,
    settings: &FusionSettings,
    (invoice, amount): (i64, f64),
    credit: bool,
    by: &str,
    now: Timestamp,
) -> Result<(), String> {
    let (invoices, installments) = (resource(INVOICES)?, resource(INSTALLMENTS)?);
    let rows: Vec<_> = state.table(installments).owned_by(invoice).cloned().collect();
    let mut left = amount;
    let last = rows.len().saturating_sub(1);
    for (at, row) in rows.iter().enumerate() {
        let number = |name: &str| row.values.get(name).and_then(Value::as_f64).unwrap_or_default();
        let due = number("InstallmentBalanceDue");
        let applied = if at == last { left } else { left.min(due.max(0.0)) };
        if applied == 0.0 {
            continue;
        }
        left = cents(left - applied);
        let balance = cents(due - applied);
        let column = if credit { "InstallmentAmountCredited" } else { "AmountPaid" };
        let open = balance > 0.0;
        let closed = (!open).then(|| now.strftime("%Y-%m-%d").to_string());
        let values = json!({
            "InstallmentBalanceDue": balance, column: cents(number(column) + applied),
            "InstallmentStatus": if open { "Open" } else { "Closed" }, "InstallmentClosedDate": closed,
        });
        state.apply(installments, row.id, None, &Edit::set(values).by(by), now)?;
    }
    let header = state.table(invoices).get(invoice).ok_or_else(|| format!("no invoice {invoice}"))?;
    let before = header.values.get("InvoiceBalanceAmount").and_then(Value::as_f64).unwrap_or_default();
    let edit = Edit::set(json!({"InvoiceBalanceAmount": cents(before - amount)})).by(by);
    let edit = if settings.payment_moves_invoice { edit } else { edit.unstamped() };
    state.apply(invoices, invoice, None, &edit, now)
}

/// Amounts have two decimals here.
fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}
