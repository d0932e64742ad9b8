//! Connections that are made by programs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sync_store::Store;
use sync_web::{
    Parts,
    handover_plan::OlderDeals,
    setup::{
        Change, Maker, NotMade, Setting, Tried,
        mapping::{Foresight, Mapping},
    },
};

use crate::{
    Api, all,
    support::{World, at},
};

/// Keeps texts as the process does, whatever they say, but for one that is wrong.
struct Keeping {
    store: Store,
    secrets: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl Maker for Keeping {
    async fn change(&self, change: Change) -> Result<(), NotMade> {
        let Change { name, version, who, why, settings, text, secrets } = change;
        let id = self.store.ensure_connection(&name, "{}", at(0)).await.unwrap();
        let newest = self.store.versions_of(id, 1).await.unwrap();
        if newest.first().map_or(0, |newest| newest.version) != version {
            return Err(NotMade::as_things_stand("somebody was faster", "look again"));
        }
        let mut text = text.unwrap_or_else(|| newest.first().map(|one| one.body.clone()).unwrap_or_default());
        if text.contains("wrong") {
            return Err(NotMade::new("unknown key (line 2, column 3 of the text)", "remove it"));
        }
        for (path, setting) in settings {
            let Some(Setting::Flag(_) | Setting::Number(_)) = setting else { panic!("{path}: {setting:?}") };
            text.push_str(&format!("{path}: {setting:?}\n"));
        }
        let typed = secrets.iter().map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned()));
        self.secrets.lock().unwrap().extend(typed);
        assert!(self.store.add_connection_text(id, version, (&who, &why), &text, at(0)).await.unwrap());
        Ok(())
    }

    async fn consent(&self, _: &str) -> Result<String, NotMade> {
        Err(NotMade::new("nobody consents", "wait"))
    }

    async fn try_out(&self, _: &str, _: &str, _: &str) -> Result<Vec<Tried>, NotMade> {
        Err(NotMade::new("nothing is tried", "wait"))
    }

    async fn foresee(&self, _: &str, _: &str) -> Result<Foresight, NotMade> {
        Err(NotMade::new("nothing is foreseen", "wait"))
    }

    async fn older_deals(&self, _: &str, _: Option<i64>) -> Result<Option<OlderDeals>, NotMade> {
        Ok(None)
    }

    fn mapping(&self, _: &str) -> Mapping {
        Mapping::default()
    }

    fn with_mapping(&self, text: &str, _: &Mapping) -> Result<String, NotMade> {
        Ok(text.to_owned())
    }

    fn settings(&self, text: &str) -> BTreeMap<String, String> {
        let has = |system: &&str| text.contains(*system);
        let systems = ["oracle", "pipedrive"].into_iter().filter(has);
        systems.map(|system| (format!("{system}.base_url"), String::new())).collect()
    }

    fn back_here(&self, connection: &str) -> String {
        format!("https://here/connect/{connection}")
    }
}

async fn api(world: &World) -> (Api, Arc<Keeping>) {
    let maker = Arc::new(Keeping { store: world.store.clone(), secrets: Mutex::default() });
    let parts = Parts { maker: Some(maker.clone()), ..world.parts().0 };
    (Api::of(world, parts).await, maker)
}

const TEXT: &str = "connections/made/text";

