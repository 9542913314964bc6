//! How far the two bases of a Lanczos process have drifted from orthogonality, by a recurrence instead of products.
//!
//! The inner products of a new vector with all before it obey the recurrence of the vectors themselves, plus rounding
//! (Simon, Math. Comp. 42, 1984; for the bidiagonal process Larsen, DAIMI PB-357, 1998). With
//! A V = U B, A^T u_j = V_j R_j^T + v_{j+1} C_j, nu_j = V_{<j}^T v_j and mu_j = U_{<j}^T u_j:
//! mu_j R_j = B nu_j - (mu_{j-1}; 0) C_{j-1}^T and nu_{j+1} C_j = B^T (mu_j; 0) - (nu_j; 0) R_j^T. Reorthogonalising only
//! when an estimate passes a limit keeps the bases orthogonal to the limit at a fraction of the passes over them.

use faer::{Mat, MatRef};

use crate::tall::mul;

/// Rounding errors of one step, in units of eps times the norm of the operator. With half of it estimates of the bidiagonal
/// process fell below the drift that was there.
const NOISE: f64 = 16.0;

/// Blocks whose estimate is below are left alone when others are cleaned (Larsen's eps^(3/4)).
const CLEAN: f64 = 1e-12;

/// Estimates for the newest block of each basis.
pub(crate) struct Drift {
    left: Mat<f64>,
    right: Mat<f64>,
}

/// What the recurrence says of a new block.
pub(crate) struct Estimate {
    /// The largest inner product with a vector before.
    pub(crate) largest: f64,
    /// The blocks to clean it against once it is cleaned at all: few, as a rule the oldest ones.
    pub(crate) blocks: Vec<usize>,
}

impl Drift {
    /// Right basis with one block, left basis empty.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            left: Mat::zeros(0, width),
            right: Mat::zeros(0, width),
        }
    }

    /// The newest left vectors, from A v_j = U_{<j} (B) + u_j R; `core` is B over U_{<j} and V_{<j}, `coupling` C_{j-1}.
    pub(crate) fn extend_left(
        &mut self,
        core: MatRef<'_, f64>,
        coupling: MatRef<'_, f64>,
        triangle: MatRef<'_, f64>,
        scale: f64,
    ) -> Estimate {
        let mut mu = mul(core, self.right.as_ref());
        subtract(&mut mu, mul(self.left.as_ref(), coupling.transpose()));
        self.left = divide(mu, triangle, scale);
        Estimate::of(&self.left)
    }

    /// The newest right vectors, from A^T u_j = V_j R_j^T + v_{j+1} C_j; `core` is B over U_j and V_j.
    pub(crate) fn extend_right(
        &mut self,
        core: MatRef<'_, f64>,
        triangle: MatRef<'_, f64>,
        coupling: MatRef<'_, f64>,
        scale: f64,
    ) -> Estimate {
        let rows = self.left.nrows();
        let mut nu = mul(core.transpose().subcols(0, rows), self.left.as_ref());
        subtract(&mut nu, mul(self.right.as_ref(), triangle.transpose()));
        self.right = divide(nu, coupling, scale);
        Estimate::of(&self.right)
    }

    /// The newest left block is orthogonal to the blocks `cleaned` of the `count` before it.
    pub(crate) fn reset_left(&mut self, cleaned: &[usize], count: usize) {
        reset(&mut self.left, cleaned, count);
    }

    /// The newest right block is orthogonal to the blocks `cleaned` of the `count` before it.
    pub(crate) fn reset_right(&mut self, cleaned: &[usize], count: usize) {
        reset(&mut self.right, cleaned, count);
    }
}

/// The same for the one basis of a symmetric block Lanczos process, S V = V T + v_{j+1} C_j: with
/// w_j = V_{<j}^T v_j, w_{j+1} C_j = (T w_j - w_j T_jj - (w_{j-1}; 0) C_{j-1}^T; 0).
pub(crate) struct ThreeTerm {
    /// Of the newest block of the basis.
    newest: Mat<f64>,
    /// Of the block to come.
    next: Mat<f64>,
}

