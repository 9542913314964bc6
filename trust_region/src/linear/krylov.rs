//! Inexact Newton steps: GMRES with restarts (Saad and Schultz, SIAM J. Sci. Stat. Comput. 7, 1986), preconditioned from
//! the right, and the forcing terms that say how exact a step must be.

use super::Products;
use crate::Result;
use crate::blocks::{dot, norm};

/// The forcing term η_k of choice 2 of Eisenstat and Walker (SIAM J. Sci. Comput. 17, 1996) with γ = 0.9 and α = 2: a step
/// is good enough when ‖J p + F‖ ≤ η ‖F‖.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Forcing {
    previous: Option<(f64, f64)>,
}

impl Forcing {
    const FIRST: f64 = 0.1;
    const LEAST: f64 = 1e-10;
    const MOST: f64 = 0.9;

    /// η at a point with this ‖F‖.
    pub(crate) fn next(&mut self, size: f64) -> f64 {
        let term = match self.previous {
            None => Self::FIRST,
            Some((before, term)) => {
                let ratio = size / before;
                let safeguard = 0.9 * term * term;
                let next = 0.9 * ratio * ratio;
                let next = if safeguard > 0.1 { next.max(safeguard) } else { next };
                next.clamp(Self::LEAST, Self::MOST)
            }
        };
        self.previous = Some((size, term));
        term
    }
}

/// Room for the Krylov basis, kept between solves.
#[derive(Default)]
pub(crate) struct Gmres {
    basis: Vec<Vec<f64>>,
    /// Columns of the triangular factor, the rotations, and the rotated right-hand side.
    triangle: Vec<Vec<f64>>,
    rotations: Vec<(f64, f64)>,
    right: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
}

impl Gmres {
    /// Solves A x = b from x = 0 until ‖A x − b‖ ≤ `tolerance` ‖b‖; at most `limit` products with A. Returns the products
    /// taken and whether the tolerance was met, by the true residual.
    pub(crate) fn solve(
        &mut self,
        a: &impl Products,
        b: &[f64],
        x: &mut [f64],
        tolerance: f64,
        restart: usize,
        limit: usize,
    ) -> Result<(usize, bool)> {
        let n = b.len();
        x.fill(0.0);
        self.residual.clear();
        self.residual.extend_from_slice(b);
        self.direction.resize(n, 0.0);
        let target = tolerance * norm(b);
        let mut taken = 0;
        loop {
            let size = norm(&self.residual);
            if size <= target {
                return Ok((taken, true));
            }
            if taken >= limit || !size.is_finite() {
                return Ok((taken, false));
            }
            let count = self.cycle(a, size, target, restart.min(limit - taken))?;
            taken += count;
            if count == 0 {
                return Ok((taken, false));
            }
            self.combine(count);
            // x += M⁻¹ V y; the direction holds V y, the residual serves as scratch and is then formed anew.
            if a.precondition(&self.direction, &mut self.residual)? {
                x.iter_mut().zip(&self.residual).for_each(|(x, d)| *x += d);
            } else {
                x.iter_mut().zip(&self.direction).for_each(|(x, d)| *x += d);
            }
            a.product(x, &mut self.direction)?;
            taken += 1;
            let parts = self.residual.iter_mut().zip(b).zip(&self.direction);
            parts.for_each(|((r, b), d)| *r = b - d);
            if norm(&self.residual) > 0.999 * size {
                let met = norm(&self.residual) <= target;
                return Ok((taken, met));
            }
        }
    }

