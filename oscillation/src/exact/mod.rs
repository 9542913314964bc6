//! Counts, solutions and Wronskians in exact arithmetic.
//!
//! Every finite float is a dyadic rational, so a matrix of floats scaled by a common power of two is a matrix of
//! integers: [`Jacobi::count_exact`](crate::Jacobi::count_exact). [`ExactJacobi`] takes any rational entries and also
//! carries the definitions of relative oscillation theory literally; it judges the floating-point routines.

mod integer;
mod rational;
mod wronskian;

pub use num_rational::BigRational;
pub use rational::{ExactJacobi, node_count, nodes};
pub use wronskian::{ExactWronskian, Interval};

use num_traits::Signed;

/// Counts the sign changes of a sequence of leading determinants, one diagonal block after the other.
///
/// A zero takes the sign of its predecessor: det ≠ 0 on both sides of an interior zero have opposite signs, so that
/// exactly one change is counted either way, and a zero at the end of a block is an eigenvalue, not a change.
#[derive(Default)]
struct SignChanges {
    below: usize,
    equal: usize,
    negative: bool,
    zero: bool,
}

impl SignChanges {
    fn start_block(&mut self) {
        self.equal += usize::from(self.zero);
        (self.negative, self.zero) = (false, false);
    }

    fn push(&mut self, determinant: &impl Signed) {
        self.zero = determinant.is_zero();
        if !self.zero && determinant.is_negative() != self.negative {
            self.below += 1;
            self.negative = !self.negative;
        }
    }

    fn finish(mut self) -> crate::Counts {
        self.start_block();
        crate::Counts {
            below: self.below,
            at_most: self.below + self.equal,
        }
    }
}
