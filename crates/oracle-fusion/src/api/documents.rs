//! Receivables and orders: headers, installments, credit memos (oracle-fusion.md 2, 3).

use std::marker::PhantomData;

use http::Method;
use jiff::Timestamp;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use sync_core::{ids::TransactionId, poll::ErpRead};

use super::Collection;
use crate::query;

/// A kind of document that is read by id and, where its stamp may be asked for, by window.
pub(crate) trait Document: Send + Sync {
    const NAME: &'static str;
    const RESOURCE: &'static str;
    /// The unique attribute that walks follow.
    const ID: &'static str;
    /// What is decoded, hence what is asked for; `None` where asking for fields ends in 500 (3.1).
    const FIELDS: Option<&'static str>;
}

/// One page of documents.
pub(crate) struct List<'a, D> {
    pub(crate) api_version: &'a str,
    /// The condition and the order.
    pub(crate) which: Which,
    /// Children that come with each document, by comma; then all its attributes come, too: `fields` would win (4.2).
    pub(crate) expand: &'static str,
    pub(crate) limit: u32,
    pub(crate) kind: PhantomData<D>,
}

/// Which documents.
pub(crate) enum Which {
    /// As polls and walks want them, perhaps only what was entered since.
    Read(ErpRead, Option<Timestamp>),
    /// Those with a balance whose id is greater.
    Open { after: i64 },
    /// These.
    Ids(Vec<i64>),
}

impl<D: Document> Endpoint for List<'_, D> {
    const NAME: &'static str = D::NAME;
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("fscmRestApi/resources/{}/{}", self.api_version, D::RESOURCE)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let fields = D::FIELDS.filter(|_| self.expand.is_empty());
        let by_id = |condition: String| query::of(condition, format!("{}:asc", D::ID), fields, self.limit);
        let mut query = match &self.which {
            Which::Read(read, created_since) => {
                let mut condition = query::condition(*read, D::ID);
                if let Some(since) = created_since {
                    condition = format!("{condition} and {}", query::created_on(*since));
                }
                query::of(condition, query::order(*read, D::ID), fields, self.limit)
            }
            Which::Open { after } => by_id(format!("InvoiceBalanceAmount <> 0 and {} > {after}", D::ID)),
            Which::Ids(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                by_id(format!("{} in ({})", D::ID, ids.join(",")))
            }
        };
        if !self.expand.is_empty() {
            query.push(("expand", self.expand.to_owned()));
        }
        query
    }
}

pub(crate) struct Invoices;
pub(crate) struct CreditMemos;
pub(crate) struct SalesOrders;
pub(crate) struct PurchaseOrders;

impl Document for Invoices {
    const NAME: &'static str = "receivables_invoices.list";
    const RESOURCE: &'static str = "receivablesInvoices";
    const ID: &'static str = "CustomerTransactionId";
    const FIELDS: Option<&'static str> = Some(
        "CustomerTransactionId,TransactionNumber,BillToPartyId,BillToCustomerNumber,InvoiceStatus,\
         InvoiceCurrencyCode,EnteredAmount,InvoiceBalanceAmount,TransactionDate,DueDate,PurchaseOrder,CrossReference,\
         SpecialInstructions,BusinessUnit,LastUpdateDate",
    );
}

impl Document for CreditMemos {
    const NAME: &'static str = "receivables_credit_memos.list";
    const RESOURCE: &'static str = "receivablesCreditMemos";
    const ID: &'static str = "CustomerTransactionId";
    const FIELDS: Option<&'static str> = Some(
        "CustomerTransactionId,TransactionNumber,BillToCustomerNumber,CreditMemoCurrency,EnteredAmount,\
         TransactionDate,PurchaseOrder,CrossReference",
    );
}

impl Document for SalesOrders {
    const NAME: &'static str = "sales_orders.list";
    const RESOURCE: &'static str = "salesOrdersForOrderHub";
    const ID: &'static str = "HeaderId";
    const FIELDS: Option<&'static str> = Some(
        "HeaderId,OrderNumber,BuyingPartyId,SourceTransactionSystem,SourceTransactionNumber,CustomerPONumber,\
         StatusCode,TransactionalCurrencyCode,LastUpdateDate",
    );
}

