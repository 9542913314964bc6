//! Block Golub-Kahan-Lanczos with thick restarts on two bases: accurate for singular values of any size.

use faer::{Mat, MatRef};
use rand::SeedableRng;
use rand_pcg::Pcg64;

use crate::blocks::{Blocks, subtract_block};
use crate::drift::{Drift, Estimate};
use crate::error::{Result, SsvdError};
use crate::lanczos::{LanczosOptions, Schedule, SolveReport, TruncatedSvd, finite, kept, numerical_rank, spread};
use crate::operator::Operator;
use crate::orthogonal::{fill_normal, orthonormalize};
use crate::tall::{Tall, mul, newton_step};

/// Inner products of basis vectors above which they are reorthogonalised. Singular values feel its square.
pub(crate) const DRIFT: f64 = 1e-8;

/// The state of the recurrence: A V = U B, A^T U = V B^T + (next) (coupling) e^T.
pub(crate) struct Process<'a, A> {
    a: &'a A,
    block: usize,
    basis: usize,
    /// Largest drift that is let pass.
    limit: f64,
    left: Blocks,
    right: Blocks,
    /// B.
    core: Mat<f64>,
    next: Tall,
    /// C: the last block of A^T U against `next`; as wide as the kept vectors after a restart.
    coupling: Mat<f64>,
    drift: Drift,
    /// Blocks that are still to be cleaned after one that had drifted.
    following: usize,
    /// Steps still to be reorthogonalised against everything.
    whole: usize,
    /// Norm of A as far as seen.
    scale: f64,
    products: usize,
    rng: Pcg64,
}

impl<'a, A: Operator> Process<'a, A> {
    pub(crate) fn new(a: &'a A, block: usize, basis: usize, limit: f64, seed: u64) -> Self {
        let (m, n) = (a.nrows(), a.ncols());
        let mut rng = Pcg64::seed_from_u64(seed);
        let right = Blocks::new(n, block);
        let mut next = Tall::zeros(n, block);
        fill_normal(&mut next, &mut rng);
        orthonormalize(&right, &[], &mut next, &mut 0.0, &mut rng);
        Self {
            a,
            block,
            basis,
            limit,
            left: Blocks::new(m, block),
            right,
            core: Mat::zeros(basis, basis),
            next,
            coupling: Mat::zeros(block, block),
            drift: Drift::new(block),
            following: 0,
            whole: if limit == 0.0 { usize::MAX } else { 0 },
            scale: 0.0,
            products: 0,
            rng,
        }
    }

    pub(crate) fn solve(mut self, k: usize, options: &LanczosOptions) -> Result<SolveReport> {
        // Ritz vectors carry rounding errors of about eps s_1 whatever the recurrence says.
        let tolerance = options.tolerance.max(4.0 * f64::EPSILON);
        let mut iterations = 1;
        let mut schedule = Schedule::new(k, self.block);
        loop {
            self.step()?;
            let p = self.left.len();
            let full = p + self.block > self.basis;
            if !full && !schedule.due(p) {
                continue;
            }
            let ritz = self.ritz()?;
            let worst = ritz.residuals[..k].iter().fold(0.0, |m: f64, &r| m.max(r));
            let excess = worst / (tolerance * ritz.values[0]);
            if excess.is_nan() || excess <= 1.0 || full && iterations > options.restarts {
                return self.finish(k, &ritz, iterations, tolerance);
            }
            schedule.seen(p, excess);
            if full {
                self.restart(k, &ritz);
                schedule = Schedule::new(self.left.len(), self.block);
                iterations += 1;
            }
        }
    }

    /// One more block on each side.
    fn step(&mut self) -> Result<()> {
        let (p, b) = (self.left.len(), self.block);
        let fresh = Tall::zeros(self.next.rows, b);
        self.right.push(std::mem::replace(&mut self.next, fresh));
        let newest = self.right.last().expect("pushed above");
        let mut w = Tall::zeros(self.a.nrows(), b);
        self.a.apply(&newest.data, b, &mut w.data);
        finite("operator", &w)?;
        if p > 0 {
            let from = p - self.coupling.ncols();
            self.core
                .submatrix_mut(from, p, p - from, b)
                .copy_from(self.coupling.transpose());
            if self.coupling.ncols() == b {
                let last = self.left.last().expect("p > 0");
                subtract_block(last, self.coupling.transpose(), &mut w);
            } else {
                self.left.subtract(&self.left.all(), self.coupling.transpose(), &mut w);
            }
        }
        let triangle = self.orthonormalize_left(&mut w);
        self.core.submatrix_mut(p, p, b, b).copy_from(&triangle);
        self.a.apply_transpose(&w.data, b, &mut self.next.data);
        self.left.push(w);
        finite("transposed operator", &self.next)?;
        let last = self.right.last().expect("pushed above");
        subtract_block(last, triangle.transpose(), &mut self.next);
        self.coupling = self.orthonormalize_next(triangle.as_ref());
        self.products += 2 * b;
        Ok(())
    }

