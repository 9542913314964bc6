//! The count of a matrix of floats in integer arithmetic.

use num_bigint::BigInt;

use super::SignChanges;
use crate::certified::Counts;
use crate::error::Result;
use crate::jacobi::{Jacobi, shift};

/// m and s with x = m 2ˢ, m odd or zero.
fn dyadic(x: f64) -> (i64, i32) {
    if x == 0.0 {
        return (0, 0);
    }
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, scale) = if exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, exponent - 1075)
    };
    let odd = mantissa.trailing_zeros();
    (
        if x < 0.0 { -(mantissa >> odd) } else { mantissa >> odd },
        scale + odd as i32,
    )
}

fn integer((mantissa, exponent): (i64, i32), common: i32) -> BigInt {
    // A zero has no lowest bit, so its exponent may lie below the common one.
    if mantissa == 0 {
        BigInt::ZERO
    } else {
        BigInt::from(mantissa) << (exponent - common)
    }
}

impl Jacobi {
    /// The exact numbers of eigenvalues < x and ≤ x, by the leading determinants of J - x in integers.
    ///
    /// ```text
    /// p[k] = (d[k] - x) p[k-1] - e[k]² p[k-2]
    /// ```
    ///
    /// with all numbers multiplied by one power of two that makes them integers. Errs as
    /// [`count_below`](Jacobi::count_below). O(n² b) bit operations, b the spread of the binary exponents plus 53:
    /// about 0.1 s at n = 3000 for entries of one size, so a last resort: see
    /// [`count_certified`](Jacobi::count_certified).
    pub fn count_exact(&self, x: f64) -> Result<Counts> {
        let x = dyadic(shift("x", 0, x)?);
        let entries = self.diagonal().iter().chain(self.off_diagonal()).map(|&v| dyadic(v));
        let common = entries.chain([x]).filter(|v| v.0 != 0).map(|v| v.1).min().unwrap_or(0);
        let x = integer(x, common);
        let mut changes = SignChanges::default();
        let (mut before, mut p) = (BigInt::ZERO, BigInt::from(1));
        for (&d, &e) in self.diagonal().iter().zip(self.couplings()) {
            let dx = integer(dyadic(d), common) - &x;
            let next = if e == 0.0 {
                changes.start_block();
                // Only the sign of a finished block matters, and it has been counted.
                p = BigInt::from(1);
                dx
            } else {
                let e = integer(dyadic(e), common);
                dx * &p - &e * &e * before
            };
            changes.push(&next);
            before = std::mem::replace(&mut p, next);
        }
        Ok(changes.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dyadic_parts_rebuild_the_float() {
        for x in [
            1.0,
            -0.1,
            6.0,
            f64::MIN_POSITIVE,
            -f64::from_bits(1),
            f64::from_bits(12345),
            f64::MAX,
        ] {
            let (m, s) = dyadic(x);
            assert_eq!(m as f64 * 2f64.powi(s / 2) * 2f64.powi(s - s / 2), x);
            assert!(m % 2 != 0);
        }
    }
}
