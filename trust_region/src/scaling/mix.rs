//! Convex combinations of scalings.

use super::{HagerMairZhang, KanzowKlug, Named, Scaling};
use crate::{Bounds, Error, Result};

/// d = Σ w_j d⁽ʲ⁾ with w_j ≥ 0 and Σ w_j = 1, the class of Ayanzadeh, Yazdanian and Shahamatnia (arXiv 1904.09209; the
/// default weights are ours).
///
/// The zero pattern and local bounds of the members carry over; continuity only if all members have it. The step to the
/// boundary of each variable is the weighted harmonic mean of the members'.
pub struct Mix {
    members: Vec<(f64, Box<dyn Scaling>)>,
}

impl Mix {
    /// The combination with these weights, which are divided by their sum.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] without members, for a negative or infinite weight, and when all are zero.
    pub fn try_new(mut members: Vec<(f64, Box<dyn Scaling>)>) -> Result<Self> {
        let invalid = |value, reason| {
            Err(Error::InvalidParameter {
                name: "weight",
                value,
                reason,
            })
        };
        if let Some((weight, _)) = members.iter().find(|(w, _)| !w.is_finite() || *w < 0.0) {
            return invalid(*weight, "must be finite and not negative");
        }
        let sum: f64 = members.iter().map(|m| m.0).sum();
        if sum.is_nan() || sum <= 0.0 {
            return invalid(sum, "the sum of all weights must be positive");
        }
        members.retain(|m| m.0 > 0.0);
        // Weights that sum to one but for rounding stay as they are: dividing them again would move their last bits.
        if (sum - 1.0).abs() > 4.0 * f64::EPSILON * members.len() as f64 {
            members.iter_mut().for_each(|m| m.0 /= sum);
        }
        Ok(Self { members })
    }
}

impl Default for Mix {
    /// Half [`KanzowKlug`], half [`HagerMairZhang`].
    fn default() -> Self {
        let members: Vec<(f64, Box<dyn Scaling>)> = vec![
            (0.5, Box::new(KanzowKlug::default())),
            (0.5, Box::new(HagerMairZhang::default())),
        ];
        Self { members }
    }
}

impl Scaling for Mix {
    fn name(&self) -> String {
        let parts: Vec<String> = self
            .members
            .iter()
            .map(|(w, s)| format!("{w:.3} {}", s.name()))
            .collect();
        parts.join(" + ")
    }

    fn entry(&self, below: f64, above: f64, g: f64) -> f64 {
        self.members.iter().map(|(w, s)| w * s.entry(below, above, g)).sum()
    }

    fn accumulate(&self, weight: f64, x: &[f64], g: &[f64], bounds: &Bounds, d: &mut [f64]) {
        let members = self.members.iter();
        members.for_each(|(w, s)| s.accumulate(weight * w, x, g, bounds, d));
    }

    /// That of all members, when all have one.
    fn named(&self) -> Option<Named> {
        let members = self.members.iter().map(|(w, s)| Some((*w, s.named()?)));
        members.collect::<Option<_>>().map(Named::Mix)
    }
}
