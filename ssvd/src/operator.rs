//! What the static solvers need to know of a matrix: its products with blocks of vectors.

use nalgebra::DMatrix;

use crate::error::{Result, SsvdError};

/// A linear map R^n -> R^m known by its products.
///
/// A block of `width` vectors is a row-major slice: entry c of vector number j at `j`-th position `c * width + j`.
/// Implementations overwrite `y` and give the same bits for any number of threads.
pub trait Operator: Sync {
    /// m.
    fn nrows(&self) -> usize;

    /// n.
    fn ncols(&self) -> usize;

    /// Y = A X, with `x` of n x `width` numbers and `y` of m x `width`.
    fn apply(&self, x: &[f64], width: usize, y: &mut [f64]);

    /// Y = A^T X, with `x` of m x `width` numbers and `y` of n x `width`.
    fn apply_transpose(&self, x: &[f64], width: usize, y: &mut [f64]);
}

impl Operator for DMatrix<f64> {
    fn nrows(&self) -> usize {
        self.shape().0
    }

    fn ncols(&self) -> usize {
        self.shape().1
    }

    fn apply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        let a = faer::MatRef::from_column_major_slice(self.as_slice(), self.shape().0, self.shape().1);
        crate::tall::product(a, x, width, y);
    }

    fn apply_transpose(&self, x: &[f64], width: usize, y: &mut [f64]) {
        let a = faer::MatRef::from_column_major_slice(self.as_slice(), self.shape().0, self.shape().1);
        crate::tall::product(a.transpose(), x, width, y);
    }
}

/// An operator made of two closures `f(x, width, y)`, for matrices that exist as code only.
pub struct FnOperator<F, G> {
    rows: usize,
    cols: usize,
    forward: F,
    transpose: G,
}

impl<F, G> FnOperator<F, G>
where
    F: Fn(&[f64], usize, &mut [f64]) + Sync,
    G: Fn(&[f64], usize, &mut [f64]) + Sync,
{
    /// An operator of `rows` x `cols` with its product and the product of its transpose (see [`Operator`]).
    pub fn new(rows: usize, cols: usize, forward: F, transpose: G) -> Self {
        Self {
            rows,
            cols,
            forward,
            transpose,
        }
    }
}

impl<F, G> Operator for FnOperator<F, G>
where
    F: Fn(&[f64], usize, &mut [f64]) + Sync,
    G: Fn(&[f64], usize, &mut [f64]) + Sync,
{
    fn nrows(&self) -> usize {
        self.rows
    }

    fn ncols(&self) -> usize {
        self.cols
    }

    fn apply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        (self.forward)(x, width, y);
    }

    fn apply_transpose(&self, x: &[f64], width: usize, y: &mut [f64]) {
        (self.transpose)(x, width, y);
    }
}

/// (A - 1 c^T) diag(w): columns centred and scaled without making the matrix dense.
///
/// With c the column means ([`Standardized::centered`]) its SVD is the principal component analysis of the rows of A.
pub struct Standardized<'a, A> {
    inner: &'a A,
    shift: Vec<f64>,
    weight: Vec<f64>,
}

impl<'a, A: Operator> Standardized<'a, A> {
    /// Subtracts `shift[j]` from column j, then multiplies it by `weight[j]`. Errs on wrong lengths and on values that
    /// are not finite.
    pub fn new(inner: &'a A, shift: Vec<f64>, weight: Vec<f64>) -> Result<Self> {
        for (what, values) in [("column shifts", &shift), ("column weights", &weight)] {
            if values.len() != inner.ncols() {
                let expected = format!("1 x {}", inner.ncols());
                return Err(SsvdError::Shape {
                    what,
                    expected,
                    rows: 1,
                    cols: values.len(),
                });
            }
            if let Some(col) = values.iter().position(|x| !x.is_finite()) {
                return Err(SsvdError::NotFinite {
                    what,
                    row: 0,
                    col,
                    value: values[col],
                });
            }
        }
        Ok(Self { inner, shift, weight })
    }

    /// Subtracts the mean of every column. Cost one product by A^T.
    pub fn centered(inner: &'a A) -> Result<Self> {
        let (m, n) = (inner.nrows(), inner.ncols());
        let mut means = vec![0.0; n];
        if m > 0 {
            inner.apply_transpose(&vec![1.0; m], 1, &mut means);
            means.iter_mut().for_each(|x| *x /= m as f64);
        }
        Self::new(inner, means, vec![1.0; n])
    }

    /// The numbers subtracted from the columns.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }
}

impl<A: Operator> Operator for Standardized<'_, A> {
    fn nrows(&self) -> usize {
        self.inner.nrows()
    }

    fn ncols(&self) -> usize {
        self.inner.ncols()
    }

    fn apply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        if width == 0 {
            return;
        }
        let mut weighted = x.to_vec();
        let mut offset = vec![0.0; width];
        for ((row, w), c) in weighted.chunks_exact_mut(width).zip(&self.weight).zip(&self.shift) {
            for (x, o) in row.iter_mut().zip(&mut offset) {
                *x *= w;
                *o += c * *x;
            }
        }
        self.inner.apply(&weighted, width, y);
        for row in y.chunks_exact_mut(width) {
            row.iter_mut().zip(&offset).for_each(|(y, o)| *y -= o);
        }
    }

    fn apply_transpose(&self, x: &[f64], width: usize, y: &mut [f64]) {
        if width == 0 {
            return;
        }
        let mut total = vec![0.0; width];
        for row in x.chunks_exact(width) {
            row.iter().zip(&mut total).for_each(|(x, t)| *t += x);
        }
        self.inner.apply_transpose(x, width, y);
        for ((row, w), c) in y.chunks_exact_mut(width).zip(&self.weight).zip(&self.shift) {
            row.iter_mut().zip(&total).for_each(|(y, t)| *y = (*y - c * t) * w);
        }
    }
}
