//! The whole way against the simulated pod: party, address, account with a site to bill to, profile.

use oracle_fusion::Fusion;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
};
use serde_json::json;
use sync_core::{
    customers::*,
    error::{CallError, Effect, ErrorKind},
    ids::{AccountId, AccountSiteId, PartyId, PartySiteId, SetId},
    model::Seen,
    poll::ErpRead,
    ports::Erp as _,
};

use crate::{pod::pod, world::*};

const SYSTEM: &str = "PIPEDRIVE";
const KEY: &str = "org:4711";

/// A party with one address.
async fn party(fusion: &Fusion, key: &str) -> (CreatedParty, PartySiteId) {
    let party = fusion.create_party(&new_party(key)).await.unwrap();
    let addresses = fusion.addresses(&party.number).await.unwrap();
    let [address] = addresses.as_slice() else { panic!("{addresses:?}") };
    (party, address.id)
}

#[tokio::test]
async fn a_customer_is_made_in_three_steps_and_can_be_seen() {
    let (_, fusion) = pod(FusionSettings::default());
    assert_eq!(fusion.parties_by_reference(SYSTEM, KEY).await.unwrap(), []);
    let (party, site) = party(&fusion, KEY).await;
    let found = fusion.parties_by_reference(SYSTEM, KEY).await.unwrap();
    assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [party.id]);
    let by_number = fusion.party_by_number(&party.number).await.unwrap().unwrap();
    assert_eq!((by_number.id, by_number.name.as_str()), (party.id, "Acme & Söhne <Ltd>"));

    assert_eq!(fusion.accounts_by_reference(SYSTEM, KEY).await.unwrap(), []);
    let account = fusion.create_account(&new_account(party.id, site, KEY)).await.unwrap();
    let [account_site] = account.sites.as_slice() else { panic!("{account:?}") };
    assert_eq!((account_site.party_site, account_site.set), (site, Some(SET)));
    assert_eq!(account_site.uses.iter().map(|one| one.purpose.as_str()).collect::<Vec<_>>(), [BILL_TO]);
    assert_eq!(fusion.accounts_by_reference(SYSTEM, KEY).await.unwrap(), std::slice::from_ref(&account));
    assert_eq!(fusion.account(account.id).await.unwrap(), Some(account.clone()));

    let by_id = AccountKey::Id(account.id);
    assert_eq!(fusion.active_profile(&by_id, party.id).await.unwrap(), None);
    fusion.create_profile(&new_profile(account.id, party.id)).await.unwrap();
    let profile = fusion.active_profile(&by_id, party.id).await.unwrap().unwrap();
    assert_eq!(profile.class.as_deref(), Some("DEFAULT"));
    assert!(profile.id.is_some());
    let by_number = AccountKey::Number(account.number.clone());
    assert_eq!(fusion.active_profile(&by_number, party.id).await.unwrap(), Some(profile));

    let activities = fusion.accounts(ErpRead::ById { after: 0 }).await.unwrap();
    let [Seen::Record(seen)] = activities.rows.as_slice() else { panic!("{activities:?}") };
    assert_eq!((seen.id, seen.party, &seen.number), (account.id, party.id, &account.number));
}

#[tokio::test]
async fn a_lost_answer_is_found_again_by_reference_and_nothing_else_is() {
    let (sim, fusion) = pod(FusionSettings::default());
    let lose =
        |path: &str| sim.faults().set(vec![FaultRule::on(path, Fault::DropAfter).method("POST").times(1)]);
    lose("/hubOrganizations");
    let error = fusion.create_party(&new_party(KEY)).await.unwrap_err();
    assert_eq!(error.effect, Effect::InDoubt);
    let found = fusion.parties_by_reference(SYSTEM, KEY).await.unwrap();
    let [party] = found.as_slice() else { panic!("{found:?}") };
    let site = fusion.addresses(&party.number).await.unwrap()[0].id;

    lose("/crmService/");
    let error = fusion.create_account(&new_account(party.id, site, KEY)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Transient { after: None }, Effect::InDoubt));
    let found = fusion.accounts_by_reference(SYSTEM, KEY).await.unwrap();
    let [account] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(sim.account_ids(party.id.0), [account.id.0]);
    assert_eq!(account.sites[0].party_site, site, "it was made whole");
    for other in ["org:471", "org:47110", "ORG:4711"] {
        assert_eq!(fusion.accounts_by_reference(SYSTEM, other).await.unwrap(), [], "{other}");
        assert_eq!(fusion.parties_by_reference(SYSTEM, other).await.unwrap(), [], "{other}");
    }

    lose("/fscmService/");
    let error = fusion.create_profile(&new_profile(account.id, party.id)).await.unwrap_err();
    assert_eq!(error.effect, Effect::InDoubt);
    let profile = fusion.active_profile(&AccountKey::Id(account.id), party.id).await.unwrap();
    assert!(profile.is_some());
}

