//! Today's tokens as a picture: ours, others' on top of them, and what is granted.

use sync_core::budget::Class;

use crate::told::Budget;

/// Width and height of the picture, in its own units.
const SIZE: (i64, u64) = (480, 96);

/// A day.
const MINUTES: i64 = 24 * 60;

/// The lines of the picture.
pub(crate) struct Curve {
    /// The corners of what we spent.
    pub(crate) ours: String,
    /// The corners of what everybody spent.
    pub(crate) all: String,
    /// How far down the line of what is granted is; none where that is not known.
    pub(crate) granted: Option<u64>,
    /// How far down the line of our share is, where we may not spend everything.
    pub(crate) share: Option<u64>,
    /// How far right it is now.
    pub(crate) now: i64,
}

/// What tokens were spent for, as people say it.
pub(crate) fn class_told(class: &Class) -> &'static str {
    match class {
        Class::Urgent => "For won deals and people who wait",
        Class::NewCustomer => "For new customers",
        Class::Document => "For documents",
        Class::Edit => "For changes",
        Class::Audit => "For checking",
        Class::Backfill => "For the first load and other bulk work",
    }
}

/// What the day looks like.
pub(crate) fn curve(budget: &Budget) -> Curve {
    let (width, height) = SIZE;
    let spent = budget.curve.last().map_or(0, |last| last.ours + last.others);
    // A little room above, so that a line at the top is seen.
    let most = u128::from(budget.daily.unwrap_or(0).max(spent).max(1)) * 21 / 20;
    let down = |tokens: u64| {
        let up = u128::from(tokens) * u128::from(height) / most;
        height.saturating_sub(u64::try_from(up).unwrap_or(height))
    };
    let right = |minute: i64| minute.clamp(0, MINUTES) * width / MINUTES;
    let now = budget.curve.last().map_or(0, |last| right(last.minute));
    let corners = |tokens: &dyn Fn(&crate::told::SpentBy) -> u64| {
        let mut corners = format!("0,{height}");
        for by in &budget.curve {
            corners.push_str(&format!(" {},{}", right(by.minute), down(tokens(by))));
        }
        corners + &format!(" {now},{height}")
    };
    Curve {
        ours: corners(&|by| by.ours),
        all: corners(&|by| by.ours + by.others),
        granted: budget.daily.map(down),
        share: budget.daily_ours.filter(|ours| Some(*ours) != budget.daily).map(down),
        now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::SpentBy;

    #[test]
    fn a_picture_stays_within_its_frame() {
        let by = |minute, ours, others| SpentBy { at: String::new(), minute, ours, others };
        let budget = |daily, curve| Budget { daily, daily_ours: Some(50), curve, ..Budget::default() };
        let day = curve(&budget(Some(100), vec![by(0, 0, 0), by(720, 20, 0), by(2_000, 50, 50)]));
        assert_eq!(day.ours, "0,96 0,96 240,78 480,51 480,96");
        assert_eq!(day.all, "0,96 0,96 240,78 480,5 480,96");
        assert_eq!((day.granted, day.share, day.now), (Some(5), Some(51), 480));
        let nothing = curve(&budget(None, Vec::new()));
        assert_eq!((nothing.ours.as_str(), nothing.granted), ("0,96 0,96", None));
        let much = curve(&budget(Some(1), vec![by(60, u64::MAX / 32, 0)]));
        assert!(much.ours.ends_with(" 20,5 20,96"), "{}", much.ours);
    }
}
