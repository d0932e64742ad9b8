//! The older documents of a note, told by year and currency in a bounded number of lines that keep the totals true.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    document::Document,
    kind::DocumentKind,
    money::{Currencies, shown_amount},
};
use crate::{money::Amount, text};

/// More lines would not be a summary.
const LINES: usize = 40;

/// More currencies have no lines of their own.
const CURRENCIES: usize = 20;

/// What some documents come to together.
#[derive(Debug, Clone, Default)]
struct Group {
    count: usize,
    total: i128,
    open: i128,
    /// Documents of which no amount is known.
    unknown: usize,
}

impl Group {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.total += other.total;
        self.open += other.open;
        self.unknown += other.unknown;
    }

    fn tell(
        &self,
        when: &str,
        kind: DocumentKind,
        currency: Option<&str>,
        currencies: &Currencies,
    ) -> String {
        let amount = |sum: i128| {
            let fits = i64::try_from(sum).ok();
            fits.map_or_else(
                || "too much to tell".to_owned(),
                |sum| shown_amount(currencies, Amount(sum), currency),
            )
        };
        let of = if self.count == 1 { kind.label().to_owned() } else { format!("{}s", kind.label()) };
        let mut line = format!("{when}: {} {of}", self.count);
        if self.unknown < self.count {
            line += &format!(", {}", amount(self.total));
        } else {
            line += &format!(", {}", currency.unwrap_or("(no currency)"));
        }
        if self.open > 0 {
            line += &format!(", open {}", amount(self.open));
        }
        if self.unknown > 0 {
            line += &format!(", {} without an amount", self.unknown);
        }
        line
    }
}

/// Texts, not yet escaped, the newest year first.
pub(super) fn summary(kind: DocumentKind, documents: &[&Document], currencies: &Currencies) -> Vec<String> {
    let mut groups: BTreeMap<(Option<i16>, Option<String>), Group> = BTreeMap::new();
    for document in documents {
        let currency = document.currency.as_deref().map(|code| text::bounded(code, 12).0);
        let decimals = document.currency.as_deref().and_then(|code| currencies.decimals(code)).unwrap_or(4);
        let total = document.total.map(|total| i128::from(total.rounded(decimals).0));
        let group = Group {
            count: 1,
            total: total.unwrap_or_default(),
            open: document.owed(decimals).map_or(0, |owed| i128::from(owed.0)),
            unknown: usize::from(total.is_none()),
        };
        groups.entry((document.date.map(Date::year), currency)).or_default().add(&group);
    }
    let mut lines = Vec::new();
    let mut rest: BTreeMap<Option<String>, Group> = BTreeMap::new();
    for ((year, currency), group) in groups.iter().rev() {
        if lines.len() < LINES || groups.len() <= LINES {
            let when = year.map_or_else(|| "Without a date".to_owned(), |year| year.to_string());
            lines.push(group.tell(&when, kind, currency.as_deref(), currencies));
        } else {
            rest.entry(currency.clone()).or_default().add(group);
        }
    }
    let mut others = Group::default();
    let (mut told, mut untold) = (0, 0);
    for (currency, group) in &rest {
        if told < CURRENCIES {
            told += 1;
            lines.push(group.tell("Earlier", kind, currency.as_deref(), currencies));
        } else {
            untold += 1;
            others.add(group);
        }
    }
    if untold > 0 {
        lines.push(format!("Earlier: {} more in {untold} other currencies", others.count));
    }
    lines
}
