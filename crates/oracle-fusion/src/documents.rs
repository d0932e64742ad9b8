//! Reading documents: headers by walk and window, balances, installments (oracle-fusion.md 2, 3; 10, no. 10).

use std::{collections::BTreeMap, marker::PhantomData};

use async_trait::async_trait;
use futures::future::try_join_all;
use saas_http::scalar::{amount, day, int, moment, required, text};
use serde_json::Value;
use sync_core::{
    documents::{
        Document as AnyDocument, DocumentKind, ErpCreditMemo, ErpInvoice, ErpPurchaseOrder, ErpSalesOrder,
        Installment, InvoiceDetails,
    },
    error::{CallError, ErrorKind},
    ids::{PartyId, PurchaseOrderId, SalesOrderId, TransactionId},
    model::{Page, Seen},
    poll::ErpRead,
    ports::{Called, DocumentRead, ErpDocuments},
};

use crate::{
    api::documents::{
        CreditMemoDto, CreditMemos, Document, InstallmentDto, Installments, InvoiceDetailsDto, InvoiceDto,
        Invoices, List, PurchaseOrderDto, PurchaseOrders, SalesOrderDto, SalesOrders, Which,
    },
    client::Fusion,
    convert::seen,
};

/// Invoices asked for by id at once: a `q` of some kilobytes passes every gateway.
const IDS: usize = 100;

/// What comes with an invoice: installments, and the two descriptive flexfields that it has (2).
const DETAILS: &str = "receivablesInvoiceInstallments";
const DETAILS_WITH_SEGMENTS: &str =
    "receivablesInvoiceInstallments,receivablesInvoiceDFF,receivablesInvoiceTransactionDFF";

/// The flexfield that comes with a purchase order (3.1).
const SEGMENTS: &str = "DFF";

impl Fusion {
    /// One page of invoices, of any status.
    ///
    /// # Errors
    /// As every call.
    pub async fn invoices(&self, read: ErpRead) -> Called<Page<ErpInvoice>> {
        self.page_of(Invoices, Which::Read(read, None), invoice).await
    }

    /// One page of the invoices with a balance whose id is greater than `after`. A payment changes the balance without
    /// moving the stamp, so balances are asked for by themselves.
    ///
    /// # Errors
    /// As every call.
    pub async fn open_invoices(&self, after: i64) -> Called<Page<ErpInvoice>> {
        self.page_of(Invoices, Which::Open { after }, invoice).await
    }

