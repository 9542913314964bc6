//! The scaling of Heinkenschloss, Ulbrich and Ulbrich.

use super::{ColemanLi, Named, Scaling};
use crate::{Error, Result};

/// The [`ColemanLi`] entry where |g| < min(x − l, u − x)^p or min(x − l, u − x) < |g|^p, else 1
/// (Heinkenschloss, Ulbrich and Ulbrich, Math. Program. 86, 1999).
///
/// Stays away from zero where a bound is active with g = 0. The step to the boundary along −Dg is not bounded below: at
/// x − l just above |g|^p it is about |g|^(p − 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeinkenschlossUlbrich {
    p: f64,
}

impl HeinkenschlossUlbrich {
    /// With the exponent p.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless p > 1 and finite.
    pub fn try_new(p: f64) -> Result<Self> {
        if p > 1.0 && p.is_finite() {
            Ok(Self { p })
        } else {
            Err(Error::InvalidParameter {
                name: "p",
                value: p,
                reason: "must be above 1 and finite",
            })
        }
    }
}

impl Default for HeinkenschlossUlbrich {
    fn default() -> Self {
        Self { p: 2.0 }
    }
}

impl Scaling for HeinkenschlossUlbrich {
    fn name(&self) -> String {
        "Heinkenschloss-Ulbrich-Ulbrich".into()
    }

    fn entry(&self, below: f64, above: f64, g: f64) -> f64 {
        let near = below.min(above);
        if !near.is_finite() {
            return 1.0;
        }
        let slope = g.abs();
        if slope < near.powf(self.p) || near < slope.powf(self.p) {
            ColemanLi.entry(below, above, g)
        } else {
            1.0
        }
    }

    fn named(&self) -> Option<Named> {
        Some(Named::HeinkenschlossUlbrich { p: self.p })
    }
}
