//! The system's clock is moved while the ERP's and the CRM's go on.

use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    pipedrive::PipedriveSettings,
};
use serde_json::json;
use sync_engine::Step;

use crate::world::{Beginning, World};

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_nobody_waiting() {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    let world = World::new(Beginning { seed: 1, fusion, pipedrive, oauth: false }).await;
    let parties = world.enter_customers(0..3);
    let minutes = SignedDuration::from_mins;
    for set_back_between_processes in [false, true] {
        let lease = world.take().await.expect("alive");
        let mut engine = world.engine(&lease);
        let end = world.clock.now() + minutes(20);
        Box::pin(world.work_until(&mut engine, &lease, end)).await;
        // For a while it is six hours later: everything that is read then was read then.
        let ahead = world.clock.now() + SignedDuration::from_hours(6);
        for _ in 0..200 {
            world.drive(lease.renew()).await.expect("alive").expect("the lease is ours");
            if world.drive(engine.step(ahead)).await.expect("alive").expect("a step") != Step::Worked {
                break;
            }
        }
        let name = format!("Set right {set_back_between_processes}");
        let set = Edit::set(json!({ "OrganizationName": name }));
        world.fusion.edit_party(parties[0], &set).expect("changed");
        let end = world.clock.now() + minutes(20);
        if set_back_between_processes {
            world.drive(lease.release()).await.expect("alive").expect("the store works");
            let lease = world.take().await.expect("alive");
            let mut engine = world.engine(&lease);
            Box::pin(world.work_until(&mut engine, &lease, end)).await;
            world.drive(lease.release()).await.expect("alive").expect("the store works");
        } else {
            Box::pin(world.work_until(&mut engine, &lease, end)).await;
            world.drive(lease.release()).await.expect("alive").expect("the store works");
        }
        let organizations = world.organizations();
        let [organization] = &organizations[&parties[0]][..] else { panic!("one organization") };
        assert_eq!(organization.name, name);
        assert_eq!(organizations.len(), 3);
    }
}
