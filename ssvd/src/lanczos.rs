//! Thick-restart block Golub-Kahan-Lanczos: the default static solver.

use faer::{Mat, MatRef};
use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use crate::blocks::{Blocks, subtract_block};
use crate::drift::{Drift, Estimate};
use crate::error::{Result, SsvdError};
use crate::operator::{Operator, Rescaled};
use crate::orthogonal::{fill_normal, orthonormalize};
use crate::tall::{Tall, mul};

/// A truncated singular value decomposition A ~ U diag(s) V^T.
#[derive(Debug, Clone, PartialEq)]
pub struct TruncatedSvd {
    /// Left singular vectors, m x k, orthonormal columns.
    pub u: DMatrix<f64>,
    /// Singular values, descending, positive.
    pub s: Vec<f64>,
    /// Right singular vectors, n x k, orthonormal columns.
    pub v: DMatrix<f64>,
}

impl TruncatedSvd {
    /// U diag(s) V^T as a dense matrix.
    pub fn to_dense(&self) -> DMatrix<f64> {
        let scaled = DMatrix::from_fn(self.u.nrows(), self.s.len(), |i, j| self.u[(i, j)] * self.s[j]);
        scaled * self.v.transpose()
    }

    /// The larger of ||A v - s u|| and ||A^T u - s v|| for every triplet. Cost two products with A.
    pub fn residuals(&self, a: &impl Operator) -> Result<Vec<f64>> {
        let (m, n, k) = (a.nrows(), a.ncols(), self.s.len());
        if self.u.shape() != (m, k) || self.v.shape() != (n, k) {
            let expected = format!("{} x {}", self.u.nrows(), self.v.nrows());
            return Err(SsvdError::Shape {
                what: "operator",
                expected,
                rows: m,
                cols: n,
            });
        }
        let (u, v) = (row_major(&self.u), row_major(&self.v));
        let (mut av, mut atu) = (vec![0.0; m * k], vec![0.0; n * k]);
        a.apply(&v, k, &mut av);
        a.apply_transpose(&u, k, &mut atu);
        let norm = |image: &[f64], vectors: &[f64], j: usize| {
            let terms = image.iter().zip(vectors).skip(j).step_by(k.max(1));
            terms.map(|(x, y)| (x - self.s[j] * y).powi(2)).sum::<f64>().sqrt()
        };
        Ok((0..k).map(|j| norm(&av, &u, j).max(norm(&atu, &v, j))).collect())
    }
}

pub(crate) fn row_major(a: &DMatrix<f64>) -> Vec<f64> {
    a.transpose().as_slice().to_vec()
}

pub(crate) fn from_row_major(rows: usize, cols: usize, data: &[f64]) -> DMatrix<f64> {
    let mut columns = vec![0.0; rows * cols];
    // Tile after tile: a whole column would touch a cache line for every number.
    for from in (0..rows).step_by(TILE) {
        let tile = from..rows.min(from + TILE);
        for (j, column) in columns.chunks_exact_mut(rows.max(1)).enumerate() {
            for i in tile.clone() {
                column[i] = data[i * cols + j];
            }
        }
    }
    DMatrix::from_vec(rows, cols, columns)
}

const TILE: usize = 64;

/// Settings of [`lanczos`].
#[derive(Debug, Clone, PartialEq)]
pub struct LanczosOptions {
    /// Converged when every ||A v - s u|| and ||A^T u - s v|| is at most `tolerance` s_1.
    pub tolerance: f64,
    /// Vectors per product with A; 0 lets the solver choose.
    pub block: usize,
    /// Vectors kept on each side before a restart; 0 lets the solver choose (6 k + 64, less when that passes a GiB).
    pub basis: usize,
    /// Restarts at most.
    pub restarts: usize,
    /// Seed of the random start.
    pub seed: u64,
}

impl Default for LanczosOptions {
    fn default() -> Self {
        Self {
            tolerance: 1e-10,
            block: 0,
            basis: 0,
            restarts: 300,
            seed: 0,
        }
    }
}

