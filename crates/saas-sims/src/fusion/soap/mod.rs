//! The SOAP services: customer accounts and their credit profiles (section 1.4), source systems.
//!
//! Not modelled, and refused: SOAP headers (WS-Security), `processCustomerAccount`, nested and sorted criteria,
//! attributes and child objects that are not in `level.rs` and `profile.rs`.

mod check;
mod fault;
mod find;
mod given;
mod inspect;
mod level;
mod message;
mod names;
mod node;
mod profile;
mod profiles;
mod save;
mod sequence;
mod source_systems;
mod store;
mod write;
mod wsdl;
mod xml;

use axum::http::{Method, StatusCode};
use jiff::Timestamp;

use super::settings::FusionSettings;
use super::state::State;
use crate::call::{Call, Reply};
use fault::Fault;
use find::Criteria;
pub(crate) use inspect::truth;
use level::Level;
use names::Service;
use profiles::Profiles;
use save::{Mode, Save};
pub(crate) use store::SoapState;
use xml::Element;

/// Whether the path belongs to one of the services.
pub(crate) fn serves(call: &Call) -> bool {
    Service::at(&call.path).is_some()
}

/// The name in the statistics: method, path and the operation that SOAPAction names.
pub(crate) fn operation(call: &Call) -> Option<String> {
    let action = message::action(Service::at(&call.path)?, call)?;
    (call.method == Method::POST).then(|| format!("POST {} {action}", call.path))
}

/// Answers a call whose token was checked.
pub(crate) fn answer(settings: &FusionSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    let Some(service) = Service::at(&call.path) else { return Reply::empty(StatusCode::NOT_FOUND) };
    let wsdl = call.query.iter().any(|(name, _)| name.eq_ignore_ascii_case("wsdl"));
    if call.method == Method::GET && wsdl {
        return wsdl::reply(service, call);
    }
    if call.method != Method::POST {
        return Reply::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    if let Some(refusal) = message::refuse_media(call) {
        return refusal;
    }
    let outcome = message::read(service, call).and_then(|(operation, parameters)| {
        let values = perform(settings, state, operation, &parameters, now)?;
        Ok(message::reply(service, operation, values, &mut state.rng))
    });
    outcome.unwrap_or_else(|fault| fault.reply(&mut state.rng))
}

fn perform(
    settings: &FusionSettings,
    state: &mut State,
    operation: &str,
    given: &[Element],
    now: Timestamp,
) -> Result<Vec<Element>, Fault> {
    let save = |state, mode| {
        let [account] = message::parameters(given, ["customerAccount"])?;
        let tree = Save { settings, state, now, mode }.account(&account)?;
        Ok(vec![tree.element("Value", 0)])
    };
    let profile = |given| message::parameters(given, ["customerProfile"]).map(|[profile]| profile);
    match operation {
        "createCustomerAccount" => save(state, Mode::Create),
        "mergeCustomerAccount" => save(state, Mode::Merge),
        "updateCustomerAccount" => save(state, Mode::Update),
        "getCustomerAccount" => {
            let [id] = message::parameters(given, ["customerAccountId"])?;
            let id = message::text(&id)?;
            let number = id.parse().map_err(|_| Fault::malformed("customerAccountId"))?;
            let found = store::load(state, number).filter(|_| settings.data_access);
            Ok(vec![found.ok_or_else(Fault::missing_record)?.element("Value", 0)])
        }
        "findCustomerAccount" => {
            let [criteria, control] = message::parameters(given, ["findCriteria", "findControl"])?;
            let all = state.accounts.rows().map(|row| row.id);
            found(settings, state, &criteria, &control, all.collect())
        }
        "getCustomerAccountByOriginalSystemReference" => {
            let names = ["findCriteria", "bindOrigSystem", "bindOrigSystemReference", "findControl"];
            let [criteria, system, value, control] = message::parameters(given, names)?;
            let (system, value) = (message::text(&system)?, message::text(&value)?);
            let table = Level::Account.table().unwrap_or_default();
            let holders = store::holders(state, system, value, table);
            found(settings, state, &criteria, &control, holders)
        }
        "findSourceSystem" => {
            let [criteria, control] = message::parameters(given, ["findCriteria", "findControl"])?;
            find::control(&control)?;
            source_systems::find(settings, &criteria)
        }
        "createCustomerProfile" => Ok(vec![Profiles { settings, state, now }.create(&profile(given)?)?]),
        "updateCustomerProfile" => Ok(vec![Profiles { settings, state, now }.update(&profile(given)?)?]),
        "getActiveCustomerProfile" => Ok(vec![Profiles { settings, state, now }.get(&profile(given)?)?]),
        _ => Err(Fault::unknown_method()),
    }
}

fn found(
    settings: &FusionSettings,
    state: &State,
    criteria: &Element,
    control: &Element,
    accounts: Vec<i64>,
) -> Result<Vec<Element>, Fault> {
    let criteria = Criteria::read(criteria)?;
    find::control(control)?;
    let visible = accounts.into_iter().filter(|_| settings.data_access);
    Ok(criteria.select(visible.filter_map(|id| store::load(state, id))))
}