impl ThreeTerm {
    /// An empty basis.
    pub(crate) fn new(width: usize) -> Self {
        let empty = Mat::zeros(0, width);
        Self {
            newest: empty.clone(),
            next: empty,
        }
    }

    /// Takes the step to the next block; `core` is T over the blocks before the newest. The largest inner product.
    pub(crate) fn extend(
        &mut self,
        core: MatRef<'_, f64>,
        along: MatRef<'_, f64>,
        before: MatRef<'_, f64>,
        coupling: MatRef<'_, f64>,
        scale: f64,
    ) -> f64 {
        let (p, b) = (core.nrows(), coupling.ncols());
        let mut products = Mat::zeros(p + b, b);
        products.subrows_mut(0, p).copy_from(mul(core, self.next.as_ref()));
        subtract(&mut products, mul(self.next.as_ref(), along));
        subtract(&mut products, mul(self.newest.as_ref(), before.transpose()));
        let next = divide(products, coupling, scale);
        self.newest = std::mem::replace(&mut self.next, next);
        self.next.norm_max()
    }

    /// The blocks that the newest or the next block has drifted towards, the newest left out.
    pub(crate) fn drifted(&self) -> Vec<usize> {
        let b = self.next.ncols();
        let clean = |a: &Mat<f64>, i: usize| a.subrows(i * b, b).norm_max() <= CLEAN;
        let blocks = 0..self.newest.nrows() / b;
        blocks
            .filter(|&i| !clean(&self.newest, i) || !clean(&self.next, i))
            .collect()
    }

    /// The newest and the next block are orthogonal to the blocks `cleaned`, the next one to the newest.
    pub(crate) fn reset(&mut self, cleaned: &[usize]) {
        let newest = self.newest.nrows() / self.newest.ncols();
        reset(&mut self.newest, cleaned, newest);
        reset(&mut self.next, cleaned, newest + 1);
        reset(&mut self.next, &[newest], newest + 1);
    }

    /// The next block is orthogonal to all `count` blocks, and so was the newest.
    pub(crate) fn reset_all(&mut self, count: usize) {
        let b = self.next.ncols();
        self.newest = Mat::full((count - 1) * b, b, f64::EPSILON);
        self.next = Mat::full(count * b, b, f64::EPSILON);
    }
}

impl Estimate {
    fn of(products: &Mat<f64>) -> Self {
        let b = products.ncols();
        let size = |i: usize| products.subrows(i * b, b).norm_max();
        let blocks = (0..products.nrows() / b).filter(|&i| size(i).is_nan() || size(i) > CLEAN);
        Self {
            largest: products.norm_max(),
            blocks: blocks.collect(),
        }
    }
}

fn reset(estimates: &mut Mat<f64>, cleaned: &[usize], count: usize) {
    let b = estimates.ncols();
    if estimates.nrows() != count * b {
        *estimates = Mat::zeros(count * b, b);
    }
    for &i in cleaned {
        estimates.subrows_mut(i * b, b).fill(f64::EPSILON);
    }
}

/// The upper rows of `a` minus `b`.
fn subtract(a: &mut Mat<f64>, b: Mat<f64>) {
    let mut upper = a.subrows_mut(0, b.nrows());
    upper -= &b;
}

/// (A + noise) T^{-1} for an upper triangle T. Noise always adds to what is there, so that estimates err upwards.
fn divide(mut a: Mat<f64>, triangle: MatRef<'_, f64>, scale: f64) -> Mat<f64> {
    let noise = NOISE * f64::EPSILON * scale;
    for j in 0..a.ncols() {
        for i in 0..a.nrows() {
            a[(i, j)] += noise.copysign(a[(i, j)]);
        }
    }
    let mut turned = a.transpose().to_owned();
    let transposed = triangle.transpose();
    faer::linalg::triangular_solve::solve_lower_triangular_in_place(transposed, turned.as_mut(), faer::Par::Seq);
    turned.transpose().to_owned()
}
