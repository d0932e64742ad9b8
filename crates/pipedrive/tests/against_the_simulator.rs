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
    use pipedrive::{Pipedrive, PipedriveAuth, PipedriveConfig};
    use saas_http::{Sleeper, Transport, TransportError};
    use saas_sims::{
        SimClock,
        pipedrive::{PipedriveSettings, PipedriveSim},
    };
    use serde_json::json;
    use sync_core::{
        budget::{Class, Plan},
        deals::Relation,
        ids::OrgId,
        ports::{Clock, Crm},
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
            let clock = SimClock::at(at("2026-03-02T10:00:00Z"));
            let sim = PipedriveSim::new(settings, clock.clone(), 7);
            let wrong: Arc<Mutex<BTreeSet<String>>> = Arc::default();
            let contract = Arc::new(Contract::load());
            let (judge, noted) = (Arc::clone(&contract), Arc::clone(&wrong));
            let wire = Wire { router: sim.router(), contract: judge, wrong: noted };
            let config = PipedriveConfig {
                base_url: "https://company.example".to_owned(),
                auth: PipedriveAuth::ApiToken("0123456789012345678901234567890123456789".into()),
                plan: Plan::Growth,
                seats: 5,
                burst: None,
                search_burst: None,
                timeout: Duration::from_secs(30),
                owner_id: None,
                visible_to: None,
            };
            let shared = Arc::new(Shared(clock));
            let (ledger, vault) = (Ledger::of(1_000_000), Arc::new(Vault::default()));
            let crm = Pipedrive::new(config, Arc::new(wire), Arc::clone(&shared) as _, shared, ledger, vault);
            Self { crm: crm.unwrap(), sim, contract, wrong }
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

    #[tokio::test]
    async fn organizations_become_parents_and_daughters_and_part_again() {
        let world = World::new();
        let [holding, north, south] = ["Holding", "North", "South"].map(|name| world.organization(name));
        assert_eq!(world.crm.relations_of(north, Class::Audit).await, Ok(Vec::new()));
        let first = world.crm.relate(holding, north, Class::Edit).await.unwrap();
        let second = world.crm.relate(holding, south, Class::Edit).await.unwrap();
        assert_eq!(first, Relation { id: first.id, parent: holding, daughter: north });
        let of = async |org| world.crm.relations_of(org, Class::Audit).await.unwrap();
        assert_eq!(of(holding).await, [first.clone(), second.clone()]);
        assert_eq!(of(south).await, [second]);
        world.crm.relate(holding, north, Class::Edit).await.unwrap_err();
        world.crm.unrelate(first.id, Class::Edit).await.unwrap();
        world.crm.unrelate(first.id, Class::Edit).await.unwrap();
        assert_eq!(of(north).await, []);
        world.check();
    }
}
