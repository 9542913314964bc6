//! The scaling of Coleman and Li, and Ulbrich's clipped form.

use super::{Named, Scaling, facing};
use crate::{Error, Result};

/// d = u − x for g < 0 and x − l otherwise; 1 where that is infinite (Coleman and Li, Math. Program. 67, 1994).
///
/// Used by STRSCNE, TRESNEI and scipy's `trf`. Jumps where g changes sign.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ColemanLi;

impl Scaling for ColemanLi {
    fn name(&self) -> String {
        "Coleman-Li".into()
    }

    fn entry(&self, below: f64, above: f64, g: f64) -> f64 {
        let distance = facing(below, above, g);
        if distance.is_finite() { distance } else { 1.0 }
    }

    fn named(&self) -> Option<Named> {
        Some(Named::ColemanLi)
    }
}

/// The smaller of the [`ColemanLi`] entry and a cap (M. Ulbrich's published routine).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clipped {
    cap: f64,
}

impl Clipped {
    /// Entries of at most `cap`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless `cap` is positive and finite.
    pub fn try_new(cap: f64) -> Result<Self> {
        Error::require_positive("cap", cap)?;
        Ok(Self { cap })
    }
}

impl Default for Clipped {
    fn default() -> Self {
        Self { cap: 1.0 }
    }
}

impl Scaling for Clipped {
    fn name(&self) -> String {
        "clipped Coleman-Li".into()
    }

    fn entry(&self, below: f64, above: f64, g: f64) -> f64 {
        ColemanLi.entry(below, above, g).min(self.cap)
    }

    fn named(&self) -> Option<Named> {
        Some(Named::Clipped { cap: self.cap })
    }
}