    /// W = A v - (what the recurrence removes), orthonormalised; its triangle.
    fn orthonormalize_left(&mut self, w: &mut Tall) -> Mat<f64> {
        let (p, count) = (self.left.len(), self.left.count());
        let chosen = if self.whole > 0 { self.left.all() } else { Vec::new() };
        let mut split = orthonormalize(&self.left, &chosen, w, &mut self.scale, &mut self.rng);
        if split.whole {
            self.drift.reset_left(&self.left.all(), count);
            return split.triangle;
        }
        let core = self.core.submatrix(0, 0, p, p);
        let (c, r) = (self.coupling.as_ref(), split.triangle.as_ref());
        let estimate = self.drift.extend_left(core, c, r, self.scale);
        if self.due(&estimate) {
            let cleaned = orthonormalize(&self.left, &estimate.blocks, w, &mut 1.0, &mut self.rng);
            split.triangle = mul(cleaned.triangle.as_ref(), split.triangle.as_ref());
            self.drift.reset_left(&estimate.blocks, count);
        }
        split.triangle
    }

    /// Whether the newest block must be cleaned of what has crept in.
    ///
    /// The recurrences have two terms on either side: the other side and the next block would bring the drift back, so
    /// they are cleaned as well.
    fn due(&mut self, estimate: &Estimate) -> bool {
        if self.following > 0 {
            self.following -= 1;
            return true;
        }
        let drifted = estimate.largest.is_nan() || estimate.largest > self.limit;
        self.following = if drifted { 2 } else { 0 };
        drifted
    }

    /// The same for A^T u on the right.
    fn orthonormalize_next(&mut self, triangle: MatRef<'_, f64>) -> Mat<f64> {
        let (p, count) = (self.right.len(), self.right.count());
        let chosen = if self.whole > 0 { self.right.all() } else { Vec::new() };
        self.whole = self.whole.saturating_sub(1);
        let mut split = orthonormalize(&self.right, &chosen, &mut self.next, &mut self.scale, &mut self.rng);
        if split.whole {
            self.drift.reset_right(&self.right.all(), count);
            return split.triangle;
        }
        let core = self.core.submatrix(0, 0, p, p);
        let c = split.triangle.as_ref();
        let estimate = self.drift.extend_right(core, triangle, c, self.scale);
        if self.due(&estimate) {
            let cleaned = orthonormalize(&self.right, &estimate.blocks, &mut self.next, &mut 1.0, &mut self.rng);
            split.triangle = mul(cleaned.triangle.as_ref(), split.triangle.as_ref());
            self.drift.reset_right(&estimate.blocks, count);
        }
        split.triangle
    }

    /// The singular triplets of B and their residuals.
    fn ritz(&self) -> Result<Ritz> {
        let (p, b) = (self.left.len(), self.block);
        let svd = self.core.submatrix(0, 0, p, p).svd();
        let svd = svd.map_err(|_| SsvdError::Factorisation("Ritz values"))?;
        let images = mul(self.coupling.as_ref(), svd.U().subrows(p - b, b));
        Ok(Ritz {
            values: (0..p).map(|i| svd.S()[i]).collect(),
            residuals: (0..p).map(|i| images.col(i).norm_l2()).collect(),
            left: svd.U().to_owned(),
            right: svd.V().to_owned(),
            images,
        })
    }

    /// Keeps the Ritz vectors of the largest values: B becomes diagonal, coupled to the next block by its last column.
    fn restart(&mut self, k: usize, ritz: &Ritz) {
        let keep = kept(k, self.block, self.basis);
        self.left.multiply(ritz.left.subcols(0, keep));
        self.right.multiply(ritz.right.subcols(0, keep));
        self.core.fill(0.0);
        (0..keep).for_each(|i| self.core[(i, i)] = ritz.values[i]);
        self.coupling = ritz.images.subcols(0, keep).to_owned();
        self.following = 0;
        self.whole = self.whole.max(2);
    }

