//! Further starts: a small displacement of the first, then points that fill the box evenly.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::Bounds;
use crate::blocks::strict_start;
use crate::local::Column;

/// Bases of the Halton sequence; more variables than these take random points.
const PRIMES: [u32; 25] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
];
/// The first points of the sequence are too regular in high bases.
const SKIPPED: u32 = 20;

/// The starts after the first, without end; the same for the same seed.
///
/// The first of them displaces the user's start by up to 2.5 % of the box, which breaks symmetries; the others are Halton
/// points. With one infinite bound they lie between 0.01 and 100 away from the other, with none around the first start. Every
/// second point has one common distance for all variables with one infinite bound, times a number from 1/2 to 3/2 for each:
/// the unknowns of a system are more often of one size than of all sizes.
pub(crate) struct Starts<'a> {
    bounds: &'a Bounds,
    first: Column,
    rng: Pcg64,
    taken: u32,
}

impl<'a> Starts<'a> {
    pub(crate) fn new(bounds: &'a Bounds, first: Column, seed: u64) -> Self {
        Self {
            bounds,
            first,
            rng: Pcg64::seed_from_u64(seed),
            taken: 0,
        }
    }

    /// Writes the next start, strictly inside.
    pub(crate) fn next_into(&mut self, x: &mut [f64]) {
        let sides = self.bounds.lower().iter().zip(self.bounds.upper());
        let common = (self.taken % 2 == 1).then(|| halton(self.taken.div_ceil(2), 2));
        for (i, ((x, &first), (&l, &u))) in x.iter_mut().zip(&self.first).zip(sides).enumerate() {
            let width = u - l;
            if self.taken == 0 {
                let width = if width.is_finite() {
                    width
                } else {
                    2.0 * first.abs().max(1.0)
                };
                *x = first + 0.05 * width * (self.rng.random::<f64>() - 0.5);
                continue;
            }
            let z = if self.first.len() <= PRIMES.len() {
                halton(self.taken + SKIPPED, PRIMES[i])
            } else {
                self.rng.random::<f64>()
            };
            let distance = || match common {
                Some(common) => (0.5 + z) * 10f64.powf(4.0 * common - 2.0),
                None => 10f64.powf(4.0 * z - 2.0),
            };
            *x = match (l.is_finite(), u.is_finite()) {
                (true, true) => l + (0.02 + 0.96 * z) * width,
                (true, false) => l + distance(),
                (false, true) => u - distance(),
                (false, false) => first + (2.0 * z - 1.0) * 2.0 * first.abs().max(1.0),
            };
        }
        strict_start(self.bounds, x);
        self.taken += 1;
    }
}

/// The radical inverse of `index` in `base`.
fn halton(mut index: u32, base: u32) -> f64 {
    let (mut weight, mut sum) = (1.0, 0.0);
    while index > 0 {
        weight /= f64::from(base);
        sum += weight * f64::from(index % base);
        index /= base;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_fill_the_box_and_repeat() {
        let bounds = Bounds::new(vec![0.0, f64::NEG_INFINITY], vec![1.0, f64::INFINITY]).unwrap();
        let draw = || {
            let mut starts = Starts::new(&bounds, Column::from_slice(&[0.5, 0.0]), 3);
            let mut x = [0.0; 2];
            (0..64)
                .map(|_| {
                    starts.next_into(&mut x);
                    x
                })
                .collect::<Vec<_>>()
        };
        let points = draw();
        assert_eq!(points, draw());
        assert!((points[0][0] - 0.5).abs() <= 0.025);
        for quarter in 0..4 {
            let inside = |x: &&[f64; 2]| (x[0] * 4.0) as usize == quarter;
            assert!(points.iter().filter(inside).count() > 8);
        }
        assert_eq!(halton(6, 2), 0.375);
    }
}