    /// One Arnoldi cycle from the residual. Returns the columns made.
    fn cycle(&mut self, a: &impl Products, size: f64, target: f64, most: usize) -> Result<usize> {
        let n = self.residual.len();
        if self.basis.is_empty() {
            self.basis.push(vec![0.0; n]);
        }
        let first = &mut self.basis[0];
        first.iter_mut().zip(&self.residual).for_each(|(v, r)| *v = r / size);
        self.rotations.clear();
        self.right.clear();
        self.right.push(size);
        for k in 0..most {
            if self.basis.len() == k + 1 {
                self.basis.push(vec![0.0; n]);
                self.triangle.push(Vec::with_capacity(k + 1));
            }
            let (known, fresh) = self.basis.split_at_mut(k + 1);
            let next = &mut fresh[0];
            if a.precondition(&known[k], &mut self.direction)? {
                a.product(&self.direction, next)?;
            } else {
                a.product(&known[k], next)?;
            }
            // Gram-Schmidt twice: once is not enough when A v nearly lies in the span.
            let column = &mut self.triangle[k];
            column.clear();
            column.resize(k + 1, 0.0);
            for _ in 0..2 {
                for (h, v) in column.iter_mut().zip(known.iter()) {
                    let along = dot(v, next);
                    next.iter_mut().zip(v).for_each(|(w, v)| *w -= along * v);
                    *h += along;
                }
            }
            let length = norm(next);
            if !length.is_finite() {
                return Ok(k);
            }
            for (i, &(c, s)) in self.rotations.iter().enumerate() {
                let (upper, lower) = (column[i], column[i + 1]);
                column[i] = c * upper + s * lower;
                column[i + 1] = c * lower - s * upper;
            }
            let radius = column[k].hypot(length);
            if radius == 0.0 {
                return Ok(k);
            }
            let (c, s) = (column[k] / radius, length / radius);
            column[k] = radius;
            self.rotations.push((c, s));
            let last = self.right[k];
            self.right[k] = c * last;
            self.right.push(-s * last);
            if self.right[k + 1].abs() <= target || length <= f64::EPSILON * radius {
                return Ok(k + 1);
            }
            next.iter_mut().for_each(|v| *v /= length);
        }
        Ok(most)
    }

    /// V y for the y that solves the triangle, into `direction`.
    fn combine(&mut self, count: usize) {
        let y = &mut self.right;
        for k in (0..count).rev() {
            y[k] /= self.triangle[k][k];
            for i in 0..k {
                y[i] -= self.triangle[k][i] * y[k];
            }
        }
        self.direction.fill(0.0);
        for (y, v) in y[..count].iter().zip(&self.basis) {
            self.direction.iter_mut().zip(v).for_each(|(d, v)| *d += y * v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tridiagonal(f64, f64, f64);
    impl Products for Tridiagonal {
        fn product(&self, p: &[f64], out: &mut [f64]) -> Result<()> {
            let at = |i: isize| usize::try_from(i).ok().and_then(|i| p.get(i)).copied().unwrap_or(0.0);
            for i in 0..p.len() as isize {
                out[i as usize] = self.0 * at(i - 1) + self.1 * at(i) + self.2 * at(i + 1);
            }
            Ok(())
        }
        fn transpose_product(&self, y: &[f64], out: &mut [f64]) -> Result<()> {
            Tridiagonal(self.2, self.1, self.0).product(y, out)
        }
        fn precondition(&self, r: &[f64], out: &mut [f64]) -> Result<bool> {
            out.iter_mut().zip(r).for_each(|(o, r)| *o = r / self.1);
            Ok(true)
        }
    }

    #[test]
    fn restarted_solves_reach_their_tolerance() {
        let a = Tridiagonal(-1.0, 3.0, -1.5);
        let b: Vec<f64> = (0..200).map(|i| f64::from(i).cos()).collect();
        let (mut x, mut image) = (vec![0.0; 200], vec![0.0; 200]);
        for (tolerance, restart) in [(1e-2, 40), (1e-10, 40), (1e-10, 5)] {
            let mut gmres = Gmres::default();
            let (taken, met) = gmres.solve(&a, &b, &mut x, tolerance, restart, 1000).unwrap();
            assert!(met && taken > 2, "{taken}");
            a.product(&x, &mut image).unwrap();
            let left: Vec<f64> = image.iter().zip(&b).map(|(i, b)| i - b).collect();
            assert!(norm(&left) <= tolerance * norm(&b));
        }
        // In 30 dimensions 30 columns are enough whatever the matrix.
        let short: Vec<f64> = b[..30].to_vec();
        let mut x = vec![0.0; 30];
        let skew = Tridiagonal(-1.0, 0.1, 1.0);
        assert!(Gmres::default().solve(&skew, &short, &mut x, 1e-10, 30, 31).unwrap().1);
    }

    #[test]
    fn forcing_terms_follow_the_decrease_within_bounds() {
        let mut forcing = Forcing::default();
        assert_eq!(forcing.next(1.0), 0.1);
        assert!((forcing.next(0.5) - 0.225).abs() < 1e-15);
        assert!((forcing.next(5e-4) - 0.9e-6).abs() < 1e-18);
        assert_eq!(forcing.next(5e-12), 1e-10);
        assert_eq!(forcing.next(1.0), 0.9);
        // 0.9 · 0.9² = 0.729 is above 0.1 and keeps the term from falling at once.
        assert!((forcing.next(1e-3) - 0.729).abs() < 1e-12);
    }
}
