//! Counts that are proved.

use crate::error::Result;
use crate::jacobi::{Jacobi, ldexp, shift};

/// What is proved about the number of eigenvalues below x and at most x.
///
/// `lower ≤ #{λ < x} ≤ #{λ ≤ x} ≤ upper` in exact arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountBracket {
    /// At least so many eigenvalues are < x.
    pub lower: usize,
    /// At most so many eigenvalues are ≤ x.
    pub upper: usize,
}

impl CountBracket {
    /// The count, when both ends agree: then it is exact and x is no eigenvalue.
    pub fn exact(self) -> Option<usize> {
        (self.lower == self.upper).then_some(self.lower)
    }
}

/// The exact numbers of eigenvalues below and at most x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// #{λ < x}
    pub below: usize,
    /// #{λ ≤ x}
    pub at_most: usize,
}

impl Counts {
    /// Multiplicity of x as an eigenvalue.
    pub fn multiplicity(self) -> usize {
        self.at_most - self.below
    }
}

impl Jacobi {
    /// Brackets the exact counts at x by two float counts at x ∓ η, η = 4 u R + the smallest float.
    ///
    /// The bound 2.5 u R on the displacement of a float count, plus room for pivots that overflow and products that
    /// underflow. Errs as [`count_below`](Jacobi::count_below). Two counts.
    ///
    /// ```
    /// use hadamard_oscillation::Jacobi;
    /// let chain = Jacobi::new(vec![0.0; 101], vec![-1.0; 100])?;
    /// assert_eq!(chain.count_bracket(0.5)?.exact(), Some(59));
    /// assert_eq!(chain.count_bracket(0.0)?.exact(), None); // 0 is an eigenvalue
    /// assert_eq!(chain.count_certified(0.0)?.multiplicity(), 1);
    /// # Ok::<(), hadamard_oscillation::OscillationError>(())
    /// ```
    pub fn count_bracket(&self, x: f64) -> Result<CountBracket> {
        let x = shift("x", 0, x)?;
        if self.coupling_radius() > f64::from_bits((1023 + 970) << 52) {
            // A pivot that overflows counts as zero; for larger couplings that would be too large a perturbation. The
            // scaling rounds entries by less than 2^-1074, far inside η.
            return self.scaled(-64)?.count_bracket(ldexp(x, -64));
        }
        let eta = (2.0 * f64::EPSILON * self.coupling_radius()).next_up() + f64::from_bits(1);
        let limit = f64::MAX / 2.0;
        Ok(CountBracket {
            lower: self.count_below((x - eta).next_down().max(-limit))?,
            upper: self.count_below((x + eta).next_up().min(limit))?,
        })
    }

    /// The exact counts at x: the [bracket](Self::count_bracket) when it is decisive, integer arithmetic
    /// ([`count_exact`](Self::count_exact)) otherwise.
    ///
    /// Errs as [`count_below`](Jacobi::count_below). Two float counts; next to an eigenvalue O(n²) bit operations.
    pub fn count_certified(&self, x: f64) -> Result<Counts> {
        match self.count_bracket(x)?.exact() {
            Some(count) => Ok(Counts {
                below: count,
                at_most: count,
            }),
            None => self.count_exact(x),
        }
    }

    /// Whether it is proved that no eigenvalue lies in [a, b]. Errs as [`count_in`](Jacobi::count_in).
    pub fn is_gap(&self, a: f64, b: f64) -> Result<bool> {
        self.count_in(a..=b)?;
        let (left, right) = (self.count_bracket(a)?, self.count_bracket(b)?);
        Ok(left.lower == right.upper)
    }
}
