//! The calls against the simulated company, with the official specification between the two: no request may say what it
//! does not know, and every call costs what it says.
#[cfg(test)]
#[path = "../../ml-connector/tests/seam/contract.rs"]
mod contract;
#[cfg(test)]
#[path = "../../saas-http/tests/support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use async_trait::async_trait;
    use axum::{Router, body::Body};
    use bytes::Bytes;
    use jiff::{SignedDuration, Timestamp};
    use pipedrive::{DealChanges, DealCodes, Pipedrive, PipedriveAuth, PipedriveConfig};
    use saas_http::{Sleeper, Transport, TransportError};
    use saas_sims::{
        SimClock,
        pipedrive::{PipedriveSettings, PipedriveSim, V1Settings},
    };
    use serde_json::json;
    use sync_core::{
        budget::{Class, Plan},
        deals::{CrmDeal, DealStatus, Relation},
        error::{Effect, ErrorKind},
        fields::{CustomField, CustomKind, Field, OwnKey, Values},
        ids::{DealId, OrgId},
        model::{Page, Seen},
        money::{Amount, Money},
        ports::{Clock, Crm},
        value::Value,
    };
    use tower::ServiceExt as _;

    use super::{contract::Contract, support::*};

    #[derive(Clone)]
    struct Shared(SimClock);

    impl Clock for Shared {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
    }

    #[async_trait]
    impl Sleeper for Shared {
        async fn sleep(&self, wait: SignedDuration) {
            self.0.advance(wait);
        }
    }

    /// Carries requests to the router and judges them.
    struct Wire {
        router: Router,
        contract: Arc<Contract>,
        wrong: Arc<Mutex<BTreeSet<String>>>,
    }

    #[async_trait]
    impl Transport for Wire {
        async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
            self.wrong.lock().unwrap().extend(self.contract.request(&request));
            let answer = match self.router.clone().oneshot(request.map(Body::from)).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            let (parts, body) = answer.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            Ok(http::Response::from_parts(parts, body))
        }
    }

    struct World {
        crm: Pipedrive,
        sim: PipedriveSim,
        contract: Arc<Contract>,
        wrong: Arc<Mutex<BTreeSet<String>>>,
    }

    impl World {
        fn new() -> Self {
            Self::with(PipedriveSettings::default())
        }

        fn with(settings: PipedriveSettings) -> Self {
            Self::with_fields(settings, sync_core::fields::FieldTable::default().custom())
        }

        fn with_fields(settings: PipedriveSettings, fields: Vec<CustomField>) -> Self {
            let clock = SimClock::at(at("2026-03-02T10:00:00Z"));
            let sim = PipedriveSim::new(settings, clock.clone(), 7);
            let wrong: Arc<Mutex<BTreeSet<String>>> = Arc::default();
            let contract = Arc::new(Contract::load());
            let (judge, noted) = (Arc::clone(&contract), Arc::clone(&wrong));
            let wire = Wire { router: sim.router(), contract: judge, wrong: noted };
            let config = PipedriveConfig {
                labels: Vec::new(),
                asked: sync_core::handover::Interest::default(),
                fields,
                base_url: "https://company.example".to_owned(),
                auth: PipedriveAuth::ApiToken("0123456789012345678901234567890123456789".into()),
                plan: Plan::Growth,
                seats: 5,
                burst: None,
                search_burst: None,
                timeout: Duration::from_secs(30),
                owner_id: None,
                visible_to: None,
                hook_login: Some(("pipedrive".to_owned(), "secret".into())),
            };
            let shared = Arc::new(Shared(clock));
            let (ledger, vault) = (Ledger::of(1_000_000), Arc::new(Vault::default()));
            let crm = Pipedrive::new(config, Arc::new(wire), Arc::clone(&shared) as _, shared, ledger, vault);
            Self { crm: crm.unwrap(), sim, contract, wrong }
        }

        /// What a person sets up in the company's settings.
        async fn set_up(&self, path: &str, body: serde_json::Value) {
            let request = http::Request::post(path).header("x-api-token", "t");
            let request = request.header("content-type", "application/json");
            let answer = self.sim.router().oneshot(request.body(Body::from(body.to_string())).unwrap()).await;
            assert!(answer.unwrap().status().is_success());
        }

        fn organization(&self, name: &str) -> OrgId {
            OrgId(self.sim.create_as_person(&json!({ "name": name })).unwrap())
        }

        /// Nothing was said that the specification does not know, and we know what each call costs.
        #[track_caller]
        fn check(&self) {
            assert_eq!(*self.wrong.lock().unwrap(), BTreeSet::new());
            let costs = self.contract.costs();
            let mut due = 0;
            for (operation, (requests, _)) in self.sim.stats().by_operation {
                let name = operation.replacen(" /v1/", " /api/v1/", 1);
                due += requests * costs[name.as_str()];
            }
            assert_eq!(self.crm.spent().tokens, due);
        }
    }

    fn own(name: &str, kind: CustomKind) -> CustomField {
        let field = Field::Own(OwnKey::new(&name.to_lowercase()).unwrap());
        CustomField { field, name: name.to_owned(), kind }
    }

    #[tokio::test]
    async fn own_fields_of_every_type_are_written_in_their_shape_and_read_back() {
        let kinds = [
            ("Short", CustomKind::ShortText, Value::Text("x".into())),
            ("Long", CustomKind::LongText, Value::Text("y".repeat(300))),
            ("Count", CustomKind::Number, Value::number("-12.50").unwrap()),
            ("Since", CustomKind::Date, Value::Date("2026-02-28".into())),
            ("Limit", CustomKind::Money, Value::money(Amount::parse("1234.5").unwrap(), "EUR".into())),
            ("Segment", CustomKind::Option, Value::Text("Retail".into())),
            ("Regions", CustomKind::Options, Value::labels(vec!["South".into(), "North".into()]).unwrap()),
            ("Fax", CustomKind::Phone, Value::Text("+358 9 1".into())),
        ];
        let mut fields = sync_core::fields::FieldTable::default().custom();
        fields.extend(kinds.iter().map(|(name, kind, _)| own(name, *kind)));
        let world = World::with_fields(PipedriveSettings::default(), fields.clone());

        let refused = world.crm.prepare().await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Rejected);
        assert!(refused.message.contains("\"Segment\" of type enum"), "{refused}");
        for (name, kind, options) in
            [("Segment", "enum", ["Retail", "Industry"]), ("Regions", "set", ["North", "South"])]
        {
            let options = options.map(|label| json!({ "label": label }));
            let body = json!({ "field_name": name, "field_type": kind, "options": options });
            world.set_up("/api/v2/organizationFields", body).await;
        }
        world.crm.prepare().await.unwrap();

        let mut values = Values::from([(Field::Name, Value::Text("Acme".into()))]);
        values.extend(kinds.iter().map(|(name, kind, value)| (own(name, *kind).field, value.clone())));
        let permit = || async { world.crm.permits(Class::Edit, 5, 1).await.unwrap().pop().unwrap() };
        let made = world.crm.create_org(permit().await, &values).await.unwrap();
        for (name, kind, value) in &kinds {
            let field = own(name, *kind).field;
            assert!(made.values[&field].same_as(value), "{name}: {:?}", made.values[&field]);
        }
        let cleared: Vec<(Field, Option<Value>)> =
            kinds.iter().map(|(name, kind, _)| (own(name, *kind).field, None)).collect();
        let bare = world.crm.update_org(permit().await, made.id, &cleared).await.unwrap();
        assert_eq!(bare.values.keys().collect::<Vec<_>>(), [&Field::Name]);

        let strange = [(own("Segment", CustomKind::Option).field, Some(Value::Text("Space".into())))];
        let refused = world.crm.update_org(permit().await, made.id, &strange).await.unwrap_err();
        assert_eq!((&refused.kind, refused.effect), (&ErrorKind::Rejected, Effect::None));
        assert!(refused.message.contains("no option \"Space\"; it has: Retail, Industry"), "{refused}");
        assert_eq!(*world.wrong.lock().unwrap(), BTreeSet::new());
    }

    #[tokio::test]
    async fn organizations_become_parents_and_daughters_and_part_again() {
        let world = World::new();
        let [holding, north, south] = ["Holding", "North", "South"].map(|name| world.organization(name));
        assert_eq!(world.crm.relations_of(north, Class::Audit).await, Ok(Vec::new()));
        let permit = async |tokens| world.crm.permits(Class::Edit, tokens, 1).await.unwrap().pop().unwrap();
        let first = world.crm.relate(permit(10).await, holding, north).await.unwrap();
        let second = world.crm.relate(permit(10).await, holding, south).await.unwrap();
        assert_eq!(first, Relation { id: first.id, parent: holding, daughter: north });
        let of = async |org| world.crm.relations_of(org, Class::Audit).await.unwrap();
        assert_eq!(of(holding).await, [first.clone(), second.clone()]);
        assert_eq!(of(south).await, [second]);
        world.crm.relate(permit(10).await, holding, north).await.unwrap_err();
        world.crm.unrelate(permit(6).await, first.id).await.unwrap();
        world.crm.unrelate(permit(6).await, first.id).await.unwrap();
        assert_eq!(of(north).await, []);
        world.check();
    }

    #[tokio::test]
    async fn a_deal_is_found_in_every_list_and_patched() {
        let world = World::new();
        let org = world.organization("Acme");
        let body = json!({ "title": "Pumps", "value": 100, "currency": "EUR", "org_id": org.0 });
        let ids = [(); 3].map(|()| DealId(world.sim.create_deal(&body).unwrap()));
        let [won, archived, deleted] = ids;
        world.sim.win_deal(won.0).unwrap();
        world.sim.archive_deal(archived.0, true).unwrap();
        world.sim.delete_deal(deleted.0).unwrap();
        let codes = DealCodes::of([]).unwrap();
        let from = at("2026-03-02T10:00:00Z");
        let one = |page: Page<CrmDeal>| match <[_; 1]>::try_from(page.rows) {
            Ok([Seen::Record(deal)]) => deal,
            other => panic!("{other:?}"),
        };
        let walked = one(world.crm.deals_walk(&codes, None, Class::Audit).await.unwrap());
        assert_eq!((walked.id, walked.status.clone(), walked.won_at), (won, DealStatus::Won, Some(from)));
        assert_eq!(one(world.crm.deals_changed(from, &codes, None, Class::Audit).await.unwrap()), walked);
        assert_eq!(one(world.crm.deals_won_since(from, &codes, None, Class::Audit).await.unwrap()), walked);
        assert_eq!(one(world.crm.deals_of(org, &codes, None, Class::Audit).await.unwrap()), walked);
        let by_id = world.crm.deals_by_id(&ids, &codes, Class::Audit).await.unwrap();
        assert_eq!(by_id, [Seen::Record(walked)]);
        let hidden = world.crm.deal(archived, &codes, Class::Audit).await.unwrap();
        assert!(hidden.unwrap().archived);
        let gone = world.crm.deal(deleted, &codes, Class::Audit).await.unwrap();
        assert!(gone.is_none_or(|deal| deal.status == DealStatus::Deleted));
        let value = Some(Money { amount: Amount::parse("99.95").unwrap(), currency: "USD".to_owned() });
        let changes = DealChanges { value: value.clone(), ..DealChanges::default() };
        assert_eq!(world.crm.patch_deal(won, &changes, Class::Edit).await.unwrap().value, value);
        let refused = world.crm.patch_deal(archived, &changes, Class::Edit).await.unwrap_err();
        assert_eq!(refused.effect, Effect::None, "{refused}");
        world.check();
    }

    #[tokio::test]
    async fn a_note_is_written_found_changed_and_deleted_whatever_an_empty_list_looks_like() {
        for empty_list_is_null in [false, true] {
            let v1 = V1Settings { empty_list_is_null, ..V1Settings::default() };
            let world = World::with(PipedriveSettings { v1, ..PipedriveSettings::default() });
            let deal = DealId(world.sim.create_deal(&json!({ "title": "Pumps" })).unwrap());
            assert_eq!(world.crm.notes_of(deal, Class::Audit).await, Ok(Vec::new()));
            let sent = "<p>Invoice 1</p><script>x</script>";
            let note = world.crm.create_note(deal, sent, Class::Document).await.unwrap();
            assert_eq!((note.deal, note.content.as_str()), (Some(deal), "<p>Invoice 1</p>"));
            assert_eq!(note.updated_at, Some(at("2026-03-02T10:00:00Z")));
            assert_eq!(world.crm.notes_of(deal, Class::Audit).await, Ok(vec![note.clone()]));
            let changed = world.crm.update_note(note.id, "<p>Paid</p>", Class::Document).await.unwrap();
            assert_eq!(world.crm.note(note.id, Class::Audit).await, Ok(Some(changed)));
            world.crm.delete_note(note.id, Class::Document).await.unwrap();
            world.crm.delete_note(note.id, Class::Document).await.unwrap();
            assert!(world.crm.note(note.id, Class::Audit).await.unwrap().unwrap().deleted);
            let error = world.crm.update_note(note.id, "x", Class::Document).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Missing);
            assert_eq!(world.crm.notes_of(deal, Class::Audit).await, Ok(Vec::new()));
            world.check();
        }
    }

    #[tokio::test]
    async fn more_than_a_page_of_notes_is_read_to_the_end() {
        let settings = PipedriveSettings { plan: saas_sims::pipedrive::Plan::Ultimate, ..Default::default() };
        let world = World::with(settings);
        let deal = DealId(world.sim.create_deal(&json!({ "title": "Pumps" })).unwrap());
        for number in 0..101 {
            world.crm.create_note(deal, &number.to_string(), Class::Document).await.unwrap();
        }
        assert_eq!(world.crm.notes_of(deal, Class::Audit).await.unwrap().len(), 101);
        world.check();
    }

    #[tokio::test]
    async fn what_the_company_has_set_up_is_read_as_a_whole() {
        let world = World::new();
        let currencies = world.crm.currencies(Class::Audit).await.unwrap();
        assert_eq!(
            (currencies.get("EUR"), currencies.get("JPY"), currencies.get("KWD")),
            (Some(&2), Some(&0), Some(&3))
        );
        let users = world.crm.users(Class::Audit).await.unwrap();
        let us = world.sim.settings().user_id;
        assert!(users.iter().any(|user| user.id == us && user.active && user.name.is_some()));
        let pipelines = world.crm.pipelines(Class::Audit).await.unwrap();
        let stages = world.crm.stages(Class::Audit).await.unwrap();
        assert!(pipelines.len() >= 2 && stages.len() > pipelines.len());
        assert!(stages.iter().all(|stage| pipelines.contains_key(&stage.pipeline) && !stage.name.is_empty()));
        world.check();
    }
}