#[tokio::test]
async fn a_connection_is_made_described_and_switched_on() {
    let world = World::new().await;
    let (api, maker) = api(&world).await;
    let made = api.post("connections", &json!({ "name": "made" })).await;
    assert_eq!(made, (201, json!({ "connection": "made", "version": 1 })));
    assert_eq!(api.post("connections", &json!({ "name": "made" })).await.0, 409);
    assert_eq!(api.post("connections", &json!({ "name": "acme" })).await.0, 409, "the file has it");
    for name in ["", "A", "a b", "a/b", &"a".repeat(65)] {
        assert_eq!(api.post("connections", &json!({ "name": name })).await.0, 400, "{name}");
    }
    assert_eq!(
        api.post("connections/made/switch", &json!({ "on": true })).await.0,
        409,
        "it is not complete"
    );

    let change =
        |version: i64, text: &str| json!({ "version": version, "text": text, "why": "both systems" });
    let mut body = change(1, "oracle\r\npipedrive\n");
    body["secrets"] = json!({ "oracle.client_secret": "geheim" });
    let kept = api.post(TEXT, &body).await;
    assert_eq!(kept, (200, json!({ "connection": "made", "version": 2 })));
    let secrets = maker.secrets.lock().unwrap().clone();
    assert_eq!(secrets, [("oracle.client_secret".to_owned(), "geheim".to_owned())]);
    let (status, refused) = api.post(TEXT, &change(2, "oracle\n  wrong\n")).await;
    assert_eq!(status, 400);
    assert!(refused["title"].as_str().unwrap().contains("line 2, column 3"), "{refused}");
    assert_eq!(api.post(TEXT, &change(1, "oracle\n")).await.0, 409, "somebody was faster");
    for secrets in [json!({ "Oracle": "geheim" }), json!({ "oracle": "" }), json!({ "oracle": 4711 })] {
        let mut body = change(2, "oracle\npipedrive\n");
        body["secrets"] = secrets;
        let (status, refused) = api.post(TEXT, &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(!refused.to_string().contains("4711"), "{refused}");
    }

    let on = json!({ "on": true, "creates": 500, "version": 2 });
    assert_eq!(api.post("connections/made/switch", &on).await.0, 200);
    assert_eq!(api.post("connections/made/switch", &on).await.0, 409, "that version was looked at before");
    assert_eq!(api.post("connections/made/switch", &json!({ "on": false })).await.0, 200);
    assert_eq!(api.post("connections/made/switch", &json!({ "on": true, "creates": 0 })).await.0, 400);

    let newest = api.told(TEXT).await;
    assert_eq!((&newest["version"], &newest["why"]), (&json!(4), &json!("switched off")));
    let expected = "oracle\npipedrive\nenabled: Some(Flag(true))\nsync.guard.creates: Some(Number(500))\nenabled: Some(Flag(false))\n";
    assert_eq!(newest["text"], expected);
    let older = api.told(&format!("{TEXT}?version=2")).await;
    assert_eq!(
        (&older["text"], &older["made_by"]),
        (&json!("oracle\npipedrive\n"), &json!("token of [web]"))
    );
    assert_eq!(api.get(&format!("{TEXT}?version=5")).await.0, 404);
    assert_eq!(api.get(&format!("{TEXT}?version=0")).await.0, 400);
    let versions = api.told(&format!("{TEXT}/versions?limit=3")).await;
    assert_eq!(all(&versions, "version"), [4, 3, 2]);
    assert!(versions["items"][0].get("text").is_none(), "{versions}");
    let rest = format!("{TEXT}/versions?cursor={}", versions["next_cursor"].as_str().unwrap());
    assert_eq!(all(&api.told(&rest).await, "why"), ["made"]);
    for path in [TEXT, "connections/made/text/versions", "connections", "deeds", "connections/made/check"] {
        assert!(!api.told(path).await.to_string().contains("geheim"), "{path}");
    }
}

#[tokio::test]
async fn what_the_configuration_file_says_is_changed_there_and_by_admins_alone() {
    let world = World::new().await;
    let (api, _) = api(&world).await;
    let text = json!({ "version": 1, "text": "oracle\n" });
    for (path, body) in [("text", &text), ("switch", &json!({ "on": false }))] {
        let path = format!("connections/acme/{path}");
        let (status, refused) = api.post(&path, body).await;
        assert_eq!(status, 409, "{refused}");
        assert!(refused["help"].as_str().unwrap().contains("change it there"), "{refused}");
        assert_eq!(api.ask("approver", &path, Some(body)).await.0, 403);
    }
    let (status, refused) = api.get("connections/acme/text").await;
    assert_eq!(status, 404, "{refused}");
    assert_eq!(api.told("connections/acme/text/versions").await["items"], json!([]));
    assert_eq!(api.ask("approver", "connections/acme/text", None).await.0, 403);
    let name: Value = json!({ "name": "made" });
    assert_eq!(api.ask("approver", "connections", Some(&name)).await.0, 403);
    assert!(world.store.connection_texts().await.unwrap().is_empty());
    // A process that only shows pages keeps nothing.
    let shows = Api { router: sync_web::router(world.parts().0) };
    assert_eq!(shows.post("connections", &name).await.0, 409);
}
