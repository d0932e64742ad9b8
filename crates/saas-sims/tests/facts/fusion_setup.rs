//! What is set up on a pod before customers can be created: source systems, reference data sets, privileges.

use saas_sims::fusion::FusionSettings;

use crate::http::Answer;
use crate::soap::{Desk, fault, value, values};

const SETS: &str = "/fscmRestApi/resources/11.13.18.05/setIdAssignmentsBusinessUnit";
const SERVICE: &str = "/crmService/FoundationSourceSystemService";
const SPACE: &str = "http://xmlns.oracle.com/apps/cdm/foundation/parties/sourceSystemService/";

/// A search for a source system.
async fn find(desk: &Desk, code: &str) -> Answer {
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"{SPACE}applicationModule/types/\" \
         xmlns:f=\"http://xmlns.oracle.com/adf/svc/types/\"><s:Body><t:findSourceSystem><t:findCriteria>\
         <f:fetchStart>0</f:fetchStart><f:fetchSize>10</f:fetchSize><f:filter><f:group>\
         <f:upperCaseCompare>false</f:upperCaseCompare><f:item><f:upperCaseCompare>false</f:upperCaseCompare>\
         <f:attribute>OrigSystem</f:attribute><f:operator>=</f:operator><f:value>{code}</f:value></f:item></f:group>\
         </f:filter></t:findCriteria><t:findControl/></t:findSourceSystem></s:Body></s:Envelope>"
    );
    desk.post(SERVICE, &format!("{SPACE}applicationModule/findSourceSystem"), &body).await
}

#[tokio::test]
async fn a_registered_source_system_is_found_with_what_it_is_enabled_for() {
    let desk = Desk::new().await;
    let found = value(&find(&desk, "PIPEDRIVE").await);
    assert_eq!((found.text("OrigSystem"), found.text("Status")), ("PIPEDRIVE", "A"));
    assert_eq!(found.all("OriginalSystemMapping").count(), 5);
    assert!(values(&find(&desk, "SIEBEL").await).is_empty());
    let desk = Desk::with(FusionSettings { source_system_service: false, ..FusionSettings::default() }).await;
    assert_eq!(fault(&find(&desk, "PIPEDRIVE").await).text, "Unknown method");
}

#[tokio::test]
async fn business_units_have_sets_that_cannot_be_queried() {
    let desk = Desk::with(FusionSettings { set_ids: vec![7, 9], ..FusionSettings::default() }).await;
    let all = desk.pod.get(SETS, &[("onlyData", "true")]).await.ok();
    let mut sets: Vec<i64> =
        all["items"].as_array().unwrap().iter().map(|row| row["SetId"].as_i64().unwrap()).collect();
    sets.sort_unstable();
    assert_eq!(sets, [7, 9]);
    assert_eq!(all["items"][0]["ReferenceGroupName"], "HZ_CUSTOMER_ACCOUNT_SITE");
    desk.pod.get(SETS, &[("q", "SetId = 7")]).await.refused(400);
    desk.pod.get(SETS, &[("orderBy", "SetId:asc")]).await.refused(400);
}

#[tokio::test]
async fn what_the_user_has_no_privilege_for_is_403_and_the_rest_is_not() {
    let forbidden = vec!["FoundationSourceSystemService".to_owned(), "setIdAssignments".to_owned()];
    let desk = Desk::with(FusionSettings { forbidden, ..FusionSettings::default() }).await;
    find(&desk, "PIPEDRIVE").await.refused(403);
    desk.pod.get(SETS, &[]).await.refused(403);
    desk.pod.get("/crmRestApi/resources/11.13.18.05/hubOrganizations", &[]).await.ok();
}