    /// Invoices by id: those that were open with us and are absent from [`Fusion::open_invoices`].
    ///
    /// # Errors
    /// As every call.
    pub async fn invoices_by_id(&self, ids: &[TransactionId]) -> Called<Vec<Seen<ErpInvoice>>> {
        let mut all = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS.min(self.page_size() as usize)) {
            let which = Which::Ids(some.iter().map(|id| id.0).collect());
            all.extend(self.page_of(Invoices, which, invoice).await?.rows);
        }
        Ok(all)
    }

    /// What these invoices say beside their headers; what is missing is left out.
    ///
    /// # Errors
    /// As every call.
    pub async fn invoice_details(
        &self,
        ids: &[TransactionId],
        segments: bool,
    ) -> Called<BTreeMap<TransactionId, InvoiceDetails>> {
        let expand = if segments { DETAILS_WITH_SEGMENTS } else { DETAILS };
        let pages = ids.chunks(IDS.min(self.page_size() as usize)).map(|some| {
            let which = Which::Ids(some.iter().map(|id| id.0).collect());
            self.expanded(Invoices, which, expand, details)
        });
        let mut all = BTreeMap::new();
        // As many at a time as the pod is asked at a time: nobody waits longer than need be.
        for page in try_join_all(pages).await? {
            for seen in page.rows {
                let (id, mut details, cut) = match seen {
                    Seen::Record(one) => one,
                    Seen::Malformed(bad) => {
                        tracing::warn!(
                            id = bad.id,
                            reason = bad.reason,
                            "details of an invoice cannot be read"
                        );
                        continue;
                    }
                };
                if cut {
                    details.installments = all_readable(self.installments(id).await?);
                }
                details.segments = details.segments.filter(|_| segments);
                all.insert(id, details);
            }
        }
        Ok(all)
    }

    /// All installments of an invoice.
    ///
    /// # Errors
    /// As every call.
    pub async fn installments(&self, invoice: TransactionId) -> Called<Vec<Seen<Installment>>> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let list =
                Installments { api_version: self.api_version(), invoice, after, limit: self.page_size() };
            let page = self.page(list, installment).await?;
            let ids = page.rows.iter().filter_map(|row| match row {
                Seen::Record(row) => Some(row.id),
                Seen::Malformed(bad) => bad.id,
            });
            let last = ids.max();
            all.extend(page.rows);
            match last.filter(|last| page.more && *last > after) {
                Some(last) => after = last,
                None => return Ok(all),
            }
        }
    }

    /// One page of credit memos, by id only: their stamp cannot be asked for.
    ///
    /// # Errors
    /// As every call.
    pub async fn credit_memos(&self, after: i64) -> Called<Page<ErpCreditMemo>> {
        self.page_of(CreditMemos, Which::Read(ErpRead::ById { after }, None), credit_memo).await
    }

    /// One page of sales orders.
    ///
    /// # Errors
    /// As every call.
    pub async fn sales_orders(&self, read: ErpRead) -> Called<Page<ErpSalesOrder>> {
        self.page_of(SalesOrders, Which::Read(read, None), sales_order).await
    }

    /// One page of purchase orders.
    ///
    /// # Errors
    /// As every call.
    pub async fn purchase_orders(&self, read: ErpRead) -> Called<Page<ErpPurchaseOrder>> {
        self.page_of(PurchaseOrders, Which::Read(read, None), purchase_order).await
    }

    /// Whether our user sees any document of a kind. None at all, with status 200, is how a pod answers a user without access to
    /// the data (4.8).
    ///
    /// # Errors
    /// As every call.
    pub async fn sees_document(&self, kind: DocumentKind) -> Called<bool> {
        match kind {
            DocumentKind::Invoice => self.sees(Invoices, invoice).await,
            DocumentKind::CreditMemo => self.sees(CreditMemos, credit_memo).await,
            DocumentKind::SalesOrder => self.sees(SalesOrders, sales_order).await,
            DocumentKind::PurchaseOrder => self.sees(PurchaseOrders, purchase_order).await,
        }
    }

    async fn sees<D: Document, T>(&self, _: D, convert: fn(Value) -> Seen<T>) -> Called<bool> {
        let which = Which::Read(ErpRead::ById { after: 0 }, None);
        let one: List<'_, D> =
            List { api_version: self.api_version(), which, expand: "", limit: 1, kind: PhantomData };
        Ok(!self.page(one, convert).await?.rows.is_empty())
    }

    async fn page_of<D: Document, T>(
        &self,
        kind: D,
        which: Which,
        convert: fn(Value) -> Seen<T>,
    ) -> Called<Page<T>> {
        self.expanded(kind, which, "", convert).await
    }

    async fn expanded<D: Document, T>(
        &self,
        _: D,
        which: Which,
        expand: &'static str,
        convert: fn(Value) -> Seen<T>,
    ) -> Called<Page<T>> {
        let (api_version, limit) = (self.api_version(), self.page_size());
        let list: List<'_, D> = List { api_version, which, expand, limit, kind: PhantomData };
        self.page(list, convert).await
    }
}

