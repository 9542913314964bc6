//! Dense Newton steps: LU in place, and the shortest least-squares solution where that fails.

use faer::MatRef;

/// Orders above which faer's blocked LU is faster than the loops here, which need no memory of their own.
const BLOCKED: usize = 64;

/// Room for the factors of a square matrix.
pub(crate) struct Lu {
    order: usize,
    factors: Vec<f64>,
    pivots: Vec<usize>,
    blocked: Option<faer::linalg::solvers::PartialPivLu<f64>>,
}

impl Lu {
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        let order = if rows == columns { rows } else { 0 };
        let small = if order <= BLOCKED { order } else { 0 };
        Self {
            order,
            factors: vec![0.0; small * small],
            pivots: vec![0; small],
            blocked: None,
        }
    }

    /// Factors A, given column by column; false when a pivot vanishes. Beyond [`BLOCKED`] only the solution tells.
    pub(crate) fn factor(&mut self, a: &[f64]) -> bool {
        if self.order > BLOCKED {
            let a = MatRef::from_column_major_slice(a, self.order, self.order);
            self.blocked = Some(a.partial_piv_lu());
            return true;
        }
        let n = self.order;
        self.factors.copy_from_slice(a);
        for k in 0..n {
            let column = &self.factors[k * n..(k + 1) * n];
            let pivot = (k..n).fold(k, |best, i| if column[i].abs() > column[best].abs() { i } else { best });
            if column[pivot] == 0.0 {
                return false;
            }
            self.pivots[k] = pivot;
            if pivot != k {
                (0..n).for_each(|j| self.factors.swap(j * n + k, j * n + pivot));
            }
            let (left, right) = self.factors.split_at_mut((k + 1) * n);
            let column = &mut left[k * n..];
            let inverse = column[k].recip();
            // The reciprocal of a subnormal pivot overflows; the quotients may not.
            for i in k + 1..n {
                column[i] = if inverse.is_finite() {
                    column[i] * inverse
                } else {
                    column[i] / column[k]
                };
            }
            for other in right.chunks_exact_mut(n) {
                let factor = other[k];
                if factor != 0.0 {
                    other[k + 1..]
                        .iter_mut()
                        .zip(&column[k + 1..])
                        .for_each(|(o, c)| *o -= c * factor);
                }
            }
        }
        true
    }

    /// x with A x = b for the matrix factored last; false when x is not finite.
    pub(crate) fn solve(&self, b: &[f64], x: &mut [f64]) -> bool {
        x.copy_from_slice(b);
        if let Some(lu) = &self.blocked {
            use faer::linalg::solvers::SolveCore;
            let x = faer::MatMut::from_column_major_slice_mut(x, self.order, 1);
            lu.solve_in_place_with_conj(faer::Conj::No, x);
        } else {
            self.substitute(x);
        }
        x.iter().all(|v| v.is_finite())
    }

    fn substitute(&self, x: &mut [f64]) {
        let n = self.order;
        for (k, &pivot) in self.pivots.iter().enumerate() {
            x.swap(k, pivot);
        }
        for k in 0..n {
            let (done, rest) = x.split_at_mut(k + 1);
            let column = &self.factors[k * n + k + 1..(k + 1) * n];
            rest.iter_mut().zip(column).for_each(|(r, c)| *r -= c * done[k]);
        }
        for k in (0..n).rev() {
            let column = &self.factors[k * n..k * n + k + 1];
            x[k] /= column[k];
            let (rest, done) = x.split_at_mut(k);
            rest.iter_mut().zip(column).for_each(|(r, c)| *r -= c * done[0]);
        }
    }
}

/// The shortest p that minimises ‖Jp + F‖, by singular values; those below max(m, n) ε s₁ count as zero.
pub(crate) fn shortest(j: &[f64], rows: usize, columns: usize, f: &[f64], p: &mut [f64]) {
    p.fill(0.0);
    let Ok(svd) = MatRef::from_column_major_slice(j, rows, columns).thin_svd() else {
        // No step at all: the method falls back on the gradient.
        return;
    };
    let count = rows.min(columns);
    let values: Vec<f64> = (0..count).map(|i| svd.S()[i]).collect();
    let floor = f64::EPSILON * rows.max(columns) as f64 * values.first().copied().unwrap_or(0.0);
    for (i, &value) in values.iter().enumerate().filter(|&(_, &v)| v > floor) {
        let weight = -(0..rows).map(|r| svd.U()[(r, i)] * f[r]).sum::<f64>() / value;
        (0..columns).for_each(|c| p[c] += weight * svd.V()[(c, i)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_and_says_when_it_cannot() {
        let a = [0.0, 2.0, 1.0, 1.0, 1.0, 1.0, 4.0, 0.0, -1.0];
        let x = [1.0, -2.0, 0.5];
        let b: Vec<f64> = (0..3).map(|i| (0..3).map(|j| a[j * 3 + i] * x[j]).sum()).collect();
        let mut found = [0.0; 3];
        let mut lu = Lu::new(3, 3);
        assert!(lu.factor(&a) && lu.solve(&b, &mut found));
        found.iter().zip(x).for_each(|(f, x)| assert!((f - x).abs() < 1e-15));
        assert!(!Lu::new(2, 2).factor(&[1.0, 1.0, 1.0, 1.0]));
    }

    /// Two routes to the same step: singular values, and the complete orthogonal decomposition.
    #[test]
    fn shortest_steps_agree() {
        use crate::linear::orthogonal::Complete;
        use rand::{RngExt, SeedableRng};
        let mut rng = rand_pcg::Pcg64::seed_from_u64(11);
        for (m, n, rank) in [
            (5, 5, 5),
            (6, 4, 4),
            (4, 6, 4),
            (7, 7, 3),
            (9, 5, 2),
            (3, 8, 1),
            (1, 1, 0),
            (33, 5, 5),
        ] {
            let mut random = |count: usize| -> Vec<f64> { (0..count).map(|_| rng.random::<f64>() - 0.5).collect() };
            let (left, right, f) = (random(m * rank), random(rank * n), random(m));
            let entry = |i: usize, j: usize| (0..rank).map(|k| left[i * rank + k] * right[k * n + j]).sum::<f64>();
            let j: Vec<f64> = (0..m * n).map(|at| entry(at % m, at / m)).collect();
            let (mut p, mut q) = (vec![0.0; n], vec![0.0; n]);
            shortest(&j, m, n, &f, &mut p);
            let mut complete = Complete::new(m, n);
            for _ in 0..2 {
                complete.shortest(&j, &f, &mut q);
                let size = p.iter().fold(1.0, |s: f64, v| s.max(v.abs()));
                // Random factors of these sizes have condition numbers of at most some hundreds.
                assert!(
                    p.iter().zip(&q).all(|(p, q)| (p - q).abs() <= 1e-11 * size),
                    "{m} {n} {rank}: {p:?} {q:?}"
                );
            }
        }
    }

    #[test]
    fn the_shortest_step_lies_in_the_row_space() {
        // J = (1, 1): p = −F (1, 1)/2.
        let mut p = [0.0; 2];
        shortest(&[1.0, 1.0], 1, 2, &[4.0], &mut p);
        p.iter().for_each(|v| assert!((v + 2.0).abs() < 1e-14));
    }
}
