//! The box l ≤ x ≤ u.

use crate::{Error, Result};

/// The box l ≤ x ≤ u; entries of l may be −∞ and entries of u may be +∞.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl Bounds {
    /// The box between `lower` and `upper`. A variable with equal bounds is fixed.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for unequal lengths; [`Error::InvalidBounds`] where l > u, a bound is NaN, l = +∞ or
    /// u = −∞.
    pub fn new(lower: Vec<f64>, upper: Vec<f64>) -> Result<Self> {
        if lower.len() != upper.len() {
            return Err(Error::DimensionMismatch {
                what: "upper bounds",
                expected: lower.len(),
                found: upper.len(),
            });
        }
        for (index, (&l, &u)) in lower.iter().zip(&upper).enumerate() {
            let ordered = l <= u;
            if !ordered || l == f64::INFINITY || u == f64::NEG_INFINITY {
                return Err(Error::InvalidBounds {
                    index,
                    lower: l,
                    upper: u,
                });
            }
        }
        Ok(Self { lower, upper })
    }

    /// The whole of Rⁿ.
    pub fn unbounded(n: usize) -> Self {
        Self {
            lower: vec![f64::NEG_INFINITY; n],
            upper: vec![f64::INFINITY; n],
        }
    }

    /// n, the number of variables.
    pub fn len(&self) -> usize {
        self.lower.len()
    }

    /// Whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.lower.is_empty()
    }

    /// l.
    pub fn lower(&self) -> &[f64] {
        &self.lower
    }

    /// u.
    pub fn upper(&self) -> &[f64] {
        &self.upper
    }
}