#[tokio::test]
async fn an_account_made_twice_is_two_and_the_lookup_says_so() {
    let settings = FusionSettings { refuse_duplicate_references: false, ..FusionSettings::default() };
    let (_, fusion) = pod(settings);
    let (party, site) = party(&fusion, KEY).await;
    for count in 1..=2 {
        fusion.create_account(&new_account(party.id, site, KEY)).await.unwrap();
        assert_eq!(fusion.accounts_by_reference(SYSTEM, KEY).await.unwrap().len(), count);
    }
}

fn final_word(error: CallError) -> String {
    assert_eq!((&error.kind, error.effect), (&ErrorKind::Rejected, Effect::None), "{error}");
    error.message
}

#[tokio::test]
async fn every_fault_is_final_and_leaves_no_doubt() {
    let (sim, fusion) = pod(FusionSettings::default());
    let (party, site) = party(&fusion, KEY).await;
    let good = new_account(party.id, site, KEY);
    let mut bad = vec![
        (new_account(PartyId(party.id.0 + 9_999), site, KEY), "PartyId of CustomerAccount"),
        (new_account(party.id, PartySiteId(5), KEY), "PartySiteId"),
    ];
    for (change, said) in [("set", "SetId"), ("system", "HZ-120559"), ("purpose", "SiteUseCode")] {
        let mut new = good.clone();
        match change {
            "set" => new.site.set = SetId(202),
            "system" => new.reference.system = "OTHER".to_owned(),
            _ => new.site.purpose = "BILLTO".to_owned(),
        }
        bad.push((new, said));
    }
    for (new, said) in bad {
        let message = final_word(fusion.create_account(&new).await.unwrap_err());
        assert!(message.contains(said), "{message}");
    }
    assert!(sim.account_ids(party.id.0).is_empty());
    let account = fusion.create_account(&good).await.unwrap();
    let message = final_word(fusion.create_account(&good).await.unwrap_err());
    assert!(message.contains("already exists"), "{message}");
    let (id, site_id) = (account.id, account.sites[0].id);
    let again = reference("org:4711:2");
    final_word(fusion.add_site(AccountId(1), &good.site).await.unwrap_err());
    final_word(fusion.add_site_use(id, AccountSiteId(1), "SHIP_TO", &again).await.unwrap_err());
    final_word(fusion.add_site_use(id, site_id, BILL_TO, &again).await.unwrap_err());
    let profile = new_profile(id, PartyId(party.id.0 + 1));
    final_word(fusion.create_profile(&profile).await.unwrap_err());
    let unknown = NewProfile { class: "GOLD".to_owned(), ..new_profile(id, party.id) };
    assert!(final_word(fusion.create_profile(&unknown).await.unwrap_err()).contains("GOLD"));
    fusion.create_profile(&new_profile(id, party.id)).await.unwrap();
    final_word(fusion.create_profile(&new_profile(id, party.id)).await.unwrap_err());
    assert_eq!(sim.customer_profiles(id.0).len(), 1);
    assert_eq!(fusion.account(AccountId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_party_prefers_a_currency_and_a_profile_has_terms_of_its_own() {
    let (sim, fusion) = pod(FusionSettings::default());
    let new = NewParty { currency: Some("EUR".to_owned()), ..new_party(KEY) };
    let party = fusion.create_party(&new).await.unwrap();
    assert_eq!(sim.party(party.id.0).unwrap()["CurrencyCode"], "EUR");
    let plain = fusion.create_party(&new_party("org:4712")).await.unwrap();
    assert!(sim.party(plain.id.0).unwrap()["CurrencyCode"].is_null(), "what is absent is not named");
    let [own, of_class] = [party, plain].map(|party| {
        let account = AccountId(sim.add_account(party.id.0, Edit::default()).unwrap());
        new_profile(account, party.id)
    });
    let terms = Some("45 Net".to_owned());
    for (profile, expected) in [(NewProfile { payment_terms: terms.clone(), ..own }, terms), (of_class, None)]
    {
        fusion.create_profile(&profile).await.unwrap();
        let found = fusion.active_profile(&profile.account, profile.party).await.unwrap().unwrap();
        assert_eq!(found.payment_terms, expected);
    }
}

#[tokio::test]
async fn an_account_that_a_person_made_gets_a_site_and_a_use() {
    let (sim, fusion) = pod(FusionSettings::default());
    let (party, site) = party(&fusion, KEY).await;
    let account = AccountId(sim.add_account(party.id.0, Edit::default()).unwrap());
    let found = fusion.add_site(account, &new_site(site, KEY)).await.unwrap();
    assert_eq!((found.id, found.sites.len()), (account, 1));
    let found = fusion.add_site_use(account, found.sites[0].id, "SHIP_TO", &reference("org:4711:ship")).await;
    let found = found.unwrap();
    let purposes: Vec<_> = found.sites[0].uses.iter().map(|one| one.purpose.as_str()).collect();
    assert_eq!(purposes, [BILL_TO, "SHIP_TO"]);
    assert_eq!(fusion.account(account).await.unwrap(), Some(found));
    let tables: Vec<_> =
        sim.account_references(account.0).iter().map(|row| row["OwnerTableName"].clone()).collect();
    assert_eq!(
        tables,
        [json!("HZ_CUST_ACCT_SITES_ALL"), json!("HZ_CUST_SITE_USES_ALL"), json!("HZ_CUST_SITE_USES_ALL")]
    );
}

#[tokio::test]
async fn a_party_is_refused_without_doubt_and_gets_children_and_changes() {
    let (sim, fusion) = pod(FusionSettings::default());
    let mut new = new_party(KEY);
    new.reference.system = "OTHER".to_owned();
    assert!(final_word(fusion.create_party(&new).await.unwrap_err()).contains("HZ-120559"));
    let (party, _) = party(&fusion, KEY).await;
    assert!(final_word(fusion.create_party(&new_party(KEY)).await.unwrap_err()).contains("already exists"));

    let stranger = sim.add_party(Edit::set(json!({ "OrganizationName": "Old" }))).unwrap();
    let number = sim.party_number(stranger).unwrap();
    fusion.add_reference(&number, &reference("org:2")).await.unwrap();
    fusion.add_usage(&number, "CUSTOMER").await.unwrap();
    let address = fusion.add_address(&number, &new_address()).await.unwrap();
    assert!(fusion.addresses(&number).await.unwrap().contains(&address));
    let found = fusion.parties_by_reference(SYSTEM, "org:2").await.unwrap();
    assert_eq!(found.iter().map(|one| one.id.0).collect::<Vec<_>>(), [stranger]);

    let etag = fusion.etag_of(&party.number).await.unwrap();
    let rename = |name: &str| PartyChanges::from([(PartyAttribute::Name, Some(name.to_owned()))]);
    let update = async |name, etag| fusion.update_party(&party.number, &rename(name), etag).await.unwrap();
    assert_eq!(update("Acme 2", Some(etag.as_str())).await, Updated::Done);
    assert_eq!(update("Acme 3", Some(etag.as_str())).await, Updated::Overtaken);
    assert_eq!(sim.party(party.id.0).unwrap()["OrganizationName"], "Acme 2");
    assert_eq!(update("Acme 4", None).await, Updated::Done);
    let gone = fusion.update_party("NOBODY", &rename("x"), None).await.unwrap_err();
    assert_eq!((gone.kind, gone.effect), (ErrorKind::Missing, Effect::None));
}
