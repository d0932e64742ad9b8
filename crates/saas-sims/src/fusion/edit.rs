//! Changes to the pod's data from outside the REST API: people, jobs, other integrations.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::resource::{Kind, Resource};
use crate::text::is_date;

/// A change of one row: which attributes get which values, by whom, stamped when, visible when.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub(crate) set: Map<String, Value>,
    pub(crate) by: Option<String>,
    pub(crate) stamp: Option<Timestamp>,
    pub(crate) late: SignedDuration,
    pub(crate) silent: bool,
}

impl Edit {
    /// Sets attributes to values; `null` clears. `values` has to be a JSON object.
    pub fn set(values: Value) -> Self {
        let set = match values {
            Value::Object(set) => set,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Map::new()
            }
        };
        Self { set, ..Self::default() }
    }

    /// Who made the change (LastUpdatedBy); a person when left out.
    #[must_use]
    pub fn by(mut self, user: &str) -> Self {
        self.by = Some(user.to_owned());
        self
    }

    /// LastUpdateDate (and CreationDate of a new row) instead of the clock's time; kept in microseconds.
    #[must_use]
    pub fn stamped(mut self, at: Timestamp) -> Self {
        self.stamp = Some(at);
        self
    }

    /// Commits only so long after the stamp: until then nobody sees the change (section 8, commit skew).
    #[must_use]
    pub fn visible_after(mut self, late: SignedDuration) -> Self {
        self.late = late;
        self
    }

    /// Leaves LastUpdateDate as it is, as changes do that are stamped in another table (section 2, balance changes).
    #[must_use]
    pub fn unstamped(mut self) -> Self {
        self.silent = true;
        self
    }

    /// The values with the attributes' own names, or what is wrong with them.
    pub(crate) fn values(&self, resource: &'static Resource) -> Result<Vec<(&'static str, Value)>, String> {
        let checked = self.set.iter().map(|(name, value)| {
            let attribute = resource
                .attribute(name)
                .ok_or_else(|| format!("{} has no attribute {name}", resource.name))?;
            let fits = match attribute.kind {
                Kind::Text => value.is_string() || value.is_null(),
                Kind::Integer => value.is_i64() || value.is_null(),
                Kind::Number => value.is_number() || value.is_null(),
                Kind::Boolean => value.is_boolean() || value.is_null(),
                Kind::Date => value.is_null() || value.as_str().is_some_and(is_date),
                Kind::Timestamp => return Err(format!("{name} is set by stamping the edit")),
            };
            if fits { Ok((attribute.name, value.clone())) } else { Err(format!("{name} can't be {value}")) }
        });
        checked.collect()
    }
}
