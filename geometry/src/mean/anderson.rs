//! Anderson acceleration of fixed-point iterations.

use nalgebra::{DMatrix, DVector};

/// Earlier steps that are remembered.
const DEPTH: usize = 3;
/// Directions of the differences below this, relative to the largest, are rounding.
const INDEPENDENT: f64 = 1e-6;

/// Combines the images of the last points so that their residuals combine to the least: x ← g_k − Σ γ_j (g_k − g_j), with
/// γ the minimiser of ‖f_k − Σ γ_j (f_k − f_j)‖, f = g(x) − x. O(n²) a step beside g.
///
/// Source: H. F. Walker, P. Ni, SIAM J. Numer. Anal. 49 (2011) 1715-1735.
#[derive(Default)]
pub(super) struct Anderson {
    /// Residuals and images, the oldest first.
    seen: Vec<(DMatrix<f64>, DMatrix<f64>)>,
}

impl Anderson {
    /// The point after `at` with the image `image`.
    pub(super) fn next(&mut self, at: &DMatrix<f64>, image: DMatrix<f64>) -> DMatrix<f64> {
        let residual = &image - at;
        let mut next = image.clone();
        let directions: Vec<DMatrix<f64>> = self.seen.iter().map(|(f, _)| &residual - f).collect();
        // Differences shrink from step to step: only their directions compare.
        let lengths: Vec<f64> = directions.iter().map(DMatrix::norm).collect();
        if !lengths.is_empty() && lengths.iter().all(|&l| l > 0.0) {
            let m = lengths.len();
            let gram = DMatrix::from_fn(m, m, |i, j| {
                directions[i].dot(&directions[j]) / (lengths[i] * lengths[j])
            });
            let right = DVector::from_fn(m, |i, _| directions[i].dot(&residual) / lengths[i]);
            if let Ok(gamma) = gram.svd(true, true).solve(&right, INDEPENDENT * INDEPENDENT) {
                for (j, (_, g)) in self.seen.iter().enumerate() {
                    next -= (&image - g) * (gamma[j] / lengths[j]);
                }
            }
        }
        if self.seen.len() == DEPTH {
            self.seen.remove(0);
        }
        self.seen.push((residual, image));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_maps_of_few_rates_end_at_once() {
        // Three rates of contraction: the fourth combination is exact.
        let rates = DMatrix::from_diagonal(&nalgebra::dvector![0.9, -0.5, 0.3]);
        let fixed = nalgebra::dmatrix![1.0, 2.0, -1.0; 0.5, 0.0, 3.0; 4.0, 1.0, 1.0];
        let mut x = DMatrix::zeros(3, 3);
        let mut anderson = Anderson::default();
        for _ in 0..5 {
            let image = &rates * (&x - &fixed) + &fixed;
            x = anderson.next(&x, image);
        }
        assert!((x - &fixed).norm() < 1e-12 * fixed.norm());
    }
}
