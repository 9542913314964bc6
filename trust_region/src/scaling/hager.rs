//! The scaling of Hager, Mair and Zhang.

use super::{Named, Scaling, facing};
use crate::{Error, Result};

/// d = X/(αX + |g|) for the facing distance X (the nearer one for g = 0); 1/α where X is infinite and 0 where X = g = 0
/// (Hager, Mair and Zhang, Math. Program. 119, 2009).
///
/// The unit step along −Dg never leaves the box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HagerMairZhang {
    alpha: f64,
}

impl HagerMairZhang {
    /// With the inverse α of the largest entry.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless α is positive and finite.
    pub fn try_new(alpha: f64) -> Result<Self> {
        Error::require_positive("alpha", alpha)?;
        Ok(Self { alpha })
    }
}

impl Default for HagerMairZhang {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Scaling for HagerMairZhang {
    fn name(&self) -> String {
        "Hager-Mair-Zhang".into()
    }

    fn entry(&self, below: f64, above: f64, g: f64) -> f64 {
        let distance = if g == 0.0 {
            below.min(above)
        } else {
            facing(below, above, g)
        };
        if !distance.is_finite() {
            return self.alpha.recip();
        }
        let sum = self.alpha * distance + g.abs();
        if sum > 0.0 { distance / sum } else { 0.0 }
    }

    fn named(&self) -> Option<Named> {
        Some(Named::HagerMairZhang { alpha: self.alpha })
    }
}
