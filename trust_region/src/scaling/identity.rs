//! No scaling.

use super::{Named, Scaling};

/// d = 1. It does not vanish at active bounds, so methods that use it have no convergence theory there; a baseline.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Identity;

impl Scaling for Identity {
    fn name(&self) -> String {
        "identity".into()
    }

    fn entry(&self, _below: f64, _above: f64, _g: f64) -> f64 {
        1.0
    }

    fn named(&self) -> Option<Named> {
        Some(Named::Identity)
    }
}
