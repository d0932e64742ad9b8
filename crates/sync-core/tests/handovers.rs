//! The policy of handovers as a table: a situation in words, and the decision in words. Read it top down.
//!
//! It is long on purpose: whoever asks what is done in a case looks through one table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    customers::{
        AccountContact, AccountSite, AddressParts, BILL_TO, ErpAddress, ErpPerson, FoundAccount,
        FoundContact, SiteUse,
    },
    deals::{CrmDeal, CrmPerson, DealFacts, DealStatus},
    fields::{Field, Values},
    handover::{
        AnswerField, AnswerRules, Answers, Approval, Asked, Began, BusinessUnit, Cause, Conditions,
        ContactEnd, Decision, Directory, FieldIs, Handover, HandoverAnswer, HandoverAnswers, HandoverPolicy,
        Look, Looked, Made, MadeAccount, MadeContact, MadeParty, MadePerson, Mark, NextStep, OnRecord,
        OrgFacts, Paired, Piece, PieceKind, Question, Required, StagedDeal, Trigger, Wait, WantedAnswers,
        answers, decide, foresee, older,
    },
    ids::{
        AccountContactId, AccountId, AccountSiteId, DealId, OrgId, PartyId, PartySiteId, PersonId,
        RelationshipId, SetId, SiteUseId,
    },
    matching::{Comparison, JudgedParty, PartyVerdict},
    model::{CrmOrg, ErpParty, PartyStatus},
    money::{Amount, Money},
    situation::{CrmSide, Doubt},
    value::{PostalAddress, Value},
};

const ORG: OrgId = OrgId(11);
const PARTY: PartyId = PartyId(300);
const ACCOUNT: AccountId = AccountId(400);
const US: SetId = SetId(1);
const DE: SetId = SetId(2);

fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn unit(name: &str, set: SetId, when: Conditions) -> BusinessUnit {
    BusinessUnit {
        name: name.to_owned(),
        set,
        when,
        profile_class: "DEFAULT".to_owned(),
        customer_class: None,
        currency: None,
        payment_terms: None,
    }
}

fn policy() -> HandoverPolicy {
    let german = Conditions { pipeline: vec!["Vertrieb".to_owned()], ..Conditions::default() };
    HandoverPolicy {
        on: BTreeSet::from([Trigger::DealWon]),
        mark: None,
        require_mark: false,
        approval: Approval::Auto,
        review_above: BTreeMap::new(),
        approval_lasts: SignedDuration::from_hours(24),
        source_system: "PIPEDRIVE".to_owned(),
        company: 7,
        usage: "CUSTOMER".to_owned(),
        contact: None,
        ask_to_reuse: true,
        required: Required { address: true, tax_id: BTreeSet::from(["DE".to_owned()]) },
        business_units: vec![unit("DE1", DE, german), unit("US1", US, Conditions::default())],
        answers: AnswerRules::default(),
        settle: SignedDuration::from_secs(60),
        freshness: SignedDuration::from_secs(5),
    }
}

fn directory() -> Directory {
    Directory { pipelines: BTreeMap::from([(5, "Vertrieb".to_owned())]), users: BTreeMap::new() }
}

fn deal(id: i64) -> CrmDeal {
    CrmDeal {
        id: DealId(id),
        title: "Contract".to_owned(),
        status: DealStatus::Won,
        value: Some(Money { amount: Amount(600_000_000), currency: "USD".to_owned() }),
        org: Some(ORG),
        person: None,
        owner: Some(1),
        pipeline: Some(1),
        stage: None,
        won_at: Some(ago(60)),
        added_at: None,
        expected_close: None,
        archived: false,
        updated_at: ago(60),
        custom: BTreeMap::new(),
        label_ids: Vec::new(),
        facts: DealFacts::default(),
    }
}

fn address(country: Option<&str>) -> Value {
    Value::Address(PostalAddress {
        line: "500 Oracle Pkwy, Redwood City, CA 94065, USA".to_owned(),
        locality: Some("Redwood City".to_owned()),
        region: Some("CA".to_owned()),
        postal_code: Some("94065".to_owned()),
        country: country.map(str::to_owned),
    })
}

fn org(country: Option<&str>) -> CrmSide {
    let name = Value::Text("Acme Ltd".to_owned());
    let values: Values = BTreeMap::from([(Field::Name, name), (Field::Address, address(country))]);
    let org = CrmOrg { id: ORG, values, facts: OrgFacts::default(), updated_at: ago(600) };
    CrmSide::Present { org, read_at: ago(1) }
}

/// A deal was won a minute ago; nothing else is known.
fn won() -> Handover {
    Handover {
        org: ORG,
        now: now(),
        activated_at: ago(3600),
        crm: org(Some("USA")),
        assigned_at: None,
        deals: vec![StagedDeal { deal: deal(81), read_at: ago(1) }],
        pair: None,
        carried: None,
        made: Made::default(),
        looked: Looked::default(),
        doubt: None,
        hold: None,
        try_again: false,
        answers: HandoverAnswers::default(),
    }
}

fn party(status: PartyStatus, usage: &str) -> ErpParty {
    ErpParty {
        id: PARTY,
        number: "1001".to_owned(),
        name: "Acme Ltd".to_owned(),
        usage: Some(usage.to_owned()),
        status,
        tax_id: None,
        url: None,
        phone: None,
        duns: None,
        email: None,
        currency: None,
        address: None,
        attributes: Default::default(),
        updated_at: ago(900),
    }
}

fn judged(customer: bool, paired_with: Option<OrgId>) -> JudgedParty {
    JudgedParty {
        party: PARTY,
        name: "Acme Ltd".to_owned(),
        usage: Some("SUPPLIER".to_owned()),
        customer,
        paired_with,
        comparison: Comparison::default(),
    }
}

fn account(set: Option<SetId>, billed: bool) -> FoundAccount {
    let uses = vec![SiteUse { id: SiteUseId(9), purpose: BILL_TO.to_owned(), active: billed }];
    let site = |set| AccountSite {
        id: AccountSiteId(8),
        party_site: PartySiteId(7),
        set: Some(set),
        active: true,
        uses: uses.clone(),
    };
    FoundAccount {
        id: ACCOUNT,
        party: PARTY,
        number: "10061".to_owned(),
        name: None,
        class: None,
        active: true,
        sites: set.map(site).into_iter().collect(),
        contacts: Vec::new(),
        unclear: None,
    }
}