impl Document for PurchaseOrders {
    const NAME: &'static str = "purchase_orders.list";
    const RESOURCE: &'static str = "purchaseOrders";
    const ID: &'static str = "POHeaderId";
    const FIELDS: Option<&'static str> = None;
}

/// The installments of one invoice: all of them, few as they are.
pub(crate) struct Installments<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) invoice: TransactionId,
    /// Those with a greater id.
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

impl Endpoint for Installments<'_> {
    const NAME: &'static str = "receivables_invoices.installments";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!(
            "fscmRestApi/resources/{}/receivablesInvoices/{}/child/receivablesInvoiceInstallments",
            self.api_version, self.invoice
        )
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let condition = format!("InstallmentId > {}", self.after);
        query::of(condition, "InstallmentId:asc".to_owned(), None, self.limit)
    }
}

/// An invoice as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InvoiceDto {
    pub(crate) customer_transaction_id: Option<Value>,
    pub(crate) transaction_number: Option<Value>,
    pub(crate) bill_to_party_id: Option<Value>,
    pub(crate) bill_to_customer_number: Option<Value>,
    pub(crate) invoice_status: Option<Value>,
    pub(crate) invoice_currency_code: Option<Value>,
    pub(crate) entered_amount: Option<Value>,
    pub(crate) invoice_balance_amount: Option<Value>,
    pub(crate) transaction_date: Option<Value>,
    pub(crate) due_date: Option<Value>,
    pub(crate) purchase_order: Option<Value>,
    pub(crate) cross_reference: Option<Value>,
    pub(crate) special_instructions: Option<Value>,
    pub(crate) business_unit: Option<Value>,
    pub(crate) last_update_date: Option<Value>,
}

/// What comes with an invoice that is expanded.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvoiceDetailsDto {
    #[serde(rename = "CustomerTransactionId")]
    pub(crate) customer_transaction_id: Option<Value>,
    pub(crate) receivables_invoice_installments: Option<Value>,
    #[serde(rename = "receivablesInvoiceDFF")]
    pub(crate) receivables_invoice_dff: Option<Value>,
    #[serde(rename = "receivablesInvoiceTransactionDFF")]
    pub(crate) receivables_invoice_transaction_dff: Option<Value>,
}

/// An installment as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InstallmentDto {
    pub(crate) installment_id: Option<Value>,
    pub(crate) installment_due_date: Option<Value>,
    pub(crate) original_amount: Option<Value>,
    pub(crate) installment_balance_due: Option<Value>,
    pub(crate) amount_paid: Option<Value>,
    pub(crate) installment_amount_credited: Option<Value>,
}

/// A credit memo as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreditMemoDto {
    pub(crate) customer_transaction_id: Option<Value>,
    pub(crate) transaction_number: Option<Value>,
    pub(crate) bill_to_customer_number: Option<Value>,
    pub(crate) credit_memo_currency: Option<Value>,
    pub(crate) entered_amount: Option<Value>,
    pub(crate) transaction_date: Option<Value>,
    pub(crate) purchase_order: Option<Value>,
    pub(crate) cross_reference: Option<Value>,
}

/// A sales order as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SalesOrderDto {
    pub(crate) header_id: Option<Value>,
    pub(crate) order_number: Option<Value>,
    pub(crate) buying_party_id: Option<Value>,
    pub(crate) source_transaction_system: Option<Value>,
    pub(crate) source_transaction_number: Option<Value>,
    #[serde(rename = "CustomerPONumber")]
    pub(crate) customer_po_number: Option<Value>,
    pub(crate) status_code: Option<Value>,
    pub(crate) transactional_currency_code: Option<Value>,
    pub(crate) last_update_date: Option<Value>,
}

/// A purchase order as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PurchaseOrderDto {
    #[serde(rename = "POHeaderId")]
    pub(crate) po_header_id: Option<Value>,
    pub(crate) order_number: Option<Value>,
    pub(crate) supplier_party_id: Option<Value>,
    pub(crate) status_code: Option<Value>,
    pub(crate) total: Option<Value>,
    pub(crate) currency_code: Option<Value>,
    pub(crate) description: Option<Value>,
    pub(crate) reference_number: Option<Value>,
    pub(crate) sales_order: Option<Value>,
    #[serde(rename = "DFF")]
    pub(crate) dff: Option<Value>,
    pub(crate) last_update_date: Option<Value>,
}
