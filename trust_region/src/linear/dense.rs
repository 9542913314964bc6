//! Dense Newton steps: LU in place, and the shortest least-squares solution where that fails.

use faer::MatRef;

/// Orders above which faer's blocked LU is faster than the loops here, which need no memory of their own.
const BLOCKED: usize = 64;

/// Room for the factors of a square matrix.
pub(crate) struct Lu {
    order: usize,
    factors: Vec<f64>,
    pivots: Vec<usize>,
}

impl Lu {
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        let order = if rows == columns { rows } else { 0 };
        let small = if order <= BLOCKED { order } else { 0 };
        Self {
            order,
            factors: vec![0.0; small * small],
            pivots: vec![0; small],
        }
    }

    /// x with A x = b for A given column by column; false when a pivot vanishes or the solution is not finite.
    pub(crate) fn solve(&mut self, a: &[f64], b: &[f64], x: &mut [f64]) -> bool {
        x.copy_from_slice(b);
        let solved = if self.order > BLOCKED {
            blocked(a, self.order, x)
        } else {
            self.small(a, x)
        };
        solved && x.iter().all(|v| v.is_finite())
    }

    fn small(&mut self, a: &[f64], x: &mut [f64]) -> bool {
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
                x.swap(k, pivot);
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
        true
    }
}

fn blocked(a: &[f64], n: usize, x: &mut [f64]) -> bool {
    use faer::linalg::solvers::SolveCore;
    let lu = MatRef::from_column_major_slice(a, n, n).partial_piv_lu();
    let x = faer::MatMut::from_column_major_slice_mut(x, n, 1);
    lu.solve_in_place_with_conj(faer::Conj::No, x);
    true
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
        assert!(Lu::new(3, 3).solve(&a, &b, &mut found));
        found.iter().zip(x).for_each(|(f, x)| assert!((f - x).abs() < 1e-15));
        assert!(!Lu::new(2, 2).solve(&[1.0, 1.0, 1.0, 1.0], &[1.0, 2.0], &mut [0.0; 2]));
    }

    #[test]
    fn the_shortest_step_lies_in_the_row_space() {
        // J = (1, 1): p = −F (1, 1)/2.
        let mut p = [0.0; 2];
        shortest(&[1.0, 1.0], 1, 2, &[4.0], &mut p);
        p.iter().for_each(|v| assert!((v + 2.0).abs() < 1e-14));
    }
}