/// What a static solver reached.
#[derive(Debug, Clone, PartialEq)]
pub struct SolveReport {
    /// The triplets; fewer than asked for when the matrix has a smaller rank.
    pub svd: TruncatedSvd,
    /// The larger of ||A v - s u|| and ||A^T u - s v|| of every triplet, from products with the vectors returned.
    pub residuals: Vec<f64>,
    /// True when every residual is within the tolerance.
    pub converged: bool,
    /// Restarts or power steps taken, the first round counted.
    pub iterations: usize,
    /// Products with A and with A^T, counted in vectors.
    pub products: usize,
    /// Bytes of the basis at its largest.
    pub memory: usize,
}

impl SolveReport {
    /// The report of A from that of A / unit.
    pub(crate) fn in_units(mut self, unit: f64) -> Self {
        if unit != 1.0 {
            let values = self.svd.s.iter_mut().chain(&mut self.residuals);
            values.for_each(|x| *x *= unit);
        }
        self
    }

    /// The decomposition of a matrix of zeros.
    pub(crate) fn empty(m: usize, n: usize, iterations: usize, products: usize, memory: usize) -> Self {
        let svd = TruncatedSvd {
            u: DMatrix::zeros(m, 0),
            s: Vec::new(),
            v: DMatrix::zeros(n, 0),
        };
        Self {
            svd,
            residuals: Vec::new(),
            converged: true,
            iterations,
            products,
            memory,
        }
    }
}

/// The `k` largest singular triplets by thick-restart block Golub-Kahan-Lanczos.
///
/// A V = U B and A^T U = V B^T + Z C e^T; the Ritz triplets of B approximate those of A with residuals ||C x_last||,
/// and when the basis is full the best of them start the next round (Baglama & Reichel, SIAM J. Sci. Comput. 27, 2005,
/// with blocks). The bases are reorthogonalised only when a recurrence says that they have drifted beyond 1e-8 (Simon,
/// Math. Comp. 42, 1984; Larsen's PROPACK); the vectors returned are made orthonormal to rounding, their residuals are
/// computed from products with A, and a residual above the tolerance starts the solver again with every step
/// reorthogonalised. Matrices whose smaller side fits the basis are decomposed densely. Multiplicities up to the block
/// size come out of one round.
///
/// Errs when `k` is zero or exceeds a side, on options out of range and when the operator returns numbers that are not
/// finite. Cost: a few k products with A and A^T, O((m + n) basis k) for the vectors returned, and passes
/// over parts of the basis at about every fourth step; memory (m + n) basis.
///
/// ```
/// use hadamard_ssvd::{Csr, LanczosOptions, lanczos};
/// let a = Csr::from_triplets(3, 3, [(0, 0, 3.0), (1, 1, 2.0), (2, 2, 1.0)])?;
/// let report = lanczos(&a, 2, &LanczosOptions::default())?;
/// assert!(report.converged && (report.svd.s[0] - 3.0).abs() < 1e-14);
/// # Ok::<(), hadamard_ssvd::SsvdError>(())
/// ```
pub fn lanczos(a: &impl Operator, k: usize, options: &LanczosOptions) -> Result<SolveReport> {
    let (m, n) = (a.nrows(), a.ncols());
    check_rank(k, m, n)?;
    check_tolerance(options.tolerance)?;
    let scaled = Rescaled::probe(a)?;
    let mut report = solve(&scaled, k, options)?;
    report.products += 1;
    Ok(report.in_units(scaled.unit()))
}

