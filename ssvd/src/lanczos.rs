//! Thick-restart block Golub-Kahan-Lanczos: the default static solver.

use faer::{Mat, MatRef};
use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use crate::error::{Result, SsvdError};
use crate::operator::Operator;
use crate::orthogonal::{fill_normal, orthonormalize};
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
    DMatrix::from_row_slice(rows, cols, data)
}

/// Settings of [`lanczos`].
#[derive(Debug, Clone, PartialEq)]
pub struct LanczosOptions {
    /// Converged when every residual ||A^T u - s v|| is at most `tolerance` s_1 (A v = s u holds to rounding).
    pub tolerance: f64,
    /// Vectors per product with A; 0 lets the solver choose.
    pub block: usize,
    /// Vectors kept on each side between restarts; 0 lets the solver choose.
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
    /// Estimated residual ||A^T u - s v|| of every triplet.
    pub residuals: Vec<f64>,
    /// True when every residual is within the tolerance.
    pub converged: bool,
    /// Restarts or power steps taken.
    pub iterations: usize,
    /// Products with A and with A^T, counted in vectors.
    pub products: usize,
    /// Bytes of the basis at its largest.
    pub memory: usize,
}

/// The `k` largest singular triplets by thick-restart block Golub-Kahan-Lanczos with full reorthogonalisation.
///
/// A V = U B and A^T U = V B^T + Z R e^T; the Ritz triplets of B approximate those of A with residuals ||R x_last||,
/// and the best of them start the next round (Baglama & Reichel, SIAM J. Sci. Comput. 27, 2005, with blocks). Matrices
/// whose smaller side fits the basis are decomposed densely. Multiplicities up to the block size come out of one round.
///
/// Errs when `k` is zero or exceeds a side, on options out of range and when the operator returns numbers that are not
/// finite. Cost per round: about `basis - k` products with A and A^T and O((m + n) basis^2); memory (m + n) basis.
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
    let block = match options.block {
        0 => 4,
        given => given,
    };
    let basis = match options.basis {
        0 => (k + k.max(32)).next_multiple_of(block),
        given => given,
    };
    if basis < k + 2 * block && m.min(n) > basis {
        let expected = "at least k + 2 block";
        return Err(SsvdError::Option {
            name: "basis",
            value: basis as f64,
            expected,
        });
    }
    if m.min(n) <= basis + 2 * block {
        return dense(a, k);
    }
    let mut rng = Pcg64::seed_from_u64(options.seed);
    let mut scale = 0.0;
    let mut right = Tall::zeros(n, basis + block);
    let mut left = Tall::zeros(m, basis);
    let mut core = Mat::<f64>::zeros(basis, basis);
    let mut next = Tall::zeros(n, block);
    fill_normal(&mut next, &mut rng);
    orthonormalize(&right, 0, 0, &mut next, &mut 0.0, &mut rng);
    let (mut p, mut products, mut iterations) = (0, 0, 0);
    loop {
        let kept = p;
        let mut coupling = Mat::zeros(block, block);
        while p + block <= basis {
            right.put(p, &next);
            let mut w = Tall::zeros(m, block);
            a.apply(&next.data, block, &mut w.data);
            finite("operator", &w)?;
            let split = orthonormalize(
                &left,
                p,
                if p == kept { p } else { block },
                &mut w,
                &mut scale,
                &mut rng,
            );
            core.submatrix_mut(0, p, p, block).copy_from(&split.against);
            core.submatrix_mut(p, p, block, block).copy_from(&split.triangle);
            left.put(p, &w);
            p += block;
            a.apply_transpose(&w.data, block, &mut next.data);
            finite("transposed operator", &next)?;
            coupling = orthonormalize(&right, p, block, &mut next, &mut scale, &mut rng).triangle;
            products += 2 * block;
        }
        iterations += 1;
        let svd = core
            .submatrix(0, 0, p, p)
            .svd()
            .map_err(|_| SsvdError::Factorisation("Ritz values"))?;
        let values: Vec<f64> = (0..p).map(|i| svd.S()[i]).collect();
        let last = svd.U().submatrix(p - block, 0, block, p);
        let images = crate::tall::mul(coupling.as_ref(), last);
        let residuals: Vec<f64> = (0..p).map(|i| images.col(i).norm_l2()).collect();
        // Ritz vectors carry rounding errors of about eps s_1 whatever the recurrence says.
        let goal = options.tolerance.max(4.0 * f64::EPSILON) * values[0];
        let converged = residuals[..k].iter().all(|&r| r <= goal);
        if converged || iterations > options.restarts {
            let rank = numerical_rank(&values[..k], m.max(n));
            let u = left.times(svd.U().subcols(0, rank));
            let v = right.times(svd.V().subcols(0, rank));
            let svd = TruncatedSvd {
                u: from_row_major(m, rank, &u.data),
                s: values[..rank].to_vec(),
                v: from_row_major(n, rank, &v.data),
            };
            let memory = size_of::<f64>() * (left.data.len() + right.data.len() + (m + n) * block);
            let residuals = residuals[..rank].to_vec();
            return Ok(SolveReport {
                svd,
                residuals,
                converged,
                iterations,
                products,
                memory,
            });
        }
        let keep = (k + (basis - k) / 3).min(basis - block) / block * block;
        let keep = if keep < k { k.min(basis - block) } else { keep };
        left.multiply_in_place(svd.U().subcols(0, keep));
        right.multiply_in_place(svd.V().subcols(0, keep));
        core.fill(0.0);
        (0..keep).for_each(|i| core[(i, i)] = values[i]);
        p = keep;
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

fn finite(what: &'static str, block: &Tall) -> Result<()> {
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
fn dense(a: &impl Operator, k: usize) -> Result<SolveReport> {
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
