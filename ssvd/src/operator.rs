//! What the static solvers need to know of a matrix: its products with blocks of vectors.

use nalgebra::DMatrix;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

use crate::error::{Result, SsvdError};
use crate::scaling::power_of_two;
use crate::sparse::Csr;

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

/// A^T by the products of A: a matrix in compressed columns is the transpose of its columns read as rows.
pub struct Transposed<'a, A>(pub &'a A);

impl<A: Operator> Operator for Transposed<'_, A> {
    fn nrows(&self) -> usize {
        self.0.ncols()
    }

    fn ncols(&self) -> usize {
        self.0.nrows()
    }

    fn apply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        self.0.apply_transpose(x, width, y);
    }

    fn apply_transpose(&self, x: &[f64], width: usize, y: &mut [f64]) {
        self.0.apply(x, width, y);
    }
}

/// A / unit for an operator whose products leave the range in which squares are safe; else A itself.
pub(crate) struct Rescaled<'a, A> {
    inner: &'a A,
    /// A power of two.
    unit: f64,
}

/// A vector, where memory allows it.
fn zeros(what: &'static str, count: usize) -> Result<Vec<f64>> {
    let mut list = Vec::new();
    let fits = list.try_reserve_exact(count);
    fits.map_err(|_| SsvdError::TooLarge { what, count })?;
    list.resize(count, 0.0);
    Ok(list)
}

/// Products of this size and its reciprocal are left as they are: fourth powers stay inside the range of f64.
const SAFE: f64 = 1e60;

impl<'a, A: Operator> Rescaled<'a, A> {
    /// Looks at one product with a random vector. Errs when it is not finite whatever the scale of the vector.
    pub(crate) fn probe(inner: &'a A) -> Result<Self> {
        let mut rng = Pcg64::seed_from_u64(0);
        let (mut x, mut y) = (
            zeros("right vectors", inner.ncols())?,
            zeros("left vectors", inner.nrows())?,
        );
        x.fill_with(|| StandardNormal.sample(&mut rng));
        // Sums of huge numbers overflow where their multiples do not, and products of tiny ones vanish.
        for factor in [1.0, 2f64.powi(-600), 2f64.powi(600)] {
            let x: Vec<f64> = x.iter().map(|x| x * factor).collect();
            inner.apply(&x, 1, &mut y);
            let largest = y.iter().fold(0.0, |m: f64, y| m.max(y.abs()));
            if y.iter().all(|y| y.is_finite()) && largest > 0.0 {
                let size = (largest / factor).clamp(f64::MIN_POSITIVE, 2f64.powi(1000));
                let safe = (1.0 / SAFE..=SAFE).contains(&size);
                let unit = if safe { 1.0 } else { power_of_two(size) };
                return Ok(Self { inner, unit });
            }
        }
        match y.iter().position(|y| !y.is_finite()) {
            None => Ok(Self { inner, unit: 1.0 }),
            Some(row) => Err(SsvdError::NotFinite {
                what: "operator",
                row,
                col: 0,
                value: y[row],
            }),
        }
    }

    pub(crate) fn unit(&self) -> f64 {
        self.unit
    }

    /// The product with x / unit: what is scaled is the vector, so that no sum overflows.
    fn product(&self, x: &[f64], apply: impl FnOnce(&[f64])) {
        if self.unit == 1.0 {
            apply(x);
        } else {
            let x: Vec<f64> = x.iter().map(|x| x / self.unit).collect();
            apply(&x);
        }
    }
}

impl<A: Operator> Operator for Rescaled<'_, A> {
    fn nrows(&self) -> usize {
        self.inner.nrows()
    }

    fn ncols(&self) -> usize {
        self.inner.ncols()
    }

    fn apply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        self.product(x, |x| self.inner.apply(x, width, y));
    }

    fn apply_transpose(&self, x: &[f64], width: usize, y: &mut [f64]) {
        self.product(x, |x| self.inner.apply_transpose(x, width, y));
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

    /// Subtracts the mean of every column. Errs when the sum of a column is not finite. Cost one product by A^T.
    pub fn centered(inner: &'a A) -> Result<Self> {
        let (m, n) = (inner.nrows(), inner.ncols());
        let mut means = vec![0.0; n];
        if m > 0 {
            inner.apply_transpose(&vec![1.0; m], 1, &mut means);
            means.iter_mut().for_each(|x| *x /= m as f64);
        }
        Self::new(inner, means, vec![1.0; n])
    }

    /// The numbers the columns are multiplied by.
    pub fn weight(&self) -> &[f64] {
        &self.weight
    }

    /// The numbers subtracted from the columns.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }
}

