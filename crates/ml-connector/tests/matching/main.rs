//! A small version of `scripts/matching-report`: a false bind fails the build.

#![cfg(test)]

mod report;

#[test]
fn nobody_is_bound_falsely_and_most_are_bound_by_themselves() {
    let (mut bound, mut bindable) = (0, 0);
    for seed in [1, 2, 3] {
        let found = report::matched(2_000, seed, end(), false);
        assert!(found.bound_falsely.is_empty(), "seed {seed}: {:#?}", found.bound_falsely);
        assert!(found.precision() >= 1.0 && found.bound_right > 800, "seed {seed}: {found:?}");
        (bound, bindable) = (bound + found.bound_right, bindable + found.bindable);
        assert!(found.customers == 2_000 && found.organizations > 1_000, "seed {seed}: {found:?}");
        assert!(found.biggest_bucket < 100, "seed {seed}: blocking keys divide: {found:?}");
        assert!(
            found.created_twice * 100 <= found.known,
            "seed {seed}: {} of {}",
            found.created_twice,
            found.known
        );
    }
    assert!(bound * 10 >= bindable * 9, "recall: {bound} of {bindable}");
}

/// Three companies of a name in each country, often in one town: more is asked, nothing is bound falsely.
#[test]
fn in_a_crowd_of_namesakes_nobody_is_bound_falsely() {
    let found = report::matched(2_000, 1, end(), true);
    assert!(found.bound_falsely.is_empty(), "{:#?}", found.bound_falsely);
    assert!(found.recall() >= 0.85, "{:.3} {found:?}", found.recall());
}

fn end() -> jiff::Timestamp {
    "2026-03-01T00:00:00Z".parse().expect("a time")
}