    /// Ritz vectors made orthonormal to rounding, with residuals from products with A.
    fn finish(mut self, k: usize, ritz: &Ritz, iterations: usize, tolerance: f64) -> Result<SolveReport> {
        let (m, n) = (self.a.nrows(), self.a.ncols());
        let rank = numerical_rank(&ritz.values[..k], m.max(n));
        let u = self.left.times(ritz.left.subcols(0, rank));
        let v = self.right.times(ritz.right.subcols(0, rank));
        let memory = self.left.memory() + self.right.memory() + size_of::<f64>() * (m + n) * (self.block + 2 * rank);
        if rank == 0 {
            return Ok(SolveReport::empty(m, n, iterations, self.products, memory));
        }
        let (mut av, mut atu) = (Tall::zeros(m, rank), Tall::zeros(n, rank));
        self.a.apply(&v.data, rank, &mut av.data);
        self.a.apply_transpose(&u.data, rank, &mut atu.data);
        let mut found = Candidates { u, v, av, atu };
        let s = found.rotate()?;
        let residuals = found.residuals(&s);
        self.products += 2 * rank;
        // Products of `p` vectors round like sqrt(p) numbers.
        let rounding = 16.0 * f64::EPSILON * (self.left.len() as f64).sqrt();
        let goal = tolerance.max(rounding) * s.first().copied().unwrap_or(0.0);
        let converged = residuals.iter().all(|&r| r <= goal);
        let (u, v) = spread(found.u, found.v, found.atu);
        let svd = TruncatedSvd { u, s, v };
        Ok(SolveReport {
            svd,
            residuals,
            converged,
            iterations,
            products: self.products,
            memory,
        })
    }
}

struct Ritz {
    values: Vec<f64>,
    residuals: Vec<f64>,
    left: Mat<f64>,
    right: Mat<f64>,
    /// The coupling to the next block of every left Ritz vector.
    images: Mat<f64>,
}

/// Nearly orthonormal vectors of both sides and their images.
struct Candidates {
    u: Tall,
    v: Tall,
    /// A V.
    av: Tall,
    /// A^T U.
    atu: Tall,
}

impl Candidates {
    /// Rayleigh-Ritz: the singular triplets of A between the spans of U and V.
    ///
    /// With E = X^T X - I, X (I - E / 2) is orthonormal to E^2.
    fn rotate(&mut self) -> Result<Vec<f64>> {
        let k = self.u.width;
        let polish = |x: &Tall| newton_step(x.inner(0..k, x, k).as_ref());
        let (left, right) = (polish(&self.u), polish(&self.v));
        let between = self.u.inner(0..k, &self.av, k);
        let between = mul(mul(left.transpose(), between.as_ref()).as_ref(), right.as_ref());
        let svd = between
            .svd()
            .map_err(|_| SsvdError::Factorisation("Rayleigh-Ritz values"))?;
        let (left, right) = (mul(left.as_ref(), svd.U()), mul(right.as_ref(), svd.V()));
        for (x, by) in [
            (&mut self.u, &left),
            (&mut self.atu, &left),
            (&mut self.v, &right),
            (&mut self.av, &right),
        ] {
            x.multiply_in_place(by.as_ref());
        }
        Ok((0..k).map(|i| svd.S()[i]).collect())
    }

    /// The larger of ||A v - s u|| and ||A^T u - s v|| of every triplet.
    fn residuals(&self, s: &[f64]) -> Vec<f64> {
        let both = self
            .av
            .distances(&self.u, s)
            .into_iter()
            .zip(self.atu.distances(&self.v, s));
        both.map(|(left, right)| left.max(right)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Csr;
    use rand::RngExt;

    /// Inner products within a basis, less the identity.
    fn loss(basis: &Blocks) -> f64 {
        let p = basis.len();
        let all = basis.times(Mat::<f64>::identity(p, p).as_ref());
        (all.inner(0..p, &all, p) - Mat::<f64>::identity(p, p)).norm_max()
    }

    #[test]
    fn bases_stay_orthogonal_to_the_limit() {
        let mut rng = Pcg64::seed_from_u64(7);
        let mut power = |size: f64| (size * rng.random::<f64>().powi(3)) as usize;
        let graph = (0..20_000)
            .map(|_| (power(1500.0), power(1200.0), 1.0))
            .collect::<Vec<_>>();
        let graph = Csr::from_triplets(1500, 1200, graph).unwrap();
        // Values that decay by half: the hardest case for a recurrence, since triplets converge one after the other.
        let decay = (0..1200).map(|i| (i, i, 0.5f64.powi(i as i32 / 4)));
        let decay = Csr::from_triplets(1500, 1200, decay).unwrap();
        for (name, a) in [("graph", graph), ("decay", decay)] {
            for block in [1, 2, 4] {
                let mut process = Process::new(&a, block, 200, DRIFT, 3);
                for _ in 0..160 / block {
                    process.step().unwrap();
                }
                // Estimates of single vectors are the least reliable: within a factor of a hundred.
                for loss in [loss(&process.left), loss(&process.right)] {
                    assert!(loss < 100.0 * DRIFT, "{loss:e} {name}, blocks of {block}");
                }
            }
        }
    }
}