/// The kinds of documents are one to whoever asks through the port.
#[async_trait]
impl ErpDocuments for Fusion {
    async fn documents(&self, kind: DocumentKind, read: DocumentRead) -> Called<Page<AnyDocument>> {
        let DocumentRead { at, created_since, segments } = read;
        let which = Which::Read(at, created_since);
        Ok(match kind {
            DocumentKind::Invoice => any(self.page_of(Invoices, which, invoice).await?),
            DocumentKind::SalesOrder => any(self.page_of(SalesOrders, which, sales_order).await?),
            DocumentKind::PurchaseOrder => {
                let expand = if segments { SEGMENTS } else { "" };
                any(self.expanded(PurchaseOrders, which, expand, purchase_order).await?)
            }
            DocumentKind::CreditMemo => match at {
                // Neither stamp can be asked for (oracle-fusion.md 2).
                ErpRead::ById { after } => any(self.credit_memos(after).await?),
                ErpRead::Window { .. } | ErpRead::Tie { .. } => {
                    let message = "the stamp of credit memos cannot be asked for";
                    return Err(CallError::without_effect(CreditMemos::NAME, ErrorKind::Rejected, message));
                }
            },
        })
    }

    async fn open_invoices(&self, after: TransactionId) -> Called<Page<AnyDocument>> {
        Ok(any(Self::open_invoices(self, after.0).await?))
    }

    async fn invoices_by_id(&self, ids: &[TransactionId]) -> Called<Vec<Seen<AnyDocument>>> {
        Ok(Self::invoices_by_id(self, ids).await?.into_iter().map(one).collect())
    }

    async fn invoice_details(
        &self,
        ids: &[TransactionId],
        segments: bool,
    ) -> Called<BTreeMap<TransactionId, InvoiceDetails>> {
        Self::invoice_details(self, ids, segments).await
    }
}

/// All of them; none if one cannot be read, because what they come to would be wrong.
fn all_readable<T>(rows: Vec<Seen<T>>) -> Option<Vec<T>> {
    let readable = rows.into_iter().map(|row| match row {
        Seen::Record(record) => Some(record),
        Seen::Malformed(_) => None,
    });
    readable.collect()
}

/// The rows of a child that came with its parent, and whether there are more of them than came. A page from framework version 3
/// on, an array before (4.5).
fn children(child: Option<Value>) -> (Vec<Value>, bool) {
    match child {
        Some(Value::Array(rows)) => (rows, false),
        Some(Value::Object(mut page)) => {
            let more = page.get("hasMore").and_then(Value::as_bool).unwrap_or(false);
            match page.remove("items") {
                Some(Value::Array(rows)) => (rows, more),
                _ => (Vec::new(), more),
            }
        }
        _ => (Vec::new(), false),
    }
}

/// What a flexfield says: whatever is not its frame.
fn segments_of(flexfield: Option<Value>) -> BTreeMap<String, String> {
    let frame = |name: &str| {
        name.starts_with("__FLEX") || matches!(name, "CustomerTrxId" | "PoHeaderId" | "POHeaderId" | "links")
    };
    let (rows, _) = children(flexfield);
    let attributes = rows.into_iter().filter_map(|row| match row {
        Value::Object(attributes) => Some(attributes),
        _ => None,
    });
    let said = attributes.flatten().filter(|(name, _)| !frame(name));
    said.filter_map(|(name, value)| {
        let value = text(&name, Some(&value)).ok().flatten()?;
        Some((name, value))
    })
    .collect()
}

/// What came with an invoice, and whether there are more installments than came.
fn details(item: Value) -> Seen<(TransactionId, InvoiceDetails, bool)> {
    seen("CustomerTransactionId", None, item, |dto: InvoiceDetailsDto| {
        let id = int("CustomerTransactionId", dto.customer_transaction_id.as_ref())?;
        // Without the child nothing is known of its installments.
        let told = dto.receivables_invoice_installments.is_some();
        let (rows, more) = children(dto.receivables_invoice_installments);
        let installments = all_readable(rows.into_iter().map(installment).collect()).filter(|_| told);
        let mut segments = segments_of(dto.receivables_invoice_transaction_dff);
        segments.extend(segments_of(dto.receivables_invoice_dff));
        let id = TransactionId(required("CustomerTransactionId", id)?);
        Ok((id, InvoiceDetails { installments, segments: Some(segments) }, more))
    })
}

