//! Block Lanczos with thick restarts on A^T A in factored form: one basis, on the shorter side of A.
//!
//! Half the vectors of the bidiagonal process and half the passes over them. What is lost is accuracy below
//! eps s_1^2 / s_i in the residual of the i-th triplet; an attempt that cannot reach its tolerance says so.

use faer::{Mat, MatRef, Side};
use rand::SeedableRng;
use rand_pcg::Pcg64;

use crate::blocks::Blocks;
use crate::drift::ThreeTerm;
use crate::error::{Result, SsvdError};
use crate::lanczos::{LanczosOptions, Schedule, SolveReport, TruncatedSvd, finite, kept, spread};
use crate::operator::Operator;
use crate::orthogonal::{fill_normal, orthonormalize, triangle_of};
use crate::symmetric::{self, Leading};
use crate::tall::{Tall, mul, newton_step};

/// Smallest tolerance that is tried.
pub(crate) const FINEST: f64 = 1e-12;

/// Squared norms of A V beyond which squares of A's own squares leave the range of f64.
const RANGE: f64 = 1e150;

/// How an attempt ended.
pub(crate) enum Attempt {
    Done(Box<SolveReport>),
    /// Singular values too far below the first, or numbers whose squares leave the range of f64.
    Unfit {
        iterations: usize,
        products: usize,
    },
}

/// A or its transpose, whichever is not wider than long.
struct Long<'a, A> {
    a: &'a A,
    turned: bool,
}

impl<'a, A: Operator> Long<'a, A> {
    fn new(a: &'a A) -> Self {
        let turned = a.nrows() < a.ncols();
        Self { a, turned }
    }

    fn rows(&self) -> usize {
        self.a.nrows().max(self.a.ncols())
    }

    fn cols(&self) -> usize {
        self.a.nrows().min(self.a.ncols())
    }

    fn apply(&self, x: &Tall, y: &mut Tall) -> Result<()> {
        if self.turned {
            self.a.apply_transpose(&x.data, x.width, &mut y.data);
            finite("transposed operator", y)
        } else {
            self.a.apply(&x.data, x.width, &mut y.data);
            finite("operator", y)
        }
    }

    fn apply_transpose(&self, x: &Tall, y: &mut Tall) -> Result<()> {
        if self.turned {
            self.a.apply(&x.data, x.width, &mut y.data);
            finite("operator", y)
        } else {
            self.a.apply_transpose(&x.data, x.width, &mut y.data);
            finite("transposed operator", y)
        }
    }
}

/// The state of the recurrence A^T A V = V T + (next) (coupling) e^T.
struct Process<'a, A> {
    a: Long<'a, A>,
    block: usize,
    /// Vectors kept at most.
    room: usize,
    /// Largest drift that is let pass.
    limit: f64,
    basis: Blocks,
    /// T.
    core: Mat<f64>,
    next: Tall,
    /// The last block of A^T A V against `next`; as wide as the kept vectors after a restart.
    coupling: Mat<f64>,
    /// A v for the newest block.
    image: Tall,
    drift: ThreeTerm,
    /// Steps still to be reorthogonalised against everything.
    whole: usize,
    /// Norm of A^T A as far as seen.
    scale: f64,
    products: usize,
    rng: Pcg64,
}

/// The `k` largest triplets, on at most `room` vectors in blocks of `block`.
pub(crate) fn solve<A: Operator>(
    a: &A,
    k: usize,
    block: usize,
    room: usize,
    options: &LanczosOptions,
) -> Result<Attempt> {
    let a = Long::new(a);
    let (m, n) = (a.rows(), a.cols());
    let mut rng = Pcg64::seed_from_u64(options.seed);
    let basis = Blocks::new(n, block);
    let mut next = Tall::zeros(n, block);
    fill_normal(&mut next, &mut rng);
    orthonormalize(&basis, &[], &mut next, &mut 0.0, &mut rng);
    let process = Process {
        a,
        block,
        room,
        // First-order effects of the drift stay within the vectors kept, where the last Rayleigh-Ritz step undoes them; the
        // squares are a tenth of the tolerance.
        limit: (0.1 * options.tolerance).sqrt().clamp(1e-8, 3e-6),
        basis,
        core: Mat::zeros(room, room),
        next,
        coupling: Mat::zeros(block, block),
        image: Tall::zeros(m, block),
        drift: ThreeTerm::new(block),
        whole: 0,
        scale: 0.0,
        products: 0,
        rng,
    };
    process.solve(k, options)
}

