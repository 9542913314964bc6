//! Thick-restart block Lanczos: the default static solver, its options and its report.

use faer::MatRef;
use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::bidiagonal;
use crate::error::{Result, SsvdError};
use crate::normal::{self, Attempt};
use crate::operator::{Operator, Rescaled};
use crate::scaling::power_of_two;
use crate::tall::Tall;

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
    /// U diag(s) V^T as a dense matrix. No entry exceeds s_1: what rounding adds to the largest number is cut off.
    pub fn to_dense(&self) -> DMatrix<f64> {
        let unit = power_of_two(self.s.first().copied().unwrap_or(0.0));
        let scaled = DMatrix::from_fn(self.u.nrows(), self.s.len(), |i, j| self.u[(i, j)] * (self.s[j] / unit));
        (scaled * self.v.transpose()).map(|x| (x * unit).clamp(f64::MIN, f64::MAX))
    }

    /// The larger of ||A v - s u|| and ||A^T u - s v|| for every triplet. Errs when the shapes differ and when a residual is
    /// not finite. Cost two products with A.
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
        // In units in which squares stay inside the range of f64.
        let images = av.iter().chain(&atu).chain(&self.s);
        let unit = power_of_two(images.fold(0.0, |m: f64, x| m.max(x.abs())));
        let values: Vec<f64> = self.s.iter().map(|s| s / unit).collect();
        let norms = |image: &[f64], vectors: &[f64]| -> Vec<f64> {
            let mut sums = vec![0.0; k];
            for (x, y) in image.chunks_exact(k.max(1)).zip(vectors.chunks_exact(k.max(1))) {
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum += (x[j] / unit - values[j] * y[j]).powi(2);
                }
            }
            sums.into_iter().map(|sum| sum.sqrt() * unit).collect()
        };
        let (left, right) = (norms(&av, &u), norms(&atu, &v));
        // One by one: `max` passes over a NaN.
        check_diagonal("residuals", &left)?;
        check_diagonal("residuals", &right)?;
        Ok(left.iter().zip(&right).map(|(a, b)| a.max(*b)).collect())
    }
}

pub(crate) fn row_major(a: &DMatrix<f64>) -> Vec<f64> {
    a.transpose().as_slice().to_vec()
}

pub(crate) fn from_row_major(rows: usize, cols: usize, data: &[f64]) -> DMatrix<f64> {
    let mut columns = vec![0.0; rows * cols];
    into_columns(data, rows, cols, &mut columns);
    DMatrix::from_vec(rows, cols, columns)
}