fn any<T>(page: Page<T>) -> Page<AnyDocument>
where
    AnyDocument: for<'a> From<&'a T>,
{
    let Page { rows, more, next, server_now } = page;
    Page { rows: rows.into_iter().map(one).collect(), more, next, server_now }
}

fn one<T>(seen: Seen<T>) -> Seen<AnyDocument>
where
    AnyDocument: for<'a> From<&'a T>,
{
    match seen {
        Seen::Record(record) => Seen::Record(AnyDocument::from(&record)),
        Seen::Malformed(bad) => Seen::Malformed(bad),
    }
}

fn invoice(item: Value) -> Seen<ErpInvoice> {
    seen("CustomerTransactionId", Some("BillToPartyId"), item, |dto: InvoiceDto| {
        let id = int("CustomerTransactionId", dto.customer_transaction_id.as_ref())?;
        let number = text("TransactionNumber", dto.transaction_number.as_ref())?;
        let updated_at = moment("LastUpdateDate", dto.last_update_date.as_ref())?;
        Ok(ErpInvoice {
            id: TransactionId(required("CustomerTransactionId", id)?),
            // An incomplete invoice may have no number yet.
            number: number.unwrap_or_default(),
            party: int("BillToPartyId", dto.bill_to_party_id.as_ref())?.map(PartyId),
            account_number: text("BillToCustomerNumber", dto.bill_to_customer_number.as_ref())?,
            status: text("InvoiceStatus", dto.invoice_status.as_ref())?,
            currency: text("InvoiceCurrencyCode", dto.invoice_currency_code.as_ref())?,
            entered: amount("EnteredAmount", dto.entered_amount.as_ref())?,
            balance: amount("InvoiceBalanceAmount", dto.invoice_balance_amount.as_ref())?,
            date: day("TransactionDate", dto.transaction_date.as_ref())?,
            due: day("DueDate", dto.due_date.as_ref())?,
            purchase_order: text("PurchaseOrder", dto.purchase_order.as_ref())?,
            cross_reference: text("CrossReference", dto.cross_reference.as_ref())?,
            special_instructions: text("SpecialInstructions", dto.special_instructions.as_ref())?,
            business_unit: text("BusinessUnit", dto.business_unit.as_ref())?,
            updated_at: required("LastUpdateDate", updated_at)?,
        })
    })
}

fn installment(item: Value) -> Seen<Installment> {
    seen("InstallmentId", None, item, |dto: InstallmentDto| {
        Ok(Installment {
            id: required("InstallmentId", int("InstallmentId", dto.installment_id.as_ref())?)?,
            due: day("InstallmentDueDate", dto.installment_due_date.as_ref())?,
            original: amount("OriginalAmount", dto.original_amount.as_ref())?,
            balance: amount("InstallmentBalanceDue", dto.installment_balance_due.as_ref())?,
            paid: amount("AmountPaid", dto.amount_paid.as_ref())?,
            credited: amount("InstallmentAmountCredited", dto.installment_amount_credited.as_ref())?,
        })
    })
}

fn credit_memo(item: Value) -> Seen<ErpCreditMemo> {
    seen("CustomerTransactionId", None, item, |dto: CreditMemoDto| {
        let id = int("CustomerTransactionId", dto.customer_transaction_id.as_ref())?;
        Ok(ErpCreditMemo {
            id: TransactionId(required("CustomerTransactionId", id)?),
            number: text("TransactionNumber", dto.transaction_number.as_ref())?.unwrap_or_default(),
            account_number: text("BillToCustomerNumber", dto.bill_to_customer_number.as_ref())?,
            currency: text("CreditMemoCurrency", dto.credit_memo_currency.as_ref())?,
            entered: amount("EnteredAmount", dto.entered_amount.as_ref())?,
            date: day("TransactionDate", dto.transaction_date.as_ref())?,
            purchase_order: text("PurchaseOrder", dto.purchase_order.as_ref())?,
            cross_reference: text("CrossReference", dto.cross_reference.as_ref())?,
        })
    })
}