fn with_party(mut handover: Handover, ours: bool, usage: bool) -> Handover {
    handover.made.party = Some(MadeParty { id: PARTY, number: "1001".to_owned(), ours, usage });
    handover
}

fn with_account(handover: Handover, ours: bool) -> Handover {
    let mut handover = with_party(handover, ours, true);
    handover.made.account = Some(MadeAccount { id: ACCOUNT, number: "10061".to_owned(), ours });
    handover
}

fn addressed(mut handover: Handover) -> Handover {
    handover.looked.addresses = Some(vec![ErpAddress {
        id: PartySiteId(7),
        number: None,
        purpose: None,
        reference: None,
        parts: AddressParts::default(),
        primary: true,
        active: true,
    }]);
    handover
}

fn complete(set: SetId) -> Made {
    Made {
        began: Some(Began { cause: Cause::Deal(DealId(80)), set, at: ago(7200), contact: None }),
        sites: BTreeMap::from([(set, SiteUseId(9))]),
        profile: true,
        ..with_account(won(), true).made
    }
}

fn said(decision: &Decision) -> String {
    match decision {
        Decision::Nothing(Wait::NoCause) => "nothing".to_owned(),
        Decision::Nothing(Wait::Older) => "nothing: older".to_owned(),
        Decision::Nothing(Wait::Rejected) => "nothing: rejected".to_owned(),
        Decision::Nothing(Wait::Gone) => "nothing: gone".to_owned(),
        Decision::Observe => "observe".to_owned(),
        Decision::Look(look) => match look {
            Look::ByReference => "look by reference".to_owned(),
            Look::Alike => "look for alike".to_owned(),
            Look::Party(id) => format!("look at party {id}"),
            Look::Usages { .. } => "look at usages".to_owned(),
            Look::Addresses { .. } => "look at addresses".to_owned(),
            Look::Accounts => "look at our accounts".to_owned(),
            Look::Others(_) => "look at all accounts".to_owned(),
            Look::Profile { .. } => "look at the profile".to_owned(),
            Look::Person(person) => format!("look at person {person}"),
            Look::Persons(_) => "look for our person".to_owned(),
            Look::Contacts { .. } => "look at contacts".to_owned(),
            Look::ContactOf { number, .. } => format!("look whose contact {number} is"),
            Look::Account(_) => "look at the account".to_owned(),
        },
        Decision::Adopt(MadeParty { ours, usage, .. }) => format!("adopt party, ours {ours}, usage {usage}"),
        Decision::AdoptAccount(account, _) => format!("adopt account, ours {}", account.ours),
        Decision::AdoptProfile => "adopt profile".to_owned(),
        Decision::AdoptContact(_, MadeContact { person, relationship, end }) => {
            format!("adopt contact, person {}, related {}, {end:?}", person.is_some(), relationship.is_some())
        }
        Decision::StartOver => "start over".to_owned(),
        Decision::Do { piece, unit, .. } => format!("{} in {}", piece.op(), unit.name),
        Decision::Complete(_) => "complete".to_owned(),
        Decision::Hold(question) => format!("ask {}", question.key()),
        Decision::WaitUntil(_) => "wait".to_owned(),
    }
}

type Row = (&'static str, fn() -> Handover, &'static str);

fn changed(change: impl FnOnce(&mut Handover)) -> Handover {
    let mut handover = won();
    change(&mut handover);
    handover
}

fn deal_with(change: impl FnOnce(&mut CrmDeal)) -> Handover {
    changed(|handover| change(&mut handover.deals[0].deal))
}

