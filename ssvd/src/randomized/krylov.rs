//! Randomized block Krylov iteration.

use faer::{Mat, MatRef};
use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::{Spent, finish, rounding};
use crate::blocks::{Blocks, subtract_block};
use crate::error::{Result, SsvdError};
use crate::lanczos::{SolveReport, check_rank, check_tolerance, dense, finite};
use crate::operator::{Operator, Rescaled};
use crate::orthogonal::{fill_normal, orthonormalize};
use crate::tall::{Tall, mul};

/// Settings of [`block_krylov`].
#[derive(Debug, Clone, PartialEq)]
pub struct KrylovOptions {
    /// Converged when every ||A v - s u|| and ||A^T u - s v|| is at most `tolerance` s_1.
    pub tolerance: f64,
    /// Vectors of the block beyond k.
    pub oversampling: usize,
    /// Vectors kept on each side before the space is built anew from its best block; 0 lets the solver choose (eight
    /// blocks, less when that passes a GiB).
    pub basis: usize,
    /// How often the space is built anew at most.
    pub restarts: usize,
    /// Seed of the random start.
    pub seed: u64,
}

impl Default for KrylovOptions {
    fn default() -> Self {
        Self {
            tolerance: 1e-10,
            oversampling: 8,
            basis: 0,
            restarts: 100,
            seed: 0,
        }
    }
}

/// The `k` largest singular triplets from block Krylov spaces with a random start.
///
/// With an n x b block X, b = k + oversampling, the best approximation within the span of A X, (A A^T) A X, ... (Musco &
/// Musco, NeurIPS 2015): after q blocks as good as a polynomial of degree 2 q - 1 of the singular values can make it,
/// where subspace iteration has the monomial. The bases are fully orthogonalised, A^T Q = X T with a T of two block
/// diagonals, and when they are full the space is built anew from the b best vectors. Needs few, wide products, and
/// finds values of any multiplicity up to b, which narrow blocks only find through restarts; [`crate::lanczos`] needs
/// fewer products in all. Matrices whose smaller side is below three blocks are decomposed densely.
///
/// Errs when `k` is zero or exceeds a side, on options out of range and when the operator returns numbers that are not
/// finite or a singular value exceeds the largest number. Cost of q blocks: q b products with A and with A^T, O((m + n) (q b)^2) for their orthogonality; memory
/// (m + n) basis numbers. The result is the same bits for any number of threads.
///
/// ```
/// use hadamard_ssvd::{Csr, KrylovOptions, block_krylov};
/// let a = Csr::from_triplets(3, 3, [(0, 0, 3.0), (1, 1, 2.0), (2, 2, 1.0)])?;
/// let report = block_krylov(&a, 2, &KrylovOptions::default())?;
/// assert!(report.converged && (report.svd.s[1] - 2.0).abs() < 1e-14);
/// # Ok::<(), hadamard_ssvd::SsvdError>(())
/// ```
pub fn block_krylov(a: &impl Operator, k: usize, options: &KrylovOptions) -> Result<SolveReport> {
    let (m, n) = (a.nrows(), a.ncols());
    check_rank(k, m, n)?;
    check_tolerance(options.tolerance)?;
    let scaled = Rescaled::probe(a)?;
    let b = k.saturating_add(options.oversampling);
    let report = if m.min(n) / 3 < b {
        dense(&scaled, k)?
    } else {
        let depth = match options.basis {
            0 => ((1 << 30) / (size_of::<f64>() * (m + n) * b)).clamp(2, 8),
            given if given < 2 * b => {
                return Err(SsvdError::Option {
                    name: "basis",
                    value: given as f64,
                    expected: "at least 2 (k + oversampling)",
                });
            }
            given => given / b,
        };
        // The next block needs room beside the basis.
        let depth = depth.min(m.min(n) / b - 1);
        Krylov::new(&scaled, b, depth, options.seed).solve(k, options)?
    };
    report.in_units(scaled.unit())
}

/// A^T Q = X T, Q with `left.count()` blocks, X with one more when its newest block is pushed.
struct Krylov<'a, A> {
    a: &'a A,
    block: usize,
    depth: usize,
    left: Blocks,
    right: Blocks,
    /// T.
    core: Mat<f64>,
    next: Tall,
    scale: f64,
    products: usize,
    rng: Pcg64,
}

struct Ritz {
    values: Vec<f64>,
    /// U = Q `left`, V = X `right`.
    left: Mat<f64>,
    right: Mat<f64>,
}

