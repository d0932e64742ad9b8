//! The pod's own opinion of who may be the same company (oracle-fusion.md 1.5).

use saas_sims::fusion::{Edit, FusionSettings};
use serde_json::json;
use sync_core::{
    error::ErrorKind,
    ids::PartyId,
    matching::Company,
    model::Seen,
    ports::{Erp as _, ErpWrites as _},
};

use crate::{pod::pod, support::*, world::*};

fn company(name: &str) -> Company {
    Company { names: vec![name.to_owned()], country: Some("US".to_owned()), ..Company::default() }
}

#[tokio::test]
async fn what_the_pod_takes_for_the_same_is_one_more_candidate_where_it_is_asked() {
    let (sim, fusion) = pod(FusionSettings { duplicate_check: true, ..FusionSettings::default() });
    let values = json!({"OrganizationName": "ACME TRADING INC", "PartyUsageCode": "SUPPLIER"});
    let party = sim.add_party(Edit::set(values)).unwrap();
    let like = company("Acme Trading, Inc.");
    assert_eq!(
        fusion.parties_like(&like).await.unwrap(),
        [],
        "punctuation is more than a search of names sees past"
    );
    let fusion = fusion.asking_for_duplicates();
    let found = fusion.parties_like(&like).await.unwrap();
    assert!(matches!(&found[..], [Seen::Record(one)] if one.id == PartyId(party)), "{found:?}");
    // One that the search of names finds, too, is told once.
    assert_eq!(fusion.parties_like(&company("Acme Trading Inc")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_pod_without_it_says_so_once() {
    let (_, fusion) = pod(FusionSettings::default());
    let fusion = fusion.asking_for_duplicates();
    for requests in [3, 1, 1] {
        let before = fusion.requests();
        assert_eq!(fusion.parties_like(&company("Acme")).await.unwrap(), []);
        // The first one fetches a token, too.
        assert_eq!(fusion.requests() - before, requests);
    }
}

#[tokio::test]
async fn an_opinion_that_is_not_to_be_had_keeps_nobody_waiting() {
    let none = r#"{"items":[],"count":0,"hasMore":false,"limit":500,"offset":0}"#;
    for (status, body, again) in
        [(503, "", true), (200, r#"{"result":[{"PartyId":"x"},{}]}"#, true), (200, "7", false)]
    {
        let (fusion, log) =
            fusion(
                move |sent| {
                    if sent.path().ends_with("findDuplicates") { reply(status, &[], body) } else { ok(none) }
                },
            );
        let fusion = fusion.asking_for_duplicates();
        assert_eq!(fusion.parties_like(&company("Acme")).await.unwrap(), []);
        fusion.parties_like(&company("Acme")).await.unwrap();
        let asked = log.all().iter().filter(|sent| sent.path().ends_with("findDuplicates")).count();
        assert_eq!(asked, if again { 2 } else { 1 });
        let sent = log.all().into_iter().find(|sent| sent.path().ends_with("findDuplicates")).unwrap();
        assert_eq!(sent.header("content-type"), Some("application/vnd.oracle.adf.action+json"));
        assert_eq!(sent.json(), json!({"hubOrganization": {"OrganizationName": "Acme", "Country": "US"}}));
    }
    let (fusion, _) =
        fusion(
            move |sent| {
                if sent.path().ends_with("findDuplicates") { reply(401, &[], "") } else { ok(none) }
            },
        );
    let error = fusion.asking_for_duplicates().parties_like(&company("Acme")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "whoever may not ask at all is told so");
}