fn sales_order(item: Value) -> Seen<ErpSalesOrder> {
    seen("HeaderId", Some("BuyingPartyId"), item, |dto: SalesOrderDto| {
        let updated_at = moment("LastUpdateDate", dto.last_update_date.as_ref())?;
        Ok(ErpSalesOrder {
            id: SalesOrderId(required("HeaderId", int("HeaderId", dto.header_id.as_ref())?)?),
            number: required("OrderNumber", text("OrderNumber", dto.order_number.as_ref())?)?,
            party: int("BuyingPartyId", dto.buying_party_id.as_ref())?.map(PartyId),
            source_system: text("SourceTransactionSystem", dto.source_transaction_system.as_ref())?,
            source_number: text("SourceTransactionNumber", dto.source_transaction_number.as_ref())?,
            customer_po: text("CustomerPONumber", dto.customer_po_number.as_ref())?,
            status: text("StatusCode", dto.status_code.as_ref())?,
            currency: text("TransactionalCurrencyCode", dto.transactional_currency_code.as_ref())?,
            updated_at: required("LastUpdateDate", updated_at)?,
        })
    })
}

fn purchase_order(item: Value) -> Seen<ErpPurchaseOrder> {
    seen("POHeaderId", Some("SupplierPartyId"), item, |dto: PurchaseOrderDto| {
        let updated_at = moment("LastUpdateDate", dto.last_update_date.as_ref())?;
        Ok(ErpPurchaseOrder {
            id: PurchaseOrderId(required("POHeaderId", int("POHeaderId", dto.po_header_id.as_ref())?)?),
            number: required("OrderNumber", text("OrderNumber", dto.order_number.as_ref())?)?,
            supplier: int("SupplierPartyId", dto.supplier_party_id.as_ref())?.map(PartyId),
            status: text("StatusCode", dto.status_code.as_ref())?,
            total: amount("Total", dto.total.as_ref())?,
            currency: text("CurrencyCode", dto.currency_code.as_ref())?,
            description: text("Description", dto.description.as_ref())?,
            reference: text("ReferenceNumber", dto.reference_number.as_ref())?,
            sales_order: text("SalesOrder", dto.sales_order.as_ref())?,
            segments: segments_of(dto.dff),
            updated_at: required("LastUpdateDate", updated_at)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Both forms of an expanded child (4.5), and whatever else may stand there.
    #[test]
    fn children_are_read_in_both_forms() {
        let row = json!({"CustomerTrxId": 1, "__FLEX_Context": "CRM", "dealId": 17, "empty": null});
        for child in [json!([row]), json!({"items": [row], "hasMore": true})] {
            let (rows, more) = children(Some(child.clone()));
            assert_eq!((rows.len(), more), (1, child.is_object()));
            let said = segments_of(Some(child));
            assert_eq!(said.into_iter().collect::<Vec<_>>(), [("dealId".to_owned(), "17".to_owned())]);
        }
        for nothing in [json!(null), json!("x"), json!({}), json!({"items": 1})] {
            assert_eq!(children(Some(nothing)), (Vec::new(), false));
        }
        assert_eq!(children(None), (Vec::new(), false));
    }

    #[test]
    fn installments_of_which_one_cannot_be_read_are_not_known() {
        let invoice = |installments: Value| {
            let item = json!({"CustomerTransactionId": 1, "receivablesInvoiceInstallments": installments});
            match details(item) {
                Seen::Record((_, details, _)) => details.installments.map(|parts| parts.len()),
                Seen::Malformed(bad) => panic!("{bad:?}"),
            }
        };
        assert_eq!(invoice(json!([])), Some(0));
        assert_eq!(invoice(json!([{"InstallmentId": 1, "AmountPaid": 5}])), Some(1));
        assert_eq!(invoice(json!([{"InstallmentId": 1}, {"AmountPaid": "many"}])), None);
        assert_eq!(invoice(Value::Null), None);
    }
}
