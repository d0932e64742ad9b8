//! Products, and products on deals, which make the deal's value (sections 1.1, 6; creating answers 201, section 10 no. 4).

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use super::deals;
use super::params;
use super::pipelines::page;
use super::problem::Problem;
use super::records::Request;
use super::state::State;
use super::write;
use crate::call::Reply;

/// All products, and what hangs on deals.
#[derive(Debug, Default)]
pub(crate) struct Products {
    all: BTreeMap<i64, Product>,
    on_deals: BTreeMap<i64, OnDeal>,
    last: i64,
    last_on_deal: i64,
}

#[derive(Clone, Debug)]
struct Product {
    id: i64,
    name: String,
    owner_id: i64,
    added: Timestamp,
    updated: Timestamp,
    deleted: bool,
}

#[derive(Clone, Debug)]
struct OnDeal {
    id: i64,
    deal_id: i64,
    product_id: i64,
    item_price: f64,
    quantity: f64,
    currency: String,
    added: Timestamp,
    updated: Timestamp,
}

impl Products {
    pub(crate) fn count_on_deal(&self, deal_id: i64) -> usize {
        self.on_deals.values().filter(|one| one.deal_id == deal_id).count()
    }
}

impl Product {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "code": null, "description": null, "unit": null, "tax": 0,
            "category": null, "is_linkable": true, "is_deleted": self.deleted, "visible_to": 3,
            "owner_id": self.owner_id, "add_time": self.added.to_string(),
            "update_time": self.updated.to_string(), "billing_frequency": "one-time",
            "billing_frequency_cycles": null, "prices": [], "custom_fields": {},
        })
    }
}

impl OnDeal {
    fn sum(&self) -> f64 {
        (self.item_price * self.quantity * 100.0).round() / 100.0
    }

    fn json(&self, products: &BTreeMap<i64, Product>) -> Value {
        let name = products.get(&self.product_id).map(|product| product.name.clone());
        json!({
            "id": self.id, "sum": self.sum(), "tax": 0, "deal_id": self.deal_id, "name": name,
            "product_id": self.product_id, "product_variation_id": null, "order_nr": self.id,
            "add_time": self.added.to_string(), "update_time": self.updated.to_string(), "comments": "",
            "currency": self.currency, "discount": 0, "quantity": self.quantity,
            "item_price": self.item_price, "tax_method": "inclusive", "discount_type": "percentage",
            "is_enabled": true, "billing_frequency": "one-time", "billing_frequency_cycles": null,
            "billing_start_date": null,
        })
    }
}

pub(crate) fn list(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    let ids = params::integers(request.call, "ids")?;
    let wanted =
        |product: &&Product| !product.deleted && ids.as_ref().is_none_or(|ids| ids.contains(&product.id));
    let rows = state.products.all.values().filter(wanted).map(Product::json).collect();
    page(request, rows, &["id", "name", "add_time", "update_time"], &["ids"])
}

pub(crate) fn one(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let found = state.products.all.get(&request.id()?).filter(|product| !product.deleted);
    found.map(|found| request.data(found.json())).ok_or_else(|| Problem::not_found("Product"))
}

pub(crate) fn create(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let body = write::object(request.call)?;
    let name = body.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::invalid("name: must be a text that is not empty"))?.to_owned();
    if let Some(other) = body.keys().find(|key| *key != "name") {
        return Err(Problem::not_modelled(&format!("{other} of a product")));
    }
    let now = write::whole(request.now());
    let products = &mut state.products;
    products.last += 1;
    let (id, owner_id) = (products.last, request.by.user_id);
    let product = Product { id, name, owner_id, added: now, updated: now, deleted: false };
    let data = product.json();
    products.all.insert(id, product);
    Ok(Reply::json(StatusCode::CREATED, &json!({"success": true, "data": data})))
}

pub(crate) fn delete(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let id = request.id()?;
    let found = state.products.all.get_mut(&id).filter(|product| !product.deleted);
    let found = found.ok_or_else(|| Problem::not_found("Product"))?;
    found.deleted = true;
    found.updated = write::whole(request.now());
    Ok(request.data(json!({"id": id})))
}

