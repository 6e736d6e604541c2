//! One number of the report: what was measured, what it should be.

use std::time::Duration;

/// What it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

/// What the number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Of a hundred.
    Percent,
    /// A multiple.
    Times,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Things.
    Count,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub title: String,
    unit: Unit,
    aim: Aim,
    measured: f64,
    remark: String,
}

impl Figure {
    /// A number and what it should be.
    pub fn new(title: impl Into<String>, unit: Unit, measured: f64, aim: Aim) -> Self {
        Self { title: title.into(), unit, aim, measured, remark: String::new() }
    }

    /// So many of these, and it should be none.
    pub fn none_of(title: impl Into<String>, count: usize) -> Self {
        Self::new(title, Unit::Count, float(count), Aim::AtMost(0.0))
    }

    /// The share of `all` that is `good`, in percent.
    pub fn share(title: impl Into<String>, good: usize, all: usize, aim: Aim) -> Self {
        Self::new(title, Unit::Percent, 100.0 * float(good) / float(all.max(1)), aim)
    }

    /// What a reader should know beside it.
    pub fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = remark.into();
        self
    }

    /// Whether it is as it should be.
    pub fn is_met(&self) -> bool {
        match self.aim {
            Aim::AtLeast(limit) => self.measured >= limit,
            Aim::AtMost(limit) => self.measured <= limit,
        }
    }

    /// Title, aim, measured, verdict, remark.
    pub fn cells(&self) -> [String; 5] {
        let aim = match self.aim {
            Aim::AtLeast(limit) => format!("≥ {}", self.unit.text(limit)),
            Aim::AtMost(limit) => format!("≤ {}", self.unit.text(limit)),
        };
        let verdict = if self.is_met() { "met" } else { "**not met**" };
        let measured = self.unit.text(self.measured);
        [self.title.clone(), aim, measured, verdict.to_owned(), self.remark.clone()]
    }
}

impl Unit {
    /// With as many digits as tell a failure from a success.
    fn text(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{} %", trimmed(value, 3)),
            Self::Times => format!("{} ×", trimmed(value, 3)),
            Self::Milliseconds => format!("{} ms", trimmed(value, 2)),
            Self::Seconds => format!("{} s", trimmed(value, 2)),
            Self::Count => trimmed(value, 0),
        }
    }
}

fn trimmed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if digits == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// The smallest value that `permille` of all values do not exceed; none without values.
pub fn percentile(values: &mut [Duration], permille: usize) -> Option<Duration> {
    values.sort_unstable();
    let rank = (values.len() * permille).div_ceil(1000).max(1);
    values.get(rank - 1).copied()
}

/// The middle one; none without values.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

/// A duration in milliseconds.
pub fn milliseconds(duration: Option<Duration>) -> f64 {
    duration.map_or(f64::NAN, |duration| duration.as_secs_f64() * 1e3)
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
pub const fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::half(500, Some(50))]
    #[case::nearly_all(990, Some(99))]
    #[case::all(1000, Some(100))]
    #[case::the_first(1, Some(1))]
    fn a_percentile_is_the_nearest_rank(#[case] permille: usize, #[case] expected: Option<u64>) {
        let mut values: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut values, permille), expected.map(Duration::from_millis));
    }

    #[test]
    fn no_values_have_no_percentile_and_no_median() {
        assert_eq!((percentile(&mut [], 500), median(Vec::new())), (None, None));
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), Some(5.0));
    }

    #[rstest]
    #[case::enough(Aim::AtLeast(99.9), 99.9, true)]
    #[case::just_too_little(Aim::AtLeast(99.9), 99.899, false)]
    #[case::too_much(Aim::AtMost(1.2), 1.201, false)]
    #[case::not_measured(Aim::AtMost(1.2), f64::NAN, false)]
    fn an_aim_is_met_or_not(#[case] aim: Aim, #[case] measured: f64, #[case] met: bool) {
        let figure = Figure::new("t", Unit::Percent, measured, aim);
        assert_eq!(figure.is_met(), met);
    }

    #[test]
    fn a_figure_just_below_its_aim_is_not_rounded_up_to_it() {
        let figure = Figure::share("t", 99_899, 100_000, Aim::AtLeast(99.9));
        assert_eq!(figure.cells()[1..4], ["≥ 99.9 %", "99.899 %", "**not met**"]);
    }
}