impl<'a, A: Operator> Krylov<'a, A> {
    fn new(a: &'a A, block: usize, depth: usize, seed: u64) -> Self {
        let (m, n) = (a.nrows(), a.ncols());
        let mut rng = Pcg64::seed_from_u64(seed);
        let mut next = Tall::zeros(n, block);
        fill_normal(&mut next, &mut rng);
        orthonormalize(&Blocks::new(n, block), &[], &mut next, &mut 0.0, &mut rng);
        Self {
            a,
            block,
            depth,
            left: Blocks::new(m, block),
            right: Blocks::new(n, block),
            core: Mat::zeros((depth + 1) * block, depth * block),
            next,
            scale: 0.0,
            products: 1,
            rng,
        }
    }

    fn solve(mut self, k: usize, options: &KrylovOptions) -> Result<SolveReport> {
        let goal = options.tolerance.max(rounding(self.depth * self.block));
        let mut iterations = 1;
        let mut ritz: Option<Ritz> = None;
        loop {
            // One product further than the Ritz triplets: A V - U S = Q_next R (the last block of X's share in V).
            let (image, triangle) = self.forward()?;
            if let Some(found) = ritz.take() {
                let (full, last) = (self.left.count() == self.depth, self.right.len() - self.block);
                let share = mul(triangle.as_ref(), found.right.subrows(last, self.block));
                let worst = (0..k).map(|j| share.col(j).norm_l2()).fold(0.0, f64::max);
                if worst <= goal * found.values[0] || full && iterations > options.restarts {
                    return self.finish(k, &found, iterations, goal);
                }
                if full {
                    self.restart(&found);
                    iterations += 1;
                    continue;
                }
            }
            self.back(image, triangle.as_ref())?;
            // The decomposition of T costs more than a look at every second block saves.
            let count = self.left.count();
            ritz = (count == self.depth || count.is_multiple_of(2))
                .then(|| self.ritz())
                .transpose()?;
        }
    }

    /// Pushes the newest block of X; A times it, orthonormal to Q, and the triangle.
    fn forward(&mut self) -> Result<(Tall, Mat<f64>)> {
        self.right.push(self.next.clone());
        let mut w = Tall::zeros(self.a.nrows(), self.block);
        self.a.apply(&self.next.data, self.block, &mut w.data);
        finite("operator", &w)?;
        self.products += self.block;
        let split = orthonormalize(&self.left, &self.left.all(), &mut w, &mut self.scale, &mut self.rng);
        Ok((w, split.triangle))
    }

    /// Pushes the newest block of Q and splits A^T times it into what lies in X and the next block of X.
    fn back(&mut self, image: Tall, triangle: MatRef<'_, f64>) -> Result<()> {
        let (p, b) = (self.left.len(), self.block);
        self.a.apply_transpose(&image.data, b, &mut self.next.data);
        self.left.push(image);
        finite("transposed operator", &self.next)?;
        self.products += b;
        if let Some(last) = self.right.last() {
            subtract_block(last, triangle.transpose(), &mut self.next);
        }
        let all = self.right.all();
        let split = orthonormalize(&self.right, &all, &mut self.next, &mut self.scale, &mut self.rng);
        self.core.submatrix_mut(p, p, b, b).copy_from(triangle.transpose());
        self.core.submatrix_mut(p + b, p, b, b).copy_from(&split.triangle);
        Ok(())
    }

    fn ritz(&self) -> Result<Ritz> {
        let p = self.left.len();
        let svd = self.core.submatrix(0, 0, p + self.block, p).thin_svd();
        let svd = svd.map_err(|_| SsvdError::Factorisation("Ritz values"))?;
        Ok(Ritz {
            values: (0..p).map(|i| svd.S()[i]).collect(),
            left: svd.V().to_owned(),
            right: svd.U().to_owned(),
        })
    }

    /// The best block of X becomes the start of a new space.
    fn restart(&mut self, ritz: &Ritz) {
        self.next = self.right.times(ritz.right.subcols(0, self.block));
        self.left = Blocks::new(self.a.nrows(), self.block);
        self.right = Blocks::new(self.a.ncols(), self.block);
        self.core.fill(0.0);
    }

    fn finish(self, k: usize, ritz: &Ritz, iterations: usize, goal: f64) -> Result<SolveReport> {
        let u = self.left.times(ritz.left.subcols(0, k));
        let v = self.right.times(ritz.right.subcols(0, k));
        let spent = Spent {
            iterations,
            products: self.products,
            memory: self.left.memory() + self.right.memory() + size_of::<f64>() * (u.data.len() + v.data.len()),
        };
        finish(self.a, (&u, &ritz.values, &v), k, goal, spent)
    }
}