impl<A: Operator> Process<'_, A> {
    fn solve(mut self, k: usize, options: &LanczosOptions) -> Result<Attempt> {
        let mut iterations = 1;
        let mut schedule = Schedule::new(k, self.block);
        loop {
            if !self.step()? {
                return Ok(self.unfit(iterations));
            }
            let p = self.basis.len();
            let full = p + self.block > self.room;
            if !full && !schedule.due(p) {
                continue;
            }
            let ritz = self.ritz(if full { kept(k, self.block, self.room) } else { k })?;
            let (first, last) = (ritz.values[0], ritz.values[k - 1].max(0.0));
            // Rounding leaves eps s_1^2 / s_k of a residual; values still rise, here by a factor of a hundred at most.
            let reachable = f64::EPSILON * (first / last).sqrt();
            if !(first > 0.0 && 0.01 * reachable <= options.tolerance) {
                return Ok(self.unfit(iterations));
            }
            // Half of the tolerance is left to rounding.
            let worst = (0..k)
                .map(|i| ritz.residuals[i] / ritz.values[i].sqrt())
                .fold(0.0, f64::max);
            let excess = 2.0 * worst / (options.tolerance * first.sqrt());
            if excess.is_nan() || excess <= 1.0 || full && iterations > options.restarts {
                return self.finish(k, &ritz, iterations, options.tolerance, excess <= 1.0);
            }
            schedule.seen(p, excess);
            if full {
                self.restart(&ritz);
                schedule = Schedule::new(self.basis.len(), self.block);
                iterations += 1;
            }
        }
    }

    fn unfit(&self, iterations: usize) -> Attempt {
        Attempt::Unfit {
            iterations,
            products: self.products,
        }
    }

    /// One more block. False when squares have left the range of f64.
    fn step(&mut self) -> Result<bool> {
        let (p, b) = (self.basis.len(), self.block);
        let Self { a, next, image, .. } = self;
        let (fresh, applied) = rayon::join(|| Tall::zeros(next.rows, b), || a.apply(next, image));
        applied?;
        self.basis.push(std::mem::replace(&mut self.next, fresh));
        let (basis, z) = (&mut self.basis, &mut self.next);
        let newest = basis.count() - 1;
        self.a.apply_transpose(&self.image, z)?;
        self.products += 2 * b;

        // Nothing is coupled to the first block.
        let kept = if p > 0 { self.coupling.ncols() } else { 0 };
        let turned = self.coupling.transpose();
        if p > 0 {
            self.core.submatrix_mut(p - kept, p, kept, b).copy_from(turned);
            self.core.submatrix_mut(p, p - kept, b, kept).copy_from(&self.coupling);
        }
        let before: Vec<usize> = (newest - kept / b..newest).collect();
        let along = basis.subtract_inner(&before, turned, newest, z);
        let along = Mat::from_fn(b, b, |i, j| 0.5 * (along[(i, j)] + along[(j, i)]));
        self.core.submatrix_mut(p, p, b, b).copy_from(&along);
        let products = basis.subtract_gram(newest, along.as_ref(), z);
        let largest = (0..b).map(|i| products[(i, i)].max(along[(i, i)])).fold(0.0, f64::max);
        if !(1.0 / RANGE..RANGE).contains(&largest) && (p == 0 || largest > 1.0) || products.norm_max().is_nan() {
            return Ok(false);
        }
        self.scale = (0..b).map(|i| along[(i, i)]).fold(self.scale, f64::max);
        self.orthonormalize(along, products);
        Ok(true)
    }

    /// Makes `next` orthonormal, and orthogonal to the basis as far as it has drifted.
    fn orthonormalize(&mut self, along: Mat<f64>, products: Mat<f64>) {
        let (count, z) = (self.basis.count(), &mut self.next);
        if self.whole > 0 {
            self.whole -= 1;
            let split = orthonormalize(&self.basis, &self.basis.all(), z, &mut self.scale, &mut self.rng);
            self.coupling = split.triangle;
            self.drift.reset_all(count);
            return;
        }
        let split = triangle_of(&self.basis, z, products, &mut self.scale, &mut self.rng);
        let before = std::mem::replace(&mut self.coupling, split.triangle);
        if split.whole {
            self.drift.reset_all(count);
            return;
        }
        let p = (count - 1) * self.block;
        let core = self.core.submatrix(0, 0, p, p);
        let (c, scale) = (self.coupling.as_ref(), self.scale);
        let largest = self.drift.extend(core, along.as_ref(), before.as_ref(), c, scale);
        if largest.is_nan() || largest > self.limit {
            self.clean();
        }
    }

    /// Cleans `next` and the newest block of the basis of what has crept in: the recurrence has three terms, and either
    /// would bring it back. One pass over the basis serves both (Grcar's periodic reorthogonalisation).
    fn clean(&mut self) {
        let newest = self.basis.count() - 1;
        let mut chosen = self.drift.drifted();
        let z = &mut self.next;
        for _ in 0..3 {
            let mut v = self.basis.pop().expect("a step came before");
            let [along_v, along_z] = self.basis.inner_pair(&chosen, [&v, z]);
            self.basis
                .subtract_pair(&chosen, [along_v.as_ref(), along_z.as_ref()], [&mut v, z]);
            self.basis.push(v);
            self.drift.reset(&chosen);
            if along_v.norm_max().max(along_z.norm_max()) < 1e-4 {
                break;
            }
            chosen = (0..newest).collect();
        }
        let split = orthonormalize(&self.basis, &[newest], z, &mut 1.0, &mut self.rng);
        self.coupling = mul(split.triangle.as_ref(), self.coupling.as_ref());
    }

    /// The `count` largest eigenvalues of T, descending, their vectors and coupling to the next block.
    fn ritz(&self, count: usize) -> Result<Ritz> {
        let (p, b) = (self.basis.len(), self.block);
        let eigen = symmetric::leading(self.core.submatrix(0, 0, p, p), count);
        let Leading { values, vectors } = eigen.ok_or(SsvdError::Factorisation("Ritz values"))?;
        let images = mul(self.coupling.as_ref(), vectors.subrows(p - b, b));
        Ok(Ritz {
            values,
            residuals: images.col_iter().map(|c| c.norm_l2()).collect(),
            vectors,
            images,
        })
    }

    /// Keeps the Ritz vectors: T becomes diagonal, coupled to the next block.
    fn restart(&mut self, ritz: &Ritz) {
        self.basis.multiply(ritz.vectors.as_ref());
        self.core.fill(0.0);
        ritz.values.iter().enumerate().for_each(|(i, v)| self.core[(i, i)] = *v);
        self.coupling = ritz.images.clone();
        self.whole = 2;
    }

    /// Rayleigh-Ritz between the Ritz vectors and their images, and residuals from products with A.
    ///
    /// The right vectors are V (V^T V)^{-1/2}, turned; the left ones A V scaled to norm one.
    fn finish(mut self, k: usize, ritz: &Ritz, iterations: usize, tolerance: f64, expected: bool) -> Result<Attempt> {
        let (m, n, p) = (self.a.rows(), self.a.cols(), self.basis.len());
        let failed = |_| SsvdError::Factorisation("Rayleigh-Ritz values");
        // The basis goes before the left vectors and the image come.
        let largest = self.basis.memory().max(size_of::<f64>() * (m + n) * k);
        let memory = largest + size_of::<f64>() * ((m + n) * self.block + n * k);
        let products = self.products + 2 * k;
        let mut v = self.basis.times(ritz.vectors.subcols(0, k));
        self.basis.clear();
        let mut u = Tall::zeros(m, k);
        self.a.apply(&v, &mut u)?;
        let orthonormal = inverse_root(v.inner(0..k, &v, k).as_ref());
        let squares = mul(u.inner(0..k, &u, k).as_ref(), orthonormal.as_ref());
        let squares = mul(orthonormal.transpose(), squares.as_ref());
        let eigen = squares.self_adjoint_eigen(Side::Lower).map_err(failed)?;
        let turn = Mat::from_fn(k, k, |i, j| eigen.U()[(i, k - 1 - j)]);
        let turn = mul(orthonormal.as_ref(), turn.as_ref());
        v.multiply_in_place(turn.as_ref());
        let (first, last) = (eigen.S()[k - 1], eigen.S()[0]);
        if last.is_nan() || last <= 0.0 {
            return Ok(self.unfit(iterations));
        }
        let unit = Mat::from_fn(k, k, |i, j| turn[(i, j)] / eigen.S()[k - 1 - j].sqrt());
        u.multiply_in_place(unit.as_ref());
        let mut s: Vec<f64> = (0..k).map(|i| eigen.S()[k - 1 - i].sqrt()).collect();
        // A V - U diag(s) beyond rounding, where U was made more orthogonal than A V is.
        let mut left = vec![0.0; k];
        if first > GRAM_RANGE * last {
            let gram = u.inner(0..k, &u, k);
            let turn = newton_step(gram.as_ref());
            u.multiply_in_place(turn.as_ref());
            for i in 0..k {
                let norm = gram[(i, i)].sqrt();
                s[i] *= norm;
                let change = |j: usize| turn[(j, i)] - if i == j { 1.0 / norm } else { 0.0 };
                left[i] = s[i] * (0..k).map(|j| change(j).powi(2)).sum::<f64>().sqrt();
            }
        }
        let mut image = Tall::zeros(n, k);
        self.a.apply_transpose(&u, &mut image)?;
        let right = image.distances(&v, &s);
        let residuals: Vec<f64> = right.iter().zip(&left).map(|(r, l)| r.max(*l)).collect();
        // Products of `p` vectors round like sqrt(p) numbers.
        let goal = tolerance.max(16.0 * f64::EPSILON * (p as f64).sqrt()) * s[0];
        let converged = residuals.iter().all(|&r| r <= goal) && s.windows(2).all(|w| w[0] >= w[1]);
        if expected && !converged {
            return Ok(self.unfit(iterations));
        }
        let (long, short) = spread(u, v, image);
        let (u, v) = if self.a.turned { (short, long) } else { (long, short) };
        let svd = TruncatedSvd { u, s, v };
        Ok(Attempt::Done(Box::new(SolveReport {
            svd,
            residuals,
            converged,
            iterations,
            products,
            memory,
        })))
    }
}