/// Row-major numbers column by column.
fn into_columns(data: &[f64], rows: usize, cols: usize, columns: &mut [f64]) {
    if data.is_empty() {
        return;
    }
    // Eight columns at a time: a row of them is a cache line.
    columns.par_chunks_mut(8 * rows).enumerate().for_each(|(at, columns)| {
        for from in (0..rows).step_by(TILE) {
            let tile = from..rows.min(from + TILE);
            for (j, column) in columns.chunks_exact_mut(rows).enumerate() {
                for i in tile.clone() {
                    column[i] = data[i * cols + 8 * at + j];
                }
            }
        }
    });
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
    /// The report of A from that of A / unit. Errs when a number in it is not finite: a singular value may exceed the
    /// largest number though all entries of A are below it.
    pub(crate) fn in_units(mut self, unit: f64) -> Result<Self> {
        let Self { svd, residuals, .. } = &mut self;
        for (what, values) in [("singular values", &mut svd.s), ("residuals", residuals)] {
            values.iter_mut().for_each(|x| *x *= unit);
            check_diagonal(what, values)?;
        }
        finite_factors(svd)?;
        Ok(self)
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

/// The `k` largest singular triplets by thick-restart block Lanczos.
///
/// First a block Lanczos process on A^T A in factored form, with one basis, on the shorter side:
/// A^T A V = V T + Z C e^T, and the Ritz vectors of T give those of A with residuals ||C y_last|| / s. Where rounding
/// would leave more than the tolerance (eps s_1^2 / s_k), the bidiagonal process A V = U B, A^T U = V B^T + Z C e^T with
/// two bases. When the basis is full the best Ritz vectors start the next round (Baglama & Reichel, SIAM J. Sci. Comput.
/// 27, 2005, with blocks). The bases are reorthogonalised only when a recurrence says that they have drifted (Simon,
/// Math. Comp. 42, 1984; Larsen's PROPACK); the vectors returned are made orthonormal to rounding, their residuals are
/// computed from products with A, and a residual above the tolerance starts the solver again with every step
/// reorthogonalised. Matrices whose smaller side fits the basis are decomposed densely. Multiplicities up to the block
/// size come out of one round.
///
/// Errs when `k` is zero or exceeds a side, on options out of range, and when the operator returns numbers that are not
/// finite or a singular value exceeds the largest number. Cost: a few k products with A and A^T, O(min(m, n) basis k) for the vectors returned, and passes over the basis
/// at about every fourth step; memory min(m, n) basis, or (m + n) basis for the bidiagonal process.
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
    report.in_units(scaled.unit())
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
    let mut spent = (0, 0);
    if options.tolerance >= normal::FINEST {
        match normal::solve(a, k, block, basis, options)? {
            Attempt::Done(report) => return Ok(*report),
            Attempt::Unfit { iterations, products } => spent = (iterations, products),
        }
    }
    // The last attempt reorthogonalises every step.
    let mut limits = [bidiagonal::DRIFT, 0.0].into_iter();
    loop {
        let (limit, last) = (limits.next().unwrap_or(0.0), limits.len() == 0);
        let mut report = bidiagonal::Process::new(a, block, basis, limit, options.seed).solve(k, options)?;
        let exhausted = report.iterations > options.restarts;
        spent = (spent.0 + report.iterations, spent.1 + report.products);
        if report.converged || exhausted || last {
            (report.iterations, report.products) = spent;
            return Ok(report);
        }
    }
}

/// Vectors kept at a restart of a basis of `room`, to find `k`.
pub(crate) fn kept(k: usize, block: usize, room: usize) -> usize {
    let keep = (k + (room - k) / 3).next_multiple_of(block);
    keep.min((room - block) / block * block)
}

/// Both factors column by column, in the memory of `spare` (of the second one's size) and of the second one.
pub(crate) fn spread(first: Tall, second: Tall, spare: Tall) -> (DMatrix<f64>, DMatrix<f64>) {
    let second_spread = columns_of(&second, spare.data);
    (columns_of(&first, second.data), second_spread)
}

fn columns_of(block: &Tall, mut memory: Vec<f64>) -> DMatrix<f64> {
    memory.resize(block.data.len(), 0.0);
    into_columns(&block.data, block.rows, block.width, &mut memory);
    DMatrix::from_vec(block.rows, block.width, memory)
}

/// When to look at the Ritz values: their decomposition costs O(p^3), so convergence is extrapolated between looks.
pub(crate) struct Schedule {
    block: usize,
    next: usize,
    last: Option<(usize, f64)>,
}

impl Schedule {
    pub(crate) fn new(k: usize, block: usize) -> Self {
        let next = k + k / 2 + 8 * block;
        Self {
            block,
            next,
            last: None,
        }
    }

    pub(crate) fn due(&self, p: usize) -> bool {
        p >= self.next
    }

    /// The worst residual over its goal was `excess` with `p` vectors.
    pub(crate) fn seen(&mut self, p: usize, excess: f64) {
        let longest = p / 5 + 2 * self.block;
        let expected = self.last.map_or(longest, |(before, worse)| {
            let rate = (worse.ln() - excess.ln()) / (p - before).max(1) as f64;
            // A float-to-integer cast saturates: no progress means the longest step. Otherwise a little early, because
            // convergence quickens on the way and a look costs less than the steps it may save.
            if rate > 0.0 {
                (0.8 * excess.ln() / rate).ceil() as usize
            } else {
                longest
            }
        });
        self.next = p + expected.clamp(self.block, longest);
        self.last = Some((p, excess));
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
    match first_not_finite(&block.data) {
        None => Ok(()),
        Some(at) => {
            let (row, col) = (at / block.width, at % block.width);
            let value = block.data[at];
            Err(SsvdError::NotFinite { what, row, col, value })
        }
    }
}

fn first_not_finite(data: &[f64]) -> Option<usize> {
    // A sum of products with zero is NaN as soon as one number is not finite, and needs no branch.
    let sound = |part: &[f64]| {
        let (chunks, rest) = part.as_chunks::<8>();
        let mut sums = [0.0; 8];
        chunks.iter().for_each(|c| (0..8).for_each(|i| sums[i] += c[i] * 0.0));
        !sums
            .iter()
            .chain(&[rest.iter().map(|x| x * 0.0).sum()])
            .any(|x: &f64| x.is_nan())
    };
    if data.par_chunks(1 << 14).all(sound) {
        return None;
    }
    data.iter().position(|x| !x.is_finite())
}

/// Errs at the first number, one for a triplet, that is not finite.
fn check_diagonal(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => Err(SsvdError::NotFinite {
            what,
            row: at,
            col: at,
            value: values[at],
        }),
    }
}

pub(crate) fn finite_factors(svd: &TruncatedSvd) -> Result<()> {
    for (what, side) in [("left factor", &svd.u), ("right factor", &svd.v)] {
        if let Some(at) = first_not_finite(side.as_slice()) {
            let (row, col) = (at % side.nrows(), at / side.nrows());
            let value = side[(row, col)];
            return Err(SsvdError::NotFinite { what, row, col, value });
        }
    }
    Ok(())
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
    let scale = power_of_two(image.data.iter().fold(0.0, |m: f64, x| m.max(x.abs())));
    image.data.iter_mut().for_each(|x| *x /= scale);
    let image = MatRef::from_row_major_slice(&image.data, long, short);
    let svd = image
        .thin_svd()
        .map_err(|_| SsvdError::Factorisation("dense decomposition"))?;
    let values: Vec<f64> = (0..k).map(|i| svd.S()[i] * scale).collect();
    check_diagonal("singular values", &values)?;
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
