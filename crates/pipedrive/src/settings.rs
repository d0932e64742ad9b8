//! What a company has set up, read as a whole: currencies, users, pipelines, stages (pipedrive.md 1.7).

use std::collections::BTreeMap;

use saas_http::scalar::{int, required, text};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use sync_core::{budget::Class, ports::Called};

use crate::{
    api::settings::{CurrencyDto, ListCurrencies, ListPipelines, ListStages, ListUsers, NamedDto, UserDto},
    client::Pipedrive,
    shapes::says_no,
};

/// A user of the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id; owners are told by it.
    pub id: i64,
    /// Its name.
    pub name: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Whether it may log in.
    pub active: bool,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its id.
    pub id: i64,
    /// What sales calls it.
    pub name: String,
    /// The pipeline it belongs to.
    pub pipeline: i64,
}

impl Pipedrive {
    /// Decimal places by currency code, the company's own included (20 tokens). A deal's value may have no more.
    ///
    /// # Errors
    /// As every call.
    pub async fn currencies(&self, class: Class) -> Called<BTreeMap<String, u8>> {
        let read = |row: &Json| {
            let CurrencyDto { code, decimal_points } = dto(row)?;
            let places = int("decimal_points", decimal_points.as_ref())?.unwrap_or(2);
            let places = u8::try_from(places).map_err(|_| format!("decimal_points cannot be {places}"))?;
            Ok(Some((required("code", text("code", code.as_ref())?)?, places)))
        };
        Ok(self.every(class, |_| ListCurrencies, read).await?.into_iter().collect())
    }

    /// All users (20 tokens).
    ///
    /// # Errors
    /// As every call.
    pub async fn users(&self, class: Class) -> Called<Vec<User>> {
        let read = |row: &Json| {
            let UserDto { id, name, email, active_flag } = dto(row)?;
            Ok(Some(User {
                id: required("id", int("id", id.as_ref())?)?,
                name: text("name", name.as_ref())?,
                email: text("email", email.as_ref())?,
                active: !says_no(active_flag.as_ref()),
            }))
        };
        self.every(class, |_| ListUsers, read).await
    }

    /// Names of all pipelines by id (5 tokens for 500).
    ///
    /// # Errors
    /// As every call.
    pub async fn pipelines(&self, class: Class) -> Called<BTreeMap<i64, String>> {
        let read = |row: &Json| {
            let NamedDto { id, name, .. } = dto(row)?;
            let id = required("id", int("id", id.as_ref())?)?;
            Ok(Some((id, text("name", name.as_ref())?.unwrap_or_default())))
        };
        Ok(self.every(class, |cursor| ListPipelines { cursor }, read).await?.into_iter().collect())
    }

    /// All stages of all pipelines (5 tokens for 500).
    ///
    /// # Errors
    /// As every call.
    pub async fn stages(&self, class: Class) -> Called<Vec<Stage>> {
        let read = |row: &Json| {
            let NamedDto { id, name, pipeline_id } = dto(row)?;
            Ok(Some(Stage {
                id: required("id", int("id", id.as_ref())?)?,
                name: text("name", name.as_ref())?.unwrap_or_default(),
                pipeline: required("pipeline_id", int("pipeline_id", pipeline_id.as_ref())?)?,
            }))
        };
        self.every(class, |cursor| ListStages { cursor }, read).await
    }
}

fn dto<D: DeserializeOwned>(row: &Json) -> Result<D, String> {
    serde_json::from_value(row.clone()).map_err(|error| error.to_string())
}