/// [`lanczos`] of a matrix whose squares stay inside the range of f64.
fn solve(a: &impl Operator, k: usize, options: &LanczosOptions) -> Result<SolveReport> {
    let (m, n) = (a.nrows(), a.ncols());
    let block = match options.block {
        0 => 4,
        given => given,
    };
    let least = k + 2 * block;
    let room = m.min(n).saturating_sub(2 * block);
    let basis = match options.basis {
        0 => {
            let affordable = (1 << 30) / (size_of::<f64>() * (m + n));
            let wanted = (6 * k + 64).min(affordable.max(k + k.max(32)));
            wanted.next_multiple_of(block).min(room)
        }
        given if given < least && m.min(n) > given => {
            return Err(SsvdError::Option {
                name: "basis",
                value: given as f64,
                expected: "at least k + 2 block",
            });
        }
        given => given,
    };
    if room < basis || room < k + k.max(32) && options.basis == 0 {
        return dense(a, k);
    }
    let first = Process::new(a, block, basis, DRIFT, options.seed).solve(k, options)?;
    if first.converged || first.iterations > options.restarts {
        return Ok(first);
    }
    let again = Process::new(a, block, basis, 0.0, options.seed).solve(k, options)?;
    Ok(SolveReport {
        iterations: first.iterations + again.iterations,
        products: first.products + again.products,
        ..again
    })
}

/// Inner products of basis vectors above which they are reorthogonalised. Singular values feel its square.
const DRIFT: f64 = 1e-8;

/// The state of the recurrence: A V = U B, A^T U = V B^T + (next) (coupling) e^T.
struct Process<'a, A> {
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
    fn new(a: &'a A, block: usize, basis: usize, limit: f64, seed: u64) -> Self {
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

    fn solve(mut self, k: usize, options: &LanczosOptions) -> Result<SolveReport> {
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
        self.right.push(&self.next);
        let mut w = Tall::zeros(self.a.nrows(), b);
        self.a.apply(&self.next.data, b, &mut w.data);
        finite("operator", &w)?;
        if p > 0 {
            let from = p - self.coupling.ncols();
            self.core
                .submatrix_mut(from, p, p - from, b)
                .copy_from(self.coupling.transpose());
            if self.coupling.ncols() == b {
                let last = self.left.last().expect("p > 0");
                subtract_block(last, b, self.coupling.transpose(), &mut w);
            } else {
                self.left.subtract(&self.left.all(), self.coupling.transpose(), &mut w);
            }
        }
        let triangle = self.orthonormalize_left(&mut w);
        self.core.submatrix_mut(p, p, b, b).copy_from(&triangle);
        self.left.push(&w);

        self.a.apply_transpose(&w.data, b, &mut self.next.data);
        finite("transposed operator", &self.next)?;
        let last = self.right.last().expect("pushed above");
        subtract_block(last, b, triangle.transpose(), &mut self.next);
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
        let (b, basis) = (self.block, self.basis);
        let keep = (k + (basis - k) / 3).next_multiple_of(b).min((basis - b) / b * b);
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
        let svd = TruncatedSvd {
            u: from_row_major(m, rank, &found.u.data),
            s,
            v: from_row_major(n, rank, &found.v.data),
        };
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

/// When to look at the Ritz values: their decomposition costs O(p^3), so convergence is extrapolated between looks.
struct Schedule {
    block: usize,
    next: usize,
    last: Option<(usize, f64)>,
}

impl Schedule {
    fn new(k: usize, block: usize) -> Self {
        let next = k + k / 2 + 8 * block;
        Self {
            block,
            next,
            last: None,
        }
    }

    fn due(&self, p: usize) -> bool {
        p >= self.next
    }

    /// The worst residual over its goal was `excess` with `p` vectors.
    fn seen(&mut self, p: usize, excess: f64) {
        let longest = p / 5 + 2 * self.block;
        let expected = self.last.map_or(longest, |(before, worse)| {
            let rate = (worse.ln() - excess.ln()) / (p - before).max(1) as f64;
            // A float-to-integer cast saturates: no progress means the longest step.
            if rate > 0.0 {
                (excess.ln() / rate).ceil() as usize
            } else {
                longest
            }
        });
        self.next = p + expected.clamp(self.block, longest);
        self.last = Some((p, excess));
    }
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
        let polish = |x: &Tall| {
            let gram = x.inner(0..k, x, k);
            Mat::from_fn(k, k, |i, j| {
                if i == j {
                    1.5 - 0.5 * gram[(i, j)]
                } else {
                    -0.5 * gram[(i, j)]
                }
            })
        };
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
        let norms = |image: &Tall, vectors: &Tall| {
            let mut sums = vec![0.0; s.len()];
            for (image, row) in image.data.chunks_exact(s.len()).zip(vectors.data.chunks_exact(s.len())) {
                for (sum, ((y, x), s)) in sums.iter_mut().zip(image.iter().zip(row).zip(s)) {
                    *sum += (y - s * x).powi(2);
                }
            }
            sums
        };
        let both = norms(&self.av, &self.u).into_iter().zip(norms(&self.atu, &self.v));
        both.map(|(left, right)| left.max(right).sqrt()).collect()
    }
}

pub(crate) fn check_rank(k: usize, rows: usize, cols: usize) -> Result<()> {
    if k == 0 || k > rows.min(cols) {
        Err(SsvdError::Rank { k, rows, cols })
    } else {
        Ok(())
    }
}

pub(crate) fn check_tolerance(tolerance: f64) -> Result<()> {
    if (0.0..1.0).contains(&tolerance) {
        return Ok(());
    }
    Err(SsvdError::Option {
        name: "tolerance",
        value: tolerance,
        expected: "from 0 up to but not including 1",
    })
}

pub(crate) fn finite(what: &'static str, block: &Tall) -> Result<()> {
    match block.data.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (row, col) = (at / block.width, at % block.width);
            Err(SsvdError::NotFinite {
                what,
                row,
                col,
                value: block.data[at],
            })
        }
    }
}