#[test]
fn what_follows_from_what() {
    let table: &[Row] = &[
        // Causes.
        ("a deal was won", won, "look by reference"),
        ("no deal", || changed(|h| h.deals.clear()), "nothing"),
        ("the deal is open again", || deal_with(|d| d.status = DealStatus::Open), "nothing"),
        ("the deal is lost", || deal_with(|d| d.status = DealStatus::Lost), "nothing"),
        ("the deal is deleted", || deal_with(|d| d.status = DealStatus::Deleted), "nothing"),
        ("the deal is archived", || deal_with(|d| d.archived = true), "nothing"),
        ("the deal is another organization's", || deal_with(|d| d.org = Some(OrgId(12))), "nothing"),
        ("won before this was switched on", || deal_with(|d| d.won_at = Some(ago(7200))), "nothing: older"),
        (
            "won before, and a person asked for it",
            || {
                let mut handover = deal_with(|d| d.won_at = Some(ago(7200)));
                handover.answers.asked.insert(Asked::Deal(DealId(81)));
                handover
            },
            "look by reference",
        ),
        (
            "no deal, and a person asked for the organization",
            || {
                changed(|h| {
                    h.deals.clear();
                    h.answers.asked.insert(Asked::Org);
                })
            },
            "look by reference",
        ),
        // The organization.
        ("the organization is not known", || changed(|h| h.crm = CrmSide::Unknown), "observe"),
        (
            "the organization is gone",
            || changed(|h| h.crm = CrmSide::Absent { last_seen: ago(9) }),
            "nothing: gone",
        ),
        (
            "gone, and its customer is half created",
            || {
                changed(|h| {
                    h.crm = CrmSide::Absent { last_seen: ago(9) };
                    h.made.began =
                        Some(Began { cause: Cause::Deal(DealId(81)), set: US, at: ago(60), contact: None });
                })
            },
            "ask handover_organization_gone",
        ),
        ("the deal was read too long ago", || changed(|h| h.deals[0].read_at = ago(60)), "observe"),
        // Doubt comes first.
        ("an answer is missing", || changed(|h| h.doubt = Some(Doubt { settled_at: ago(-60) })), "wait"),
        // Who it is.
        (
            "our reference is there",
            || changed(|h| h.looked.by_reference = Some(vec![party(PartyStatus::Active, "CUSTOMER")])),
            "adopt party, ours true, usage true",
        ),
        (
            "our reference is on an inactive party",
            || changed(|h| h.looked.by_reference = Some(vec![party(PartyStatus::Inactive, "CUSTOMER")])),
            "ask party_unusable",
        ),
        (
            "our reference is there twice",
            || {
                changed(|h| {
                    h.looked.by_reference = Some(vec![
                        party(PartyStatus::Active, "CUSTOMER"),
                        party(PartyStatus::Active, "CUSTOMER"),
                    ]);
                })
            },
            "ask several_parties",
        ),
        ("nobody has our reference", || changed(|h| h.looked.by_reference = Some(vec![])), "look for alike"),
        (
            "nobody is like it",
            || {
                changed(|h| {
                    h.looked.by_reference = Some(vec![]);
                    h.looked.alike = Some(PartyVerdict::Nobody);
                })
            },
            "create_party in US1",
        ),
        (
            "a supplier is it",
            || {
                changed(|h| {
                    h.looked.by_reference = Some(vec![]);
                    h.looked.alike = Some(PartyVerdict::Bind { chosen: Box::new(judged(false, None)) });
                })
            },
            "ask party_known",
        ),
        (
            "a customer is it",
            || {
                changed(|h| {
                    h.looked.by_reference = Some(vec![]);
                    h.looked.alike = Some(PartyVerdict::Bind { chosen: Box::new(judged(true, None)) });
                })
            },
            "look at party 300",
        ),
        (
            "it is another organization's customer",
            || {
                changed(|h| {
                    h.looked.by_reference = Some(vec![]);
                    let chosen = Box::new(judged(true, Some(OrgId(12))));
                    h.looked.alike = Some(PartyVerdict::Bind { chosen });
                })
            },
            "ask party_ambiguous",
        ),
        ("a person chose a party", || changed(|h| h.answers.party = Some(PARTY)), "look at party 300"),
        (
            "the chosen party is a supplier",
            || {
                changed(|h| {
                    h.answers.party = Some(PARTY);
                    h.looked.party = Some(Some(party(PartyStatus::Active, "SUPPLIER")));
                })
            },
            "adopt party, ours false, usage false",
        ),
        ("it carries a party's id", || changed(|h| h.carried = Some(PARTY)), "look at party 300"),
        (
            "it has a pair",
            || changed(|h| h.pair = Some(Paired { party: PARTY, customer: None })),
            "look at party 300",
        ),
        // What is missing.
        (
            "no country",
            || {
                changed(|h| {
                    h.crm = org(None);
                    h.looked.by_reference = Some(vec![]);
                })
            },
            "ask data_missing",
        ),
        (
            "a tax id is needed there",
            || {
                changed(|h| {
                    h.crm = org(Some("Germany"));
                    h.looked.by_reference = Some(vec![]);
                })
            },
            "ask data_missing",
        ),
        // Account, site, profile.
        ("the party is there", || with_party(won(), true, true), "look at our accounts"),
        (
            "no account of ours, and the party is ours",
            || {
                let mut handover = with_party(won(), true, true);
                handover.looked.accounts = Some(vec![]);
                handover
            },
            "look at addresses",
        ),
        (
            "and an address",
            || {
                let mut handover = addressed(with_party(won(), true, true));
                handover.looked.accounts = Some(vec![]);
                handover
            },
            "create_account in US1",
        ),
        (
            "and no address",
            || {
                let mut handover = with_party(won(), true, true);
                handover.looked.accounts = Some(vec![]);
                handover.looked.addresses = Some(vec![]);
                handover
            },
            "add_address in US1",
        ),
        (
            "the party is not ours",
            || {
                let mut handover = with_party(won(), false, false);
                handover.looked.accounts = Some(vec![]);
                handover
            },
            "look at all accounts",
        ),
        (
            "not ours, without account and usage",
            || {
                let mut handover = with_party(won(), false, false);
                handover.looked.accounts = Some(vec![]);
                handover.looked.others = Some(vec![]);
                handover
            },
            "look at usages",
        ),
        (
            "it is no customer yet",
            || {
                let mut handover = with_party(won(), false, false);
                handover.looked.accounts = Some(vec![]);
                handover.looked.others = Some(vec![]);
                handover.looked.usages = Some(vec!["SUPPLIER".to_owned()]);
                handover
            },
            "add_usage in US1",
        ),
        (
            "not ours, with an account",
            || {
                let mut handover = with_party(won(), false, false);
                handover.looked.accounts = Some(vec![]);
                handover.looked.others = Some(vec![account(Some(US), true)]);
                handover
            },
            "adopt account, ours false",
        ),
        (
            "not ours, with two accounts",
            || {
                let mut handover = with_party(won(), false, false);
                handover.looked.accounts = Some(vec![]);
                handover.looked.others = Some(vec![account(Some(US), true), account(None, true)]);
                handover
            },
            "ask several_accounts",
        ),
        (
            "an account of ours is there",
            || {
                let mut handover = with_party(won(), true, true);
                handover.looked.accounts = Some(vec![account(Some(US), true)]);
                handover
            },
            "adopt account, ours true",
        ),
        (
            "the account has a site elsewhere only",
            || {
                let mut handover = addressed(with_account(won(), true));
                handover.looked.accounts = Some(vec![account(Some(DE), true)]);
                handover
            },
            "add_site in US1",
        ),
        (
            "the site is not billed to",
            || {
                let mut handover = with_account(won(), true);
                handover.looked.accounts = Some(vec![account(Some(US), false)]);
                handover
            },
            "add_site_use in US1",
        ),
        (
            "an account that others made has no site there",
            || {
                let mut handover = with_account(won(), false);
                handover.looked.others = Some(vec![account(Some(DE), true)]);
                handover
            },
            "ask site_missing",
        ),
        (
            "site there, profile not looked at",
            || {
                let mut handover = with_account(won(), true);
                handover.made.sites.insert(US, SiteUseId(9));
                handover
            },
            "look at the profile",
        ),
        (
            "no profile",
            || {
                let mut handover = with_account(won(), true);
                handover.made.sites.insert(US, SiteUseId(9));
                handover.looked.profile = Some(None);
                handover
            },
            "create_profile in US1",
        ),
        // Done, and more.
        ("everything is there, but no pair", || changed(|h| h.made = complete(US)), "complete"),
        (
            "everything is there",
            || {
                changed(|h| {
                    h.made = complete(US);
                    h.pair = Some(Paired { party: PARTY, customer: None });
                })
            },
            "nothing",
        ),
        (
            "a customer of one unit, won in another",
            || {
                let mut handover = deal_with(|d| d.pipeline = Some(5));
                handover.made = complete(US);
                handover
            },
            "look at our accounts",
        ),
        (
            "begun, and the deal is lost since",
            || {
                let mut handover = with_party(deal_with(|d| d.status = DealStatus::Lost), true, true);
                handover.made.began =
                    Some(Began { cause: Cause::Deal(DealId(81)), set: US, at: ago(60), contact: None });
                handover
            },
            "look at our accounts",
        ),
    ];
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(situation, handover, wanted)| {
            let found = said(&decide(&policy(), &directory(), &handover()));
            (found != *wanted).then(|| format!("{situation}: wanted {wanted}, found {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A label or what a custom field says, on the organization or the deal, and what that changes.
#[test]
fn marks_let_through_what_sets_a_handover_off() {
    use Trigger::{DealWon, OrgAssigned, OrgCreated};
    let label = || Mark::Label("Send to ERP".to_owned());
    let field = || {
        let values = vec!["Yes".to_owned(), "Urgently".to_owned()];
        Mark::Field(FieldIs { name: "ERP?".to_owned(), values })
    };
    let said_by = |field: &str, said: &[&str]| {
        BTreeMap::from([(field.to_owned(), said.iter().map(ToString::to_string).collect::<Vec<_>>())])
    };
    let none = OrgFacts::default;
    let labelled = || OrgFacts { labels: vec!["send to  erp".to_owned()], ..none() };
    let says = |said: &[&str]| OrgFacts { custom: said_by("erp?", said), ..none() };
    let entered = |seconds| OrgFacts { added_at: Some(ago(seconds)), ..labelled() };
    let on_deal = DealFacts {
        labels: vec!["Send to ERP".to_owned()],
        custom: said_by("ERP?", &["yes"]),
        ..DealFacts::default()
    };
    let plain = DealFacts::default;
    let goes = "look by reference";
    type Case<'a> = (&'a str, &'a [Trigger], Option<Mark>, bool, OrgFacts, Option<DealFacts>, &'a str);
    let table: Vec<Case<'_>> = vec![
        (
            "won, a mark exists but is not needed",
            &[DealWon],
            Some(label()),
            false,
            none(),
            Some(plain()),
            goes,
        ),
        ("won, and the mark is missing", &[DealWon], Some(label()), true, none(), Some(plain()), "nothing"),
        (
            "won, the organization has the label",
            &[DealWon],
            Some(label()),
            true,
            labelled(),
            Some(plain()),
            goes,
        ),
        ("won, the deal has the label", &[DealWon], Some(label()), true, none(), Some(on_deal.clone()), goes),
        (
            "won, the organization says so",
            &[DealWon],
            Some(field()),
            true,
            says(&["URGENTLY"]),
            Some(plain()),
            goes,
        ),
        (
            "won, it says something else",
            &[DealWon],
            Some(field()),
            true,
            says(&["No"]),
            Some(plain()),
            "nothing",
        ),
        (
            "won, one of several says so",
            &[DealWon],
            Some(field()),
            true,
            says(&["No", "Yes"]),
            Some(plain()),
            goes,
        ),
        ("won, the deal says so", &[DealWon], Some(field()), true, none(), Some(on_deal.clone()), goes),
        ("entered, and has the label", &[OrgCreated], Some(label()), false, entered(60), None, goes),
        (
            "entered before this was switched on",
            &[OrgCreated],
            Some(label()),
            false,
            entered(7200),
            None,
            "nothing: older",
        ),
        ("entered, without the label", &[OrgCreated], Some(field()), false, entered(60), None, "nothing"),
        (
            "its deal's mark is not its own",
            &[OrgCreated],
            Some(field()),
            false,
            entered(60),
            Some(on_deal),
            "nothing",
        ),
        ("given away, and has the label", &[OrgAssigned], Some(label()), false, labelled(), None, goes),
        ("given away, without the label", &[OrgAssigned], Some(label()), false, none(), None, "nothing"),
    ];
    for (what, on, mark, require_mark, facts, of_deal, wanted) in table {
        let policy = HandoverPolicy { on: on.iter().copied().collect(), mark, require_mark, ..policy() };
        let handover = changed(|h| {
            h.assigned_at = on.contains(&OrgAssigned).then(|| ago(60));
            if let CrmSide::Present { org, .. } = &mut h.crm {
                org.facts = facts.clone();
            }
            match of_deal.clone() {
                Some(facts) => h.deals[0].deal.facts = facts,
                None => h.deals.clear(),
            }
        });
        assert_eq!(said(&decide(&policy, &directory(), &handover)), wanted, "{what}");
    }
}

#[test]
fn a_custom_field_of_deal_or_organization_tells_the_business_unit() {
    let field = FieldIs { name: "Region".to_owned(), values: vec!["emea".to_owned()] };
    let by_field = Conditions { field: Some(field), ..Conditions::default() };
    let policy = HandoverPolicy { business_units: vec![unit("DE1", DE, by_field)], ..policy() };
    let custom = || BTreeMap::from([("Region".to_owned(), vec!["EMEA".to_owned()])]);
    assert_eq!(policy.interest().fields, ["Region"]);
    assert_eq!(said(&decide(&policy, &directory(), &won())), "ask no_business_unit");
    let by_deal = deal_with(|d| d.facts.custom = custom());
    assert_eq!(said(&decide(&policy, &directory(), &by_deal)), "look by reference");
    let by_org = changed(|h| {
        if let CrmSide::Present { org, .. } = &mut h.crm {
            org.facts.custom = custom();
        }
    });
    assert_eq!(said(&decide(&policy, &directory(), &by_org)), "look by reference");
}

#[test]
fn people_are_asked_where_the_policy_says_so_and_not_for_ever() {
    let mut review = policy();
    review.approval = Approval::Review;
    // Nobody in the ERP is like it.
    let asked = |policy: &HandoverPolicy, handover: &Handover| {
        let mut handover = handover.clone();
        handover.looked.by_reference = Some(vec![]);
        handover.looked.alike = Some(PartyVerdict::Nobody);
        said(&decide(policy, &directory(), &handover))
    };
    let created = "create_party in US1";
    assert_eq!(asked(&review, &won()), "ask approval_needed");
    assert_eq!(
        said(&decide(&review, &directory(), &won())),
        "look by reference",
        "looking needs no approval"
    );
    let mut above = policy();
    above.review_above.insert("USD".to_owned(), Amount(500_000_000));
    assert_eq!(asked(&above, &won()), "ask approval_needed");
    let euros = deal_with(|d| d.value = Some(Money { amount: Amount(10), currency: "EUR".to_owned() }));
    assert_eq!(asked(&above, &euros), "ask approval_needed", "nobody said how much that is");
    let small = deal_with(|d| d.value = Some(Money { amount: Amount(10), currency: "USD".to_owned() }));
    assert_eq!(asked(&above, &small), created);
    // A customer of one unit that is won in another one is asked about, too; one that is under way is not.
    let mut elsewhere = addressed(deal_with(|d| d.pipeline = Some(5)));
    elsewhere.made = complete(US);
    elsewhere.looked.accounts = Some(vec![account(Some(US), true)]);
    assert_eq!(said(&decide(&review, &directory(), &elsewhere)), "ask approval_needed");
    elsewhere.made.began = Some(Began { cause: Cause::Deal(DealId(81)), set: DE, at: ago(9), contact: None });
    assert_eq!(said(&decide(&review, &directory(), &elsewhere)), "add_site in DE1");

    let question = Question::ApprovalNeeded { cause: Cause::Deal(DealId(81)), title: None, value: None };
    let mut answers = HandoverAnswers::default();
    assert!(answers.remember(&question, HandoverAnswer::New).unwrap_err().contains("approve, reject, retry"));
    answers.remember(&question, HandoverAnswer::Approve).unwrap();
    let approved = changed(|h| h.answers = answers.clone());
    assert_eq!(asked(&review, &approved), created);
    answers.remember(&question, HandoverAnswer::Reject).unwrap();
    let rejected = changed(|h| h.answers = answers.clone());
    assert_eq!(asked(&review, &rejected), "nothing: rejected");
    let late = changed(|h| h.hold = Some((question.clone(), ago(90_000))));
    assert_eq!(asked(&review, &late), "ask approval_expired");
    let by_hand = changed(|h| h.answers.asked.extend([Asked::Deal(DealId(81))]));
    assert_eq!(asked(&review, &by_hand), created, "whoever asks approves");
}

#[test]
fn what_was_refused_is_not_sent_again_by_itself() {
    let mut handover = changed(|h| {
        h.looked.by_reference = Some(vec![]);
        h.looked.alike = Some(PartyVerdict::Nobody);
    });
    let Decision::Do { piece, .. } = decide(&policy(), &directory(), &handover) else { panic!("a piece") };
    let Piece::Party { new } = piece.as_ref() else { panic!("a party") };
    assert_eq!(new.addresses[0].parts.lines, ["500 Oracle Pkwy"]);
    assert_eq!(new.addresses[0].parts.country.as_deref(), Some("US"));
    assert_eq!(new.reference.value, "pd:7:org:11");
    let refused = Question::Refused { piece, message: "HZ-120485".to_owned(), exchange: None };
    handover.hold = Some((refused, ago(60)));
    assert_eq!(said(&decide(&policy(), &directory(), &handover)), "ask erp_refused");
    handover.try_again = true;
    assert_eq!(said(&decide(&policy(), &directory(), &handover)), "create_party in US1");
}

/// What is written again, what is left to people, and what is never touched.
#[test]
fn an_answer_is_written_where_it_differs_and_never_a_third_time() {
    use AnswerField::{AccountNumber, Status};
    let says = |text: &str| Answers::from([(Status, text.to_owned())]);
    let wanted = |text: Option<&str>| BTreeMap::from([(Status, text.map(str::to_owned))]);
    let mut shown = OnRecord::default();
    assert!(shown.changes(&wanted(None), &says("mine")).is_empty(), "what we did not write is not cleared");
    let changes = shown.changes(&wanted(Some("waiting")), &says("mine"));
    assert_eq!(changes, wanted(Some("waiting")));
    shown.remember(changes);
    assert!(
        shown.changes(&wanted(Some("waiting")), &says("waiting")).is_empty(),
        "no write that changes nothing"
    );
    let changes = shown.changes(&wanted(Some("waiting")), &says("mine"));
    assert_eq!(shown.repeated(&changes), [Status].into());
    shown.remember(changes);
    assert!(shown.changes(&wanted(Some("waiting")), &says("mine")).is_empty(), "somebody wants it so");
    let changes = shown.changes(&wanted(Some("customer created")), &says("mine"));
    assert_eq!(changes, wanted(Some("customer created")), "something else is to be said");
    shown.remember(changes);
    assert_eq!(shown.changes(&wanted(None), &says("customer created")), wanted(None));
    let both = BTreeMap::from([
        (AccountNumber, Some("10061".to_owned())),
        (Status, Some("customer created".to_owned())),
    ]);
    let one = BTreeMap::from([(AccountNumber, Some("10061".to_owned()))]);
    assert_eq!(shown.changes(&both, &says("customer created")), one, "only what differs");
}

#[test]
fn deals_and_organization_show_where_it_came_to_rest() {
    let mut policy = policy();
    policy.answers = AnswerRules {
        activity: false,
        deal: AnswerField::ALL.into(),
        org: [AnswerField::Status].into(),
        link: Some("https://erp.example/{party_id}/{account_number}".to_owned()),
    };
    let shown = |handover: &Handover| {
        let WantedAnswers { deals, org } = answers(&policy, &directory(), handover);
        let texts = |wanted: &sync_core::handover::Wanted| -> Vec<String> {
            wanted.values().map(|value| value.clone().unwrap_or_else(|| "-".to_owned())).collect()
        };
        (deals.get(&DealId(81)).map(texts), texts(&org))
    };
    assert_eq!(shown(&won()), (None, vec![]), "nothing while it is under way");
    let done = changed(|h| h.made = complete(US));
    let all = ["300", "10061", "customer created", "https://erp.example/300/10061"].map(str::to_owned);
    assert_eq!(shown(&done), (Some(all.to_vec()), vec!["customer created".to_owned()]));
    let asked = |cause| Question::DataMissing { cause, what: vec!["country".to_owned()] };
    let waits = changed(|h| h.hold = Some((asked(Cause::Deal(DealId(81))), ago(9))));
    let waiting = vec!["waiting: the organization has no country".to_owned()];
    assert_eq!(shown(&waits), (Some(waiting.clone()), waiting.clone()));
    let rejected = changed(|h| {
        h.answers.rejected.insert(Cause::Deal(DealId(81)));
    });
    assert_eq!(shown(&rejected).0, Some(vec!["rejected".to_owned()]));
    let older = deal_with(|d| d.won_at = Some(ago(7200)));
    assert_eq!(shown(&older), (None, vec![]), "it does not count");
    let mut reopened = deal_with(|d| d.status = DealStatus::Open);
    let written = OnRecord {
        written: BTreeMap::from([(AnswerField::Status, waiting.first().cloned())]),
        ..OnRecord::default()
    };
    reopened.made.shown.deals.insert(DealId(81), written.clone());
    reopened.made.shown.org = written;
    assert_eq!(shown(&reopened), (Some(vec!["-".to_owned()]), vec!["-".to_owned()]), "withdrawn");
}

/// What is looked for is not there; whatever is adopted is remembered on the way, and the pieces that follow are told.
#[test]
fn a_handover_is_foreseen_to_its_first_write() {
    let policy = policy();
    let told = |handover: &Handover| foresee(&policy, &directory(), handover);
    let mut fresh = won();
    assert_eq!(told(&fresh).next, NextStep::Look(Look::ByReference));
    fresh.looked =
        Looked { by_reference: Some(Vec::new()), alike: Some(PartyVerdict::Nobody), ..Looked::default() };
    let course = told(&fresh);
    let NextStep::Write { piece, follow, cause, .. } = &course.next else { panic!("{course:?}") };
    assert_eq!((piece.kind(), *cause), (PieceKind::Party, Cause::Deal(DealId(81))));
    assert_eq!(follow, &[PieceKind::Account, PieceKind::Profile]);
    assert_eq!((course.cause, course.unit.as_deref()), (Some(Cause::Deal(DealId(81))), Some("US1")));

    // The party is there: it is adopted in memory, and its account is looked for.
    let mut known = fresh.clone();
    known.looked.by_reference = Some(vec![party(PartyStatus::Active, "CUSTOMER")]);
    let course = told(&known);
    assert_eq!(
        (course.made.party.map(|party| party.id), course.next),
        (Some(PARTY), NextStep::Look(Look::Accounts))
    );
    assert_eq!(known.made.party, None, "nothing is remembered but in the course");
}

#[test]
fn older_deals_wait_one_for_each_business_unit_until_they_are_asked_for_or_refused() {
    let policy = policy();
    let mut handover = won();
    let old = |id: i64, pipeline: i64, seconds: i64| {
        let deal = CrmDeal { pipeline: Some(pipeline), won_at: Some(ago(seconds)), ..deal(id) };
        StagedDeal { deal, read_at: ago(1) }
    };
    handover.deals = vec![old(1, 1, 9_000), old(2, 1, 8_000), old(3, 5, 7_000)];
    let waiting = |handover: &Handover| -> Vec<i64> {
        older(&policy, &directory(), handover).iter().map(|because| because.deal.unwrap().id.0).collect()
    };
    assert_eq!(waiting(&handover), [1, 3], "the oldest of each unit");
    handover.answers.rejected.insert(Cause::Deal(DealId(1)));
    assert_eq!(waiting(&handover), [2, 3]);
    handover.answers.asked.insert(Asked::Deal(DealId(3)));
    assert_eq!(waiting(&handover), [2], "what a person asked for does not wait any more");
    handover.deals[1].deal.status = DealStatus::Open;
    assert!(waiting(&handover).is_empty());
    assert!(waiting(&won()).is_empty(), "what was won since goes on by itself");
}

/// Its pair could not be made when it was created, and nobody was asked then: what is complete asks for it.
#[test]
fn a_customer_without_its_pair_is_bound_once_it_is_complete() {
    let made = Made {
        began: Some(Began { cause: Cause::Deal(DealId(81)), set: US, at: ago(30), contact: None }),
        party: Some(MadeParty { id: PARTY, number: "1001".to_owned(), ours: true, usage: true }),
        account: Some(MadeAccount { id: ACCOUNT, number: "9".to_owned(), ours: true }),
        sites: BTreeMap::from([(US, SiteUseId(9))]),
        profile: true,
        ..Made::default()
    };
    let unpaired = Handover { made: made.clone(), ..won() };
    assert_eq!(decide(&policy(), &directory(), &unpaired), Decision::Complete(PARTY));
    let paired = Handover { made, pair: Some(Paired { party: PARTY, customer: None }), ..won() };
    assert!(matches!(decide(&policy(), &directory(), &paired), Decision::Nothing(_)));
}

/// The other flow bound the organization to another party while ours was being created.
#[test]
fn nothing_more_is_created_for_a_party_that_is_not_the_organizations() {
    let made = Made {
        began: Some(Began { cause: Cause::Deal(DealId(81)), set: US, at: ago(30), contact: None }),
        party: Some(MadeParty { id: PARTY, number: "1001".to_owned(), ours: true, usage: true }),
        account: Some(MadeAccount { id: ACCOUNT, number: "9".to_owned(), ours: true }),
        sites: BTreeMap::from([(US, SiteUseId(9))]),
        ..Made::default()
    };
    let looked = Looked { profile: Some(None), ..Looked::default() };
    let paired = |party| Handover {
        pair: Some(Paired { party, customer: None }),
        made: made.clone(),
        looked: looked.clone(),
        ..won()
    };
    let ours = decide(&policy(), &directory(), &paired(PARTY));
    assert!(matches!(&ours, Decision::Do { piece, .. } if piece.kind() == PieceKind::Profile), "{ours:?}");
    let other = PartyId(301);
    let mut changed = paired(other);
    let Decision::Hold(question) = decide(&policy(), &directory(), &changed) else { panic!("{changed:?}") };
    assert_eq!(*question, Question::PartyChanged { made: PARTY, party: other });

    // Also when the organization is gone, for half a customer that belongs to nobody.
    changed.crm = CrmSide::Absent { last_seen: ago(600) };
    assert_eq!(said(&decide(&policy(), &directory(), &changed)), "ask handover_organization_gone");
    changed.crm = won().crm;

    // A person says so; then it is decided as for any organization that has a customer.
    changed.answers.remember(&question, HandoverAnswer::Go).unwrap();
    assert_eq!(said(&decide(&policy(), &directory(), &changed)), "start over");
    changed.made = Made::default();
    assert_eq!(decide(&policy(), &directory(), &changed), Decision::Look(Look::Party(other)));

    // What was said about one party is not said about the next.
    changed.made = made.clone();
    changed.pair = Some(Paired { party: PartyId(302), customer: None });
    assert_eq!(said(&decide(&policy(), &directory(), &changed)), "ask party_changed");
}

const PERSON: PersonId = PersonId(17);
const RELATIONSHIP: RelationshipId = RelationshipId(30);

/// A customer of ours whose deal has a person, and that is complete but for it.
fn to_contact() -> Handover {
    let mut handover = deal_with(|deal| deal.person = Some(PERSON));
    let began = Began { cause: Cause::Deal(DealId(81)), set: US, at: ago(60), contact: Some(PERSON) };
    handover.made = Made { began: Some(began), ..complete(US) };
    handover
}

fn contact_with(change: impl FnOnce(&mut Handover, &mut MadeContact)) -> Handover {
    let (mut handover, mut contact) = (to_contact(), MadeContact::default());
    change(&mut handover, &mut contact);
    handover.made.contacts.insert(PERSON, contact);
    handover
}

fn ada() -> CrmPerson {
    CrmPerson {
        id: PERSON,
        name: "Ada Lovelace".to_owned(),
        first: Some("Ada".to_owned()),
        last: Some("Lovelace".to_owned()),
        email: Some("ada@acme.example".to_owned()),
        phone: None,
    }
}

/// The person was read, and nobody of that name is a contact.
fn known(handover: &mut Handover) {
    handover.looked.person = Some(Some(ada()));
    handover.looked.contacts = Some(Vec::new());
}

fn ours(status: PartyStatus) -> ErpPerson {
    ErpPerson { id: PartyId(900), number: "P-900".to_owned(), status }
}

fn person() -> Option<MadePerson> {
    Some(MadePerson { id: PartyId(900), number: "P-900".to_owned() })
}

/// The account with this contact.
fn account_with(relationship: RelationshipId, purposes: &[&str], active: bool) -> FoundAccount {
    let purposes = purposes.iter().map(|purpose| (*purpose).to_owned()).collect();
    let contact = AccountContact { id: AccountContactId(50), relationship, active, purposes };
    FoundAccount { contacts: vec![contact], ..account(Some(US), true) }
}

#[test]
fn a_contact_follows_step_by_step_and_each_is_looked_for_first() {
    let table: &[Row] = &[
        ("nothing is known", to_contact, "look at person 17"),
        (
            "the person is gone",
            || contact_with(|h, _| h.looked.person = Some(None)),
            "adopt contact, person false, related false, Some(Gone)",
        ),
        (
            "the person was read",
            || contact_with(|h, _| h.looked.person = Some(Some(ada()))),
            "look at contacts",
        ),
        (
            "somebody of that name is a contact of the customer",
            || {
                contact_with(|h, _| {
                    known(h);
                    let name = Some(" ada  LOVELACE".to_owned());
                    let found = FoundContact { relationship: RELATIONSHIP, person: PartyId(7), name };
                    h.looked.contacts = Some(vec![found]);
                })
            },
            "adopt contact, person false, related true, None",
        ),
        ("nobody of that name is", || contact_with(|h, _| known(h)), "look for our person"),
        (
            "there is no such person",
            || {
                contact_with(|h, _| {
                    known(h);
                    h.looked.persons = Some(Vec::new());
                })
            },
            "create_person in US1",
        ),
        (
            "there is one",
            || {
                contact_with(|h, _| {
                    known(h);
                    h.looked.persons = Some(vec![ours(PartyStatus::Active)]);
                })
            },
            "adopt contact, person true, related false, None",
        ),
        (
            "there are two",
            || {
                contact_with(|h, _| {
                    known(h);
                    h.looked.persons = Some(vec![ours(PartyStatus::Active); 2]);
                })
            },
            "ask contact_unusable",
        ),
        (
            "it is not in use",
            || {
                contact_with(|h, _| {
                    known(h);
                    h.looked.persons = Some(vec![ours(PartyStatus::Inactive)]);
                })
            },
            "ask contact_unusable",
        ),
        (
            "it was made",
            || contact_with(|_, contact| contact.person = person()),
            "look whose contact P-900 is",
        ),
        (
            "it is nobody's contact",
            || {
                contact_with(|h, contact| {
                    contact.person = person();
                    h.looked.contact_of = Some(None);
                })
            },
            "add_contact in US1",
        ),
        (
            "it is a contact of the customer",
            || {
                contact_with(|h, contact| {
                    contact.person = person();
                    h.looked.contact_of = Some(Some(RELATIONSHIP));
                })
            },
            "adopt contact, person true, related true, None",
        ),
        (
            "it was made a contact",
            || contact_with(|_, contact| contact.relationship = Some(RELATIONSHIP)),
            "look at the account",
        ),
        (
            "the account has no contact",
            || {
                contact_with(|h, contact| {
                    contact.relationship = Some(RELATIONSHIP);
                    h.looked.account = Some(Some(account(Some(US), true)));
                })
            },
            "add_account_contact in US1",
        ),
        (
            "it writes to the contact already, but sends no bills there",
            || {
                contact_with(|h, contact| {
                    contact.relationship = Some(RELATIONSHIP);
                    h.looked.account = Some(Some(account_with(RELATIONSHIP, &["SHIP_TO"], true)));
                })
            },
            "add_account_contact in US1",
        ),
        (
            "it sends bills there",
            || {
                contact_with(|h, contact| {
                    contact.relationship = Some(RELATIONSHIP);
                    h.looked.account = Some(Some(account_with(RELATIONSHIP, &["BILL_TO"], true)));
                })
            },
            "adopt contact, person false, related true, Some(Made)",
        ),
        (
            "it did so once",
            || {
                contact_with(|h, contact| {
                    contact.relationship = Some(RELATIONSHIP);
                    h.looked.account = Some(Some(account_with(RELATIONSHIP, &["BILL_TO"], false)));
                })
            },
            "add_account_contact in US1",
        ),
        (
            "its contacts cannot be read",
            || {
                contact_with(|h, contact| {
                    contact.relationship = Some(RELATIONSHIP);
                    let unclear = Some("CustomerAccountContact: RelationshipId is text".to_owned());
                    h.looked.account = Some(Some(FoundAccount { unclear, ..account(Some(US), true) }));
                })
            },
            "ask contact_unusable",
        ),
        (
            "the account is not shown",
            || {
                contact_with(|h, contact| {
                    contact.relationship = Some(RELATIONSHIP);
                    h.looked.account = Some(None);
                })
            },
            "ask contact_unusable",
        ),
        (
            "a person said to leave it",
            || {
                contact_with(|h, _| {
                    h.answers.contacts_left.insert(PERSON);
                })
            },
            "adopt contact, person false, related false, Some(Left)",
        ),
        ("it ended", || contact_with(|_, contact| contact.end = Some(ContactEnd::Made)), "complete"),
        (
            "the account is not of our making",
            || contact_with(|h, _| h.made = with_account(h.clone(), false).made),
            "complete",
        ),
    ];
    let policy = HandoverPolicy { contact: Some("ORG_CONTACT".to_owned()), ..policy() };
    for (what, handover, expected) in table {
        let decision = decide(&policy, &Directory::default(), &handover());
        assert_eq!(said(&decision), *expected, "{what}");
    }
    let off = decide(&HandoverPolicy { contact: None, ..policy }, &Directory::default(), &to_contact());
    assert_eq!(
        said(&off),
        "adopt contact, person false, related false, Some(Left)",
        "switched off meanwhile"
    );
}

#[test]
fn a_person_without_parts_is_called_by_its_whole_name_and_only_the_first_contact_is_the_main_one() {
    let policy = HandoverPolicy { contact: Some("ORG_CONTACT".to_owned()), ..policy() };
    let handover = contact_with(|h, _| {
        known(h);
        h.looked.person = Some(Some(CrmPerson { name: "Purchasing".to_owned(), last: None, ..ada() }));
        h.looked.persons = Some(Vec::new());
    });
    let Decision::Do { piece, .. } = decide(&policy, &Directory::default(), &handover) else {
        panic!("a write")
    };
    let Piece::Person { of, new } = *piece else { panic!("a person") };
    assert_eq!((of, new.first, new.last.as_str()), (PERSON, None, "Purchasing"));
    assert_eq!((new.usage.as_str(), new.reference.value.as_str()), ("ORG_CONTACT", "pd:7:person:17"));

    for (purposes, main) in [(["BILL_TO"], false), (["SHIP_TO"], true)] {
        let handover = contact_with(|h, contact| {
            contact.relationship = Some(RELATIONSHIP);
            h.looked.account = Some(Some(account_with(RelationshipId(31), &purposes, true)));
        });
        let Decision::Do { piece, .. } = decide(&policy, &Directory::default(), &handover) else {
            panic!("a write")
        };
        let Piece::AccountContact { new, .. } = *piece else { panic!("a contact") };
        assert_eq!((new.primary, new.known), (main, None), "{purposes:?}");
    }
}

#[test]
fn a_refused_contact_is_asked_about_and_can_be_left() {
    let policy = HandoverPolicy { contact: Some("ORG_CONTACT".to_owned()), ..policy() };
    let piece = Box::new(Piece::Contact { of: PERSON, number: "P-900".to_owned(), party: PARTY });
    let refused = Question::Refused { piece, message: "no".to_owned(), exchange: None };
    let mut handover = contact_with(|h, contact| {
        contact.person = person();
        h.looked.contact_of = Some(None);
        h.hold = Some((refused.clone(), ago(5)));
    });
    assert_eq!(said(&decide(&policy, &Directory::default(), &handover)), "ask erp_refused");
    assert!(refused.answers().iter().any(|(key, _)| *key == "leave"));
    handover.answers.remember(&refused, HandoverAnswer::Leave).unwrap();
    let decision = decide(&policy, &Directory::default(), &handover);
    assert_eq!(said(&decision), "adopt contact, person true, related false, Some(Left)");
    let party = Question::Refused {
        piece: Box::new(Piece::Usage { number: "1001".to_owned(), usage: "CUSTOMER".to_owned() }),
        message: "no".to_owned(),
        exchange: None,
    };
    assert!(handover.answers.remember(&party, HandoverAnswer::Leave).is_err(), "a customer needs its usage");
}

#[test]
fn a_plan_tells_that_a_contact_follows() {
    let policy = HandoverPolicy { contact: Some("ORG_CONTACT".to_owned()), ..policy() };
    for (person, kinds) in [(None, 2), (Some(PERSON), 3)] {
        let mut handover = deal_with(|deal| deal.person = person);
        handover.looked.by_reference = Some(Vec::new());
        handover.looked.alike = Some(PartyVerdict::Nobody);
        let NextStep::Write { follow, .. } = foresee(&policy, &Directory::default(), &handover).next else {
            panic!("a write")
        };
        assert_eq!(follow.len(), kinds, "{follow:?}");
        assert_eq!(follow.last() == Some(&PieceKind::AccountContact), person.is_some());
    }
}
