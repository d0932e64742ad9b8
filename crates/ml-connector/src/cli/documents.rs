//! `documents`, `deals` and `explain`

use clap::{Args, Subcommand};
use sync_core::documents::DocumentKey;

/// `documents`
#[derive(Debug, Subcommand)]
pub enum DocumentsCommand {
    /// List documents of the ERP with the deal they belong to, or why they belong to none
    List(DocumentsListArgs),
    /// Say to which deal a document belongs, or that it belongs to none; the answer is remembered
    Assign(DocumentsAssignArgs),
    /// List the rules that were made of answers (`assign --always`), or remove one
    Rules(DocumentsRulesArgs),
}

/// `documents list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector documents list --unmatched
  ml-connector documents list --deal 81 --json")]
pub struct DocumentsListArgs {
    /// List only documents that found no deal: several may be meant, or none was found
    #[arg(long, conflicts_with = "deal")]
    pub unmatched: bool,
    /// List only documents that belong to this deal
    #[arg(long, value_name = "ID")]
    pub deal: Option<i64>,
    /// List only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// List this many documents of each connection at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// `documents assign`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector documents assign invoice:300000001234567 81
  ml-connector documents assign invoice:300000001234567 81 --always PurchaseOrder
  ml-connector documents assign invoice:300000001234567 none
  ml-connector documents assign invoice:300000001234567 --undo")]
pub struct DocumentsAssignArgs {
    /// The document: its kind and its id in the ERP
    #[arg(value_name = "DOC")]
    pub document: DocumentKey,
    /// The deal in Pipedrive, or `none`
    #[arg(value_name = "DEAL", required_unless_present = "undo", conflicts_with = "undo")]
    pub deal: Option<DealChoice>,
    /// Take back what was said
    #[arg(long)]
    pub undo: bool,
    /// Make a rule of it: for all documents that say the same in this field (such as PurchaseOrder), are of the same
    /// `account`, or of the same `party` (customer or supplier)
    #[arg(long, value_name = "LIKENESS", conflicts_with = "undo")]
    pub always: Option<String>,
    /// Assign it only in this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Say who decides; the name of the user otherwise
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// `documents rules`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector documents rules
  ml-connector documents rules --remove 2")]
pub struct DocumentsRulesArgs {
    /// Remove the rule of this number; documents that it moved are looked at again
    #[arg(long, value_name = "ID")]
    pub remove: Option<i64>,
    /// Only in this connection; needed to remove a rule where there are several connections
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Say who removes it; the name of the user otherwise
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// A deal, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DealChoice {
    /// This one.
    Deal(i64),
    /// None.
    None,
}

impl std::str::FromStr for DealChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse::<i64>()) {
            ("none", _) => Ok(Self::None),
            (_, Ok(id)) if id > 0 => Ok(Self::Deal(id)),
            _ => Err(format!("`{text}` is neither the id of a deal nor `none`")),
        }
    }
}

/// `deals`
#[derive(Debug, Subcommand)]
pub enum DealsCommand {
    /// List deals of Pipedrive by what documents do with them
    List(DealsListArgs),
}

/// `deals list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector deals list --without-documents
  ml-connector deals list --asked --json")]
pub struct DealsListArgs {
    /// Which deals
    #[command(flatten)]
    pub which: WhichDeals,
    /// List only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Go on after this deal
    #[arg(long, value_name = "ID", conflicts_with = "asked")]
    pub after: Option<i64>,
    /// List this many deals of each connection at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// Which deals to list.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WhichDeals {
    /// Won deals to which no document belongs
    #[arg(long)]
    pub without_documents: bool,
    /// Deals of which a field cannot be shown, or is contested
    #[arg(long)]
    pub asked: bool,
}

/// `explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector explain invoice:300000001234567")]
pub struct ExplainArgs {
    /// The document: its kind (invoice, credit_memo, sales_order or purchase_order) and its id in the ERP
    #[arg(value_name = "DOC")]
    pub document: DocumentKey,
    /// Look only into this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}
