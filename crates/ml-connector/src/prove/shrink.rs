//! The shortest beginning of a failing life that still fails.

use sync_engine::simulation::{Failure, Report, Trial};

/// Below the shortest beginning that bisection finds a shorter one may still fail: so many are tried, one by one.
const TRIED_BELOW: u32 = 8;

/// The failure of the shortest beginning found of a life that fails, with the number of its turns; it breaks one of the laws
/// that the whole life broke. `live` lives a trial.
pub fn shortest(
    failure: Failure,
    trial: &Trial,
    mut live: impl FnMut(&Trial) -> Result<Report, Failure>,
) -> Failure {
    let laws = failure.laws();
    let mut fails = |turns: u32| {
        let broken = live(&trial.clone().at_most(turns)).err()?;
        (!broken.laws().is_disjoint(&laws)).then_some(Failure { turns, ..broken })
    };
    let mut shortest = failure;
    let mut passes = 0;
    // Whether a longer beginning of a failing one fails, too, is likely and not sure.
    while passes < shortest.turns {
        let half = passes + (shortest.turns - passes) / 2;
        match fails(half) {
            Some(broken) => shortest = broken,
            None => passes = half + 1,
        }
    }
    let mut tried = 0;
    while tried < TRIED_BELOW && tried < shortest.turns {
        tried += 1;
        if let Some(broken) = fails(shortest.turns - tried) {
            (shortest, tried) = (broken, 0);
        }
    }
    shortest
}

#[cfg(test)]
mod tests {
    use sync_core::laws::Violation;

    use super::*;

    fn failure(turns: u32, law: u8) -> Failure {
        let violations = vec![Violation { law, story: String::new() }];
        Failure { seed: 1, turns, violations, story: Vec::new() }
    }

    #[test]
    fn the_shortest_beginning_is_found_also_where_longer_ones_pass() {
        let trial = Trial::of(1);
        // Fails from turn 17 on, and at 12.
        let live = |trial: &Trial| match trial.turns {
            Some(turns) if turns >= 17 || turns == 12 => Err(failure(turns, 3)),
            Some(_) | None => Ok(Report::default()),
        };
        assert_eq!(shortest(failure(90, 3), &trial, live).turns, 12);
    }

    #[test]
    fn another_law_is_another_failure() {
        let live = |trial: &Trial| {
            Err(failure(trial.turns.unwrap_or(0), if trial.turns < Some(30) { 8 } else { 1 }))
        };
        assert_eq!(shortest(failure(40, 1), &Trial::of(1), live).turns, 30);
    }
}