/// G^{-1/2} for G = I + E to E^4: two Newton steps.
fn inverse_root(gram: MatRef<'_, f64>) -> Mat<f64> {
    let first = newton_step(gram);
    let left = mul(mul(first.as_ref(), gram).as_ref(), first.as_ref());
    mul(first.as_ref(), newton_step(left.as_ref()).as_ref())
}

/// (s_1 / s_k)^2 up to which A V scaled to norm one is orthogonal to rounding.
const GRAM_RANGE: f64 = 256.0;

struct Ritz {
    values: Vec<f64>,
    residuals: Vec<f64>,
    vectors: Mat<f64>,
    /// The coupling of every vector to the next block.
    images: Mat<f64>,
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::{Csr, lanczos};

    /// Triplets that converge one after the other let the basis drift the furthest: the vectors are still orthonormal to
    /// rounding.
    #[test]
    fn vectors_of_a_basis_that_drifts_are_orthonormal() {
        for rate in [2, 4, 8, 16] {
            let values = (0..1200).map(|i| 0.5f64.powi(i / rate) * (1.0 + 1e-3 * f64::from(i % rate)));
            let decay = values.enumerate().map(|(i, s)| (i, i, s));
            let a = Csr::from_triplets(1500, 1200, decay).unwrap();
            for (block, k, tolerance) in [
                (1, 10, 1e-10),
                (1, 20, 1e-6),
                (1, 20, 1e-8),
                (1, 40, 1e-6),
                (2, 20, 1e-8),
                (4, 20, 1e-8),
                (4, 40, 1e-6),
                (8, 40, 1e-6),
                (8, 20, 1e-8),
            ] {
                let options = LanczosOptions {
                    tolerance,
                    block,
                    ..LanczosOptions::default()
                };
                let report = lanczos(&a, k, &options).unwrap();
                assert!(report.converged, "{rate} {block} {k} {tolerance:e}");
                for side in [&report.svd.u, &report.svd.v] {
                    let loss = (side.transpose() * side - DMatrix::identity(k, k)).amax();
                    // Products of 1500 numbers, and left vectors from right ones at (s_1 / s_k)^2 up to GRAM_RANGE.
                    let rounding = GRAM_RANGE * f64::EPSILON;
                    assert!(loss <= rounding, "{rate} {block} {k} {tolerance:e}: {loss:e}");
                }
            }
        }
    }
}