impl<'a> Standardized<'a, Csr> {
    /// Subtracts the mean of every column and divides it by its standard deviation (over m - 1): the SVD is the
    /// principal component analysis of the correlation matrix. Constant columns become zero.
    ///
    /// Two passes over the entries, so that a large mean costs no digits of the deviation. Errs when a column other
    /// than a constant one has a deviation so small, below 6e-309, that its reciprocal overflows. Cost O(nnz + n).
    pub fn unit_variance(inner: &'a Csr) -> Result<Self> {
        let (m, n) = (inner.nrows(), inner.ncols());
        let (mut sums, mut count) = (vec![0.0; n], vec![0usize; n]);
        // In units of the largest entry of the column: squares stay inside the range of f64.
        let mut unit = vec![0.0f64; n];
        inner.triplets().for_each(|(_, j, x)| unit[j] = unit[j].max(x.abs()));
        unit.iter_mut().for_each(|x| *x = power_of_two(*x));
        for (_, j, x) in inner.triplets() {
            sums[j] += x / unit[j];
            count[j] += 1;
        }
        let means: Vec<f64> = sums.iter().map(|s| s / m.max(1) as f64).collect();
        let mut squares: Vec<f64> = (0..n).map(|j| (m - count[j]) as f64 * means[j] * means[j]).collect();
        inner
            .triplets()
            .for_each(|(_, j, x)| squares[j] += (x / unit[j] - means[j]).powi(2));
        let weight = |j: usize| {
            let deviation = (squares[j] / (m.max(2) - 1) as f64).sqrt();
            // What rounding leaves of a constant column.
            let constant = deviation <= 4.0 * f64::EPSILON * means[j].abs();
            if constant { 0.0 } else { 1.0 / deviation / unit[j] }
        };
        let weights = (0..n).map(weight).collect();
        Self::new(inner, (0..n).map(|j| means[j] * unit[j]).collect(), weights)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LanczosOptions, lanczos};

    fn example() -> Csr {
        let entries = (0..40).map(|e| ((e * 7) % 12, (e * 5 + e / 10) % 8, 1.0 + (e % 6) as f64));
        Csr::from_triplets(12, 8, entries).unwrap()
    }

    #[test]
    fn standardized_columns_are_the_dense_ones() {
        let a = example();
        let dense = a.to_dense();
        let expected = DMatrix::from_fn(12, 8, |i, j| {
            let column = dense.column(j);
            (dense[(i, j)] - column.mean()) / (column.variance() * 12.0 / 11.0).sqrt()
        });
        let standard = Standardized::unit_variance(&a).unwrap();
        let mut found = vec![0.0; 96];
        let identity = DMatrix::<f64>::identity(8, 8);
        standard.apply(identity.as_slice(), 8, &mut found);
        assert!((DMatrix::from_row_slice(12, 8, &found) - expected).amax() < 1e-14);
        // A constant column has no variance to scale to.
        let constant = Csr::from_triplets(3, 2, [(0, 0, 0.1), (1, 0, 0.1), (2, 0, 0.1), (1, 1, 1e200)]).unwrap();
        let weights = Standardized::unit_variance(&constant).unwrap().weight().to_vec();
        assert!(weights[0] == 0.0 && (weights[1] * 1e200 / 3f64.sqrt() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_transpose_swaps_the_factors() {
        let a = example();
        let one = lanczos(&a, 3, &LanczosOptions::default()).unwrap().svd;
        let other = lanczos(&Transposed(&a), 3, &LanczosOptions::default()).unwrap().svd;
        assert!((one.to_dense() - other.to_dense().transpose()).amax() < 1e-13 * one.s[0]);
    }

    #[test]
    fn operators_of_any_size_are_probed() {
        let a = example();
        for power in [-1040, -700, -100, 0, 100, 700, 1015] {
            let scaled = a
                .scaled(2f64.powi(power / 2))
                .unwrap()
                .scaled(2f64.powi(power - power / 2))
                .unwrap();
            let unit = Rescaled::probe(&scaled).unwrap().unit();
            assert!(power.abs() > 100 || unit == 1.0);
            let ratio = scaled.norm() / unit;
            assert!(
                (1.0 / (SAFE * SAFE)..SAFE * SAFE).contains(&ratio),
                "{power}: {ratio:e}"
            );
        }
        let nan = FnOperator::new(
            3,
            3,
            |_: &[f64], _, y: &mut [f64]| y.fill(f64::NAN),
            |_: &[f64], _, _: &mut [f64]| (),
        );
        assert!(matches!(Rescaled::probe(&nan), Err(SsvdError::NotFinite { .. })));
    }
}
