//! The scaling of Kanzow and Klug.

use super::{Named, Scaling};
use crate::{Error, Result};

/// d = min(x − l + γ max(0, −g), u − x + γ max(0, g)), 1 where both are infinite (Kanzow and Klug, Comput. Optim. Appl.
/// 35, 2006).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KanzowKlug {
    gamma: f64,
}

impl KanzowKlug {
    /// With the weight γ of the gradient.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless γ is positive and finite.
    pub fn try_new(gamma: f64) -> Result<Self> {
        Error::require_positive("gamma", gamma)?;
        Ok(Self { gamma })
    }
}

impl Default for KanzowKlug {
    fn default() -> Self {
        Self { gamma: 1.0 }
    }
}

impl Scaling for KanzowKlug {
    fn name(&self) -> String {
        "Kanzow-Klug".into()
    }

    fn entry(&self, below: f64, above: f64, g: f64) -> f64 {
        let d = (below + self.gamma * (-g).max(0.0)).min(above + self.gamma * g.max(0.0));
        if d.is_finite() { d } else { 1.0 }
    }

    fn named(&self) -> Option<Named> {
        Some(Named::KanzowKlug { gamma: self.gamma })
    }
}
