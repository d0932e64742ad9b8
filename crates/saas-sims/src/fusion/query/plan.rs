//! What the top-level conditions of a query say about the surrogate key and the stamp, to start a walk at the right row.

use jiff::Timestamp;

use super::expr::{Expr, Op};
use super::literal::Literal;
use crate::fusion::resource::Resource;

/// Bounds that every hit keeps; they may be wider than the query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) low_id: i64,
    pub(crate) high_id: i64,
    pub(crate) low_stamp: Timestamp,
    pub(crate) high_stamp: Timestamp,
    /// The only possible surrogate keys.
    pub(crate) ids: Option<Vec<i64>>,
    /// The only possible owners.
    pub(crate) owners: Option<Vec<i64>>,
    /// The only possible key in the URL.
    pub(crate) key: Option<String>,
}

impl Bounds {
    pub(crate) fn open() -> Self {
        Self {
            low_id: i64::MIN,
            high_id: i64::MAX,
            low_stamp: Timestamp::MIN,
            high_stamp: Timestamp::MAX,
            ids: None,
            owners: None,
            key: None,
        }
    }

    pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a Expr>, resource: &Resource) -> Self {
        let mut bounds = Self::open();
        for part in parts {
            bounds.narrow(part, resource);
        }
        bounds
    }

    /// Whether both ends of the stamp's range are given.
    pub(crate) fn window(&self) -> bool {
        self.low_stamp > Timestamp::MIN && self.high_stamp < Timestamp::MAX
    }

    fn narrow(&mut self, expr: &Expr, resource: &Resource) {
        match expr {
            Expr::All(parts) => parts.iter().for_each(|part| self.narrow(part, resource)),
            Expr::Compare(term, _, _) if term.upper => {}
            Expr::Compare(term, op, literal) => self.compare(term.attribute.name, *op, literal, resource),
            Expr::Between(term, low, high) if !term.upper => {
                self.compare(term.attribute.name, Op::Ge, low, resource);
                self.compare(term.attribute.name, Op::Le, high, resource);
            }
            Expr::In(term, literals) if !term.upper => {
                let numbers = || literals.iter().filter_map(integer).collect();
                if term.attribute.name == resource.id {
                    self.ids = Some(numbers());
                } else if Some(term.attribute.name) == resource.owner {
                    self.owners = Some(numbers());
                }
            }
            Expr::Between(..) | Expr::In(..) | Expr::Any(_) | Expr::Like { .. } | Expr::Null { .. } => {}
        }
    }

    fn compare(&mut self, name: &str, op: Op, literal: &Literal, resource: &Resource) {
        match literal {
            Literal::Integer(value) if name == resource.id => match op {
                Op::Eq => self.ids = Some(vec![*value]),
                Op::Gt | Op::Ge => self.low_id = self.low_id.max(*value),
                Op::Lt | Op::Le => self.high_id = self.high_id.min(*value),
                Op::Ne => {}
            },
            Literal::Integer(value) if Some(name) == resource.owner && op == Op::Eq => {
                self.owners = Some(vec![*value]);
            }
            Literal::Text(value) if name == resource.key && op == Op::Eq => self.key = Some(value.clone()),
            Literal::Stamp(at) if name == "LastUpdateDate" => match op {
                Op::Eq => {
                    (self.low_stamp, self.high_stamp) = (self.low_stamp.max(*at), self.high_stamp.min(*at));
                }
                Op::Gt | Op::Ge => self.low_stamp = self.low_stamp.max(*at),
                Op::Lt | Op::Le => self.high_stamp = self.high_stamp.min(*at),
                Op::Ne => {}
            },
            Literal::Integer(_)
            | Literal::Number(_)
            | Literal::Boolean(_)
            | Literal::Text(_)
            | Literal::Stamp(_) => {}
        }
    }
}

fn integer(literal: &Literal) -> Option<i64> {
    match literal {
        Literal::Integer(value) => Some(*value),
        Literal::Number(_) | Literal::Boolean(_) | Literal::Text(_) | Literal::Stamp(_) => None,
    }
}