/// How many of the descending values stand above rounding: s_i > eps size s_1.
pub(crate) fn numerical_rank(values: &[f64], size: usize) -> usize {
    let floor = f64::EPSILON * size as f64 * values.first().copied().unwrap_or(0.0);
    values.iter().take_while(|&&s| s > floor).count()
}

/// The decomposition through all min(m, n) columns.
pub(crate) fn dense(a: &impl Operator, k: usize) -> Result<SolveReport> {
    let (m, n) = (a.nrows(), a.ncols());
    let (long, short) = (m.max(n), m.min(n));
    let identity: Vec<f64> = (0..short * short)
        .map(|i| if i % (short + 1) == 0 { 1.0 } else { 0.0 })
        .collect();
    let mut image = Tall::zeros(long, short);
    if m >= n {
        a.apply(&identity, short, &mut image.data);
    } else {
        a.apply_transpose(&identity, short, &mut image.data);
    }
    finite("operator", &image)?;
    // An exact power of two keeps squares inside the range of f64.
    let scale = crate::scaling::power_of_two(image.data.iter().fold(0.0, |m: f64, x| m.max(x.abs())));
    image.data.iter_mut().for_each(|x| *x /= scale);
    let image = MatRef::from_row_major_slice(&image.data, long, short);
    let svd = image
        .thin_svd()
        .map_err(|_| SsvdError::Factorisation("dense decomposition"))?;
    let values: Vec<f64> = (0..k).map(|i| svd.S()[i] * scale).collect();
    let rank = numerical_rank(&values, long);
    let take = |x: MatRef<'_, f64>| DMatrix::from_fn(x.nrows(), rank, |i, j| x[(i, j)]);
    let (u, v) = if m >= n {
        (take(svd.U()), take(svd.V()))
    } else {
        (take(svd.V()), take(svd.U()))
    };
    Ok(SolveReport {
        svd: TruncatedSvd {
            u,
            s: values[..rank].to_vec(),
            v,
        },
        residuals: vec![f64::EPSILON * values[0] * (short as f64).sqrt(); rank],
        converged: true,
        iterations: 0,
        products: short,
        memory: size_of::<f64>() * (2 * long * short),
    })
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
