//! Fields of one's own over the transport seam: one bad record of many is held, the others go on.

use crate::world::{Beginning, World};
use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    generator,
    pipedrive::PipedriveSettings,
};
use serde_json::json;
use sync_core::{
    expression::{Expression, ResultType},
    fields::{Field, OwnField, OwnKey, Owner},
    hold::HoldReason,
};

fn own(name: &str, expression: &str, want: ResultType) -> (OwnKey, OwnField) {
    let key = OwnKey::new(&name.to_lowercase()).expect("a name");
    let expression = Expression::compile(expression).expect("an expression");
    (key, OwnField { name: name.to_owned(), expression, want })
}

#[tokio::test]
async fn an_expression_that_fails_on_one_record_holds_that_one_and_no_other() {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    let mut world = World::new(Beginning { seed: 5, fusion, pipedrive, oauth: false }).await;
    let short = ResultType::Text { limit: 255 };
    let fields = [
        own("Place", "City ~ \", \" ~ Country", short.clone()),
        own("Staff", "EmployeesTotal", ResultType::Number),
        own("Towns", "Address | map(attribute=\"City\") | join(\" / \")", short),
    ];
    for (key, own) in &fields {
        world.policy.fields = world.policy.fields.clone().with_own(*key, own.clone(), Owner::Erp);
    }
    generator::populate(&world.fusion, 300, 5, world.clock.now());
    let bad = world.fusion.customer_ids()[17];
    // More digits than a number field keeps.
    world
        .fusion
        .edit_party(bad, &Edit::set(json!({"EmployeesTotal": 1.234_567_890_123_456_7e16})))
        .expect("a party");
    let lease = world.take().await.expect("nobody else wants it");
    let mut engine = world.engine(&lease);
    let end = world.clock.now() + SignedDuration::from_hours(2);
    world.work_until(&mut engine, &lease, end).await;

    let holds = async { world.store.read(world.connection).await?.list_holds(None, None, 10).await };
    let holds = world.drive(holds).await.expect("alive").expect("the store works");
    assert_eq!(holds.iter().map(|hold| hold.party.0).collect::<Vec<_>>(), [bad]);
    let HoldReason::FieldFailed { field, reason } = &holds[0].reason else { panic!("{:?}", holds[0]) };
    assert_eq!(*field, Field::Own(fields[1].0));
    assert!(reason.contains("map it to a text field"), "{reason}");
    let organizations = world.organizations();
    assert!(!organizations.contains_key(&bad), "nothing of it was written");
    let mut shown = 0;
    for party in world.fusion.customer_ids().into_iter().filter(|party| *party != bad) {
        let values = world.fusion.party(party).expect("a party");
        let Some([organization]) = organizations.get(&party).map(Vec::as_slice) else { panic!("{party}") };
        let staff = organization.custom.get("Staff").and_then(serde_json::Value::as_f64);
        assert_eq!(staff, values["EmployeesTotal"].as_f64(), "{party}");
        if let (Some(city), Some(country)) = (values["City"].as_str(), values["Country"].as_str()) {
            assert_eq!(organization.custom["Place"], format!("{city}, {country}"));
            assert_eq!(organization.custom["Towns"], city, "the rows of a child");
            shown += 1;
        }
    }
    assert!(shown > 200, "{shown}");
}
