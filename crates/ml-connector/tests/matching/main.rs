//! A small version of `scripts/matching-report`: a false bind fails the build.

#![cfg(test)]

mod report;

#[test]
fn nobody_is_bound_falsely_and_most_are_bound_by_themselves() {
    for seed in [1, 2, 3] {
        let found = report::matched(2_000, seed, "2026-03-01T00:00:00Z".parse().expect("a time"));
        assert!(found.bound_falsely.is_empty(), "seed {seed}: {:#?}", found.bound_falsely);
        assert!(found.precision() >= 1.0 && found.bound_right > 800, "seed {seed}: {found:?}");
        // The aim is 0.9: see docs/matching-report.md for what is asked about instead.
        assert!(found.recall() >= 0.8, "seed {seed}: {:.3} {found:?}", found.recall());
        assert!(found.customers == 2_000 && found.organizations > 1_000, "seed {seed}: {found:?}");
        assert!(found.biggest_bucket < 100, "seed {seed}: blocking keys divide: {found:?}");
        assert!(
            found.created_twice * 100 <= found.known,
            "seed {seed}: {} of {}",
            found.created_twice,
            found.known
        );
    }
}
