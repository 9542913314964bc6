//! Sums of the singular values of bidiagonal matrices B, tr (BᵀB)^½, from traces of inverses: see
//! [`super::partial_fractions`].
//!
//! With aᵢ on the diagonal of B and bᵢ to the right, BᵀB + t = L D Lᵀ has Dᵢ = aᵢ² + sᵢ with s₁ = t and
//! sᵢ₊₁ = t + sᵢ bᵢ²/Dᵢ: sums of positive terms, so that BᵀB, which would lose small singular values, is never formed.

use super::lanes::{Lanes, Mask};
use super::partial_fractions::{Fractional, POLES, PartialFractions, Spectra, at_level};

impl<const W: usize> PartialFractions<W> {
    /// tr (BᵀB)^½ from the squares of the entries of B, less than infinite, the last one right of the diagonal zero. True for
    /// the matrices that are singular, hold a NaN, or whose squared condition number is beyond 4 to the power `limit`, give or
    /// take a factor n. About 10 m n flops and m n divisions with m poles.
    #[inline(always)]
    pub(super) fn root_trace<const FMA: bool>(
        &mut self,
        limit: usize,
        [a, b]: [&[Lanes<W>]; 2],
    ) -> (Lanes<W>, Mask<W>) {
        let (mut below, mut inverse_trace) = (Lanes::ZERO, Lanes::ZERO);
        for (a, b) in a.iter().zip(b).rev() {
            below = b.mul_add::<FMA>(below, Lanes::ONE) / *a;
            inverse_trace = inverse_trace + below;
        }
        let (mut most, mut before, mut coupling) = (Lanes::ZERO, Lanes::ZERO, Lanes::ZERO);
        for (a, b) in a.iter().zip(b) {
            let next = (*a * *b).sqrt();
            most = most.zip(*a + before + coupling + next, f64::max);
            (before, coupling) = (*b, next);
        }
        let Spectra {
            levels, centre, failed, ..
        } = Spectra::between([Lanes::ONE / inverse_trace, most], limit, [false; W]);
        let levels = levels.map(|level| level.map(|level| &at_level(level)[Fractional::Sqrt as usize]));
        let mut sum = Lanes([a.len() as f64; W]);
        for lane in 0..W {
            sum.0[lane] *= levels[lane].map_or(0.0, |level| level.constant);
        }
        let count = self.load_terms(levels);
        for first in (0..count).step_by(POLES) {
            let poles = std::array::from_fn(|p| self.terms[first + p][0] * centre);
            let [traces, products] = self.products::<FMA>([a, b], &poles);
            for p in 0..POLES {
                let [_, _, plain, times] = self.terms[first + p];
                sum = (plain * centre).mul_add::<FMA>(traces[p], sum);
                sum = times.mul_add::<FMA>(products[p], sum);
            }
        }
        (sum * centre.sqrt(), failed)
    }

    /// tr X and tr BᵀB X of X = (BᵀB + t)⁻¹ for each pole t.
    #[inline(always)]
    fn products<const FMA: bool>(
        &mut self,
        [a, b]: [&[Lanes<W>]; 2],
        poles: &[Lanes<W>; POLES],
    ) -> [[Lanes<W>; POLES]; 2] {
        let n = a.len();
        let inverses = self.diagonals.as_chunks_mut::<POLES>().0;
        let rests = self.rests.as_chunks_mut::<POLES>().0;
        // sᵢ − t
        let mut carried = [Lanes::<W>::ZERO; POLES];
        for i in 0..n {
            for p in 0..POLES {
                let s = carried[p] + poles[p];
                let inverse = Lanes::ONE / (a[i] + s);
                inverses[i][p] = inverse;
                rests[i][p] = a[i] + carried[p];
                carried[p] = s * b[i] * inverse;
            }
        }
        let (mut below, mut traces, mut products) = ([Lanes::ZERO; POLES], [Lanes::ZERO; POLES], [Lanes::ZERO; POLES]);
        for i in (0..n).rev() {
            let square = a[i] * b[i];
            for p in 0..POLES {
                let inverse = inverses[i][p];
                let beside = square * inverse * below[p];
                let x = beside.mul_add::<FMA>(inverse, inverse);
                let rest = (-poles[p]).mul_add::<FMA>(beside, rests[i][p]);
                traces[p] = traces[p] + x;
                products[p] = rest.mul_add::<FMA>(inverse, products[p]);
                below[p] = x;
            }
        }
        [traces, products]
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::eigen::partial_fractions::MAX_LEVEL;
    use crate::matrix_functions::svd::jacobi_svd;

    /// Entries, side by side, of bidiagonal matrices graded one way, the other way, and not at all.
    fn squares(n: usize, grade: f64) -> [Vec<Lanes<4>>; 2] {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(n as u64);
        let mut side = |last: f64| -> Vec<Lanes<4>> {
            let mut entry = |i: usize| {
                let t = i as f64 / n as f64;
                let sizes = [grade.powf(t), grade.powf(1.0 - t), 1.0, 1.0];
                let keep = if i + 1 == n { last } else { 1.0 };
                Lanes(sizes.map(|size: f64| keep * (size * rng.random_range(0.1f64..1.0)).powi(2)))
            };
            (0..n).map(&mut entry).collect()
        };
        [side(1.0), side(0.0)]
    }

    #[test]
    fn sums_of_singular_values_are_those_of_jacobi() {
        for (n, grade) in [(1, 1.0), (2, 1e-3), (7, 1e-4), (32, 1e-2), (60, 0.5)] {
            let [a, b] = squares(n, grade);
            let (sums, failed) = PartialFractions::<4>::zeros(n).root_trace::<false>(MAX_LEVEL, [&a, &b]);
            assert_eq!(failed, [false; 4], "order {n}");
            for lane in 0..4 {
                let entry = |i: usize, j: usize| match j.wrapping_sub(i) {
                    0 => a[i].0[lane].sqrt(),
                    1 => b[i].0[lane].sqrt(),
                    _ => 0.0,
                };
                let expected = jacobi_svd(&DMatrix::from_fn(n, n, entry)).s.sum();
                let gap = (sums.0[lane] / expected - 1.0).abs();
                // Every step of the recurrences rounds some times relative to positive numbers.
                let bound = 20.0 * n as f64 * f64::EPSILON;
                assert!(gap <= bound, "order {n} lane {lane}: {gap:e} > {bound:e}");
            }
        }
    }

    #[test]
    fn singular_matrices_and_those_with_a_nan_fail() {
        for bad in [0.0, f64::NAN] {
            for (at, coupling) in [(0, 1.0), (2, 1.0), (1, 0.0)] {
                let mut a = vec![Lanes([1.0; 2]); 3];
                a[at].0[1] = bad;
                let b = [Lanes([coupling; 2]), Lanes([coupling; 2]), Lanes::ZERO];
                let (_, failed) = PartialFractions::<2>::zeros(3).root_trace::<false>(MAX_LEVEL, [&a, &b]);
                assert_eq!(failed, [false, true], "{bad} at {at}");
            }
        }
    }
}