/// The deal whose products are meant: it has to exist.
fn deal(state: &State, request: &Request<'_>) -> Result<i64, Problem> {
    let segment = request.call.segments.get(3).and_then(|id| id.parse::<i64>().ok()).filter(|id| *id > 0);
    let id = segment.ok_or_else(|| Problem::invalid("id: must be a positive integer"))?;
    state.deals.living(id).map(|_| id).ok_or_else(|| Problem::not_found("Deal"))
}

/// The deal to be written to: archived ones are read-only (section 1.2).
fn writable_deal(state: &State, request: &Request<'_>) -> Result<i64, Problem> {
    let id = deal(state, request)?;
    if state.deals.get(id).is_some_and(|deal| deal.is_archived) { Err(Problem::archived()) } else { Ok(id) }
}

pub(crate) fn on_deal(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    let deal = deal(state, request)?;
    let products = &state.products;
    let rows = products.on_deals.values().filter(|one| one.deal_id == deal);
    let rows = rows.map(|one| one.json(&products.all)).collect();
    page(request, rows, &["id", "add_time", "update_time", "order_nr"], &[])
}

pub(crate) fn add_to_deal(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let deal_id = writable_deal(state, request)?;
    let body = write::object(request.call)?;
    for name in ["product_id", "item_price", "quantity"] {
        if !body.contains_key(name) {
            return Err(Problem::invalid(format_args!("{name}: is required")));
        }
    }
    let now = write::whole(request.now());
    let currency = state.deals.get(deal_id).map(|deal| deal.currency.clone()).unwrap_or_default();
    let new = OnDeal {
        id: state.products.last_on_deal + 1,
        deal_id,
        product_id: 0,
        item_price: 0.0,
        quantity: 0.0,
        currency,
        added: now,
        updated: now,
    };
    let new = changed(state, new, &body)?;
    state.products.last_on_deal = new.id;
    let data = new.json(&state.products.all);
    state.products.on_deals.insert(new.id, new);
    value_follows(state, request, deal_id)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({"success": true, "data": data})))
}

pub(crate) fn change_on_deal(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let (deal_id, id) = (writable_deal(state, request)?, request.id()?);
    let old = state.products.on_deals.get(&id).filter(|one| one.deal_id == deal_id).cloned();
    let old = old.ok_or_else(|| Problem::not_found("Deal product"))?;
    let mut new = changed(state, old, &write::object(request.call)?)?;
    new.updated = write::whole(request.now());
    let data = new.json(&state.products.all);
    state.products.on_deals.insert(id, new);
    value_follows(state, request, deal_id)?;
    Ok(request.data(data))
}

pub(crate) fn remove_from_deal(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let (deal_id, id) = (writable_deal(state, request)?, request.id()?);
    if state.products.on_deals.get(&id).is_none_or(|one| one.deal_id != deal_id) {
        return Err(Problem::not_found("Deal product"));
    }
    state.products.on_deals.remove(&id);
    value_follows(state, request, deal_id)?;
    Ok(request.data(json!({"id": id})))
}

fn changed(state: &State, mut on_deal: OnDeal, body: &Map<String, Value>) -> Result<OnDeal, Problem> {
    for (name, value) in body {
        let number = || {
            let number = value.as_f64().filter(|_| value.is_number());
            number.ok_or_else(|| Problem::invalid(format_args!("{name}: must be a number")))
        };
        match name.as_str() {
            "product_id" => {
                let id =
                    value.as_i64().filter(|id| state.products.all.get(id).is_some_and(|one| !one.deleted));
                on_deal.product_id =
                    id.ok_or_else(|| Problem::invalid("product_id: there is no such product"))?;
            }
            "item_price" => on_deal.item_price = number()?,
            "quantity" => on_deal.quantity = number()?,
            other => return Err(Problem::not_modelled(&format!("{other} of a deal's product"))),
        }
    }
    Ok(on_deal)
}

/// A deal with products is worth their sum (section 6: the wrong carrier for invoices).
fn value_follows(state: &mut State, request: &Request<'_>, deal_id: i64) -> Result<(), Problem> {
    let products = state.products.on_deals.values().filter(|one| one.deal_id == deal_id);
    let sum: f64 = products.map(OnDeal::sum).sum();
    let value = Number::from_f64((sum * 100.0).round() / 100.0).unwrap_or_else(|| Number::from(0));
    let body = Map::from_iter([("value".to_owned(), Value::Number(value))]);
    deals::update(request.settings, state, deal_id, &body, &request.by).map(drop)
}
