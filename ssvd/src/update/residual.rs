//! The part of new vectors outside the span of a factor, (I - V V^T) X, never formed: pairs of sparse columns and
//! coefficients.

use faer::{Mat, MatRef};
use rand_pcg::Pcg64;

use crate::error::Result;
use crate::operator::Operator;
use crate::orthogonal::normal_matrix;
use crate::scaling::power_of_two;
use crate::simd::{self, Axpy};
use crate::sparse::Csr;
use crate::tall::{Tall, mul, mul_add};
use crate::update::factor::Factor;

/// Columns y_j = x_j - V c_j as pairs: x_j sparse (or dense, see [`Residual::densified`]), c_j = V^T x_j.
///
/// <y_i, y_j> = <x_i, x_j> - <c_i, c_j>, because V^T y = 0; a combination of columns is the same combination of both
/// halves of the pairs, so a basis of the span is known by its q x r coefficients P alone.
pub(crate) struct Residual {
    /// Rows of V named by the vectors, ascending.
    pub(crate) support: Vec<usize>,
    /// Row j: vector j over `support`, divided by `scale[j]`.
    pub(crate) vectors: Csr,
    /// The same by support row.
    transposed: Csr,
    /// Powers of two.
    pub(crate) scale: Vec<f64>,
    /// k x q, V^T of the scaled vectors.
    pub(crate) coefficients: Mat<f64>,
    /// k x q, what was taken off the scaled vectors beforehand.
    removed: Mat<f64>,
}

/// An orthonormal basis of part of the residual's span: the columns of X P - V (C P).
pub(crate) struct Basis {
    /// P, q x r, in terms of the scaled vectors.
    pub(crate) select: Mat<f64>,
}

impl Residual {
    /// The rows of `block` as vectors against `factor`; shapes are the caller's promise.
    pub(crate) fn new(factor: &Factor, block: &Csr) -> Self {
        let mut support: Vec<usize> = block.triplets().map(|t| t.1).collect();
        support.sort_unstable();
        support.dedup();
        let scale: Vec<f64> = (0..block.nrows())
            .map(|j| power_of_two(block.row(j).fold(0.0, |m: f64, (_, x)| m.max(x.abs()))))
            .collect();
        // The support ascends, so the columns of every vector still do: nothing is sorted again.
        let (offsets, columns, values) = block.parts();
        let local = |j: &usize| support.binary_search(j).expect("every column is in its own support");
        let indices = columns.iter().map(local).collect();
        let divided = offsets.windows(2).zip(&scale);
        let divided = divided.flat_map(|(span, scale)| values[span[0]..span[1]].iter().map(move |x| x / scale));
        let vectors = Csr::new(
            block.nrows(),
            support.len(),
            offsets.to_vec(),
            indices,
            divided.collect(),
        )
        .expect("scaled entries of a valid matrix are at most two");
        Self::assemble(factor, support, vectors, scale, None)
    }

    fn assemble(
        factor: &Factor,
        support: Vec<usize>,
        vectors: Csr,
        scale: Vec<f64>,
        removed: Option<Mat<f64>>,
    ) -> Self {
        let coefficients = factor.project(&support, &vectors);
        let transposed = vectors.transpose();
        let removed = removed.unwrap_or_else(|| Mat::zeros(factor.width(), vectors.nrows()));
        Self {
            support,
            vectors,
            transposed,
            scale,
            coefficients,
            removed,
        }
    }

    /// The same columns with x - V c multiplied out, so that nothing cancels any more. Cost O(n k q).
    pub(crate) fn densified(&self, factor: &Factor) -> Result<Self> {
        let (q, n) = (self.count(), factor.rows());
        let mut explicit = factor.times(self.coefficients.as_ref());
        explicit.data.iter_mut().for_each(|x| *x = -*x);
        let mut norms = vec![0.0f64; q];
        for (j, i, x) in self.vectors.triplets() {
            explicit.data[self.support[i] * q + j] += x;
            norms[j] += x * x;
        }
        let mut left = vec![0.0f64; q];
        for row in explicit.data.chunks_exact(q) {
            left.iter_mut().zip(row).for_each(|(l, x)| *l += x * x);
        }
        // What rounding alone can leave of a vector inside the span.
        let noise = 16.0 * f64::EPSILON * (factor.width() as f64 + 4.0) * factor.condition().max(1.0);
        let keep: Vec<bool> = (0..q).map(|j| left[j].sqrt() > noise * norms[j].sqrt()).collect();
        let unit: Vec<f64> = left.iter().map(|l| power_of_two(l.sqrt())).collect();
        let entry = |(at, x): (usize, &f64)| (at % q, at / q, x / unit[at % q]);
        let entries = explicit
            .data
            .iter()
            .enumerate()
            .map(entry)
            .filter(|e| keep[e.0] && e.2 != 0.0);
        let vectors = Csr::from_triplets(q, n, entries)?;
        let scale = (0..q).map(|j| self.scale[j] * unit[j]).collect();
        let removed = Mat::from_fn(factor.width(), q, |i, j| self.coefficients[(i, j)] / unit[j]);
        Ok(Self::assemble(factor, (0..n).collect(), vectors, scale, Some(removed)))
    }

    /// q, the number of columns.
    pub(crate) fn count(&self) -> usize {
        self.vectors.nrows()
    }

    /// V^T X of the columns as they came (k x q).
    pub(crate) fn projection(&self) -> Mat<f64> {
        Mat::from_fn(self.coefficients.nrows(), self.count(), |i, j| {
            (self.coefficients[(i, j)] + self.removed[(i, j)]) * self.scale[j]
        })
    }

    /// scale / largest scale: the weights that give the scaled columns their true proportions.
    pub(crate) fn proportions(&self) -> Vec<f64> {
        let used = |j: &usize| self.vectors.row(*j).len() > 0;
        let largest = (0..self.count())
            .filter(used)
            .map(|j| self.scale[j])
            .fold(0.0, f64::max);
        let ratio = |s: f64| if largest > 0.0 { s / largest } else { 1.0 };
        self.scale.iter().map(|&s| ratio(s).min(1.0)).collect()
    }

    /// Y^T Y of the scaled columns (q x q).
    pub(crate) fn gram(&self) -> Mat<f64> {
        let mut gram = Mat::zeros(self.count(), self.count());
        for i in 0..self.support.len() {
            for (a, x) in self.transposed.row(i) {
                for (b, y) in self.transposed.row(i) {
                    gram[(b, a)] += x * y;
                }
            }
        }
        mul_add(
            &mut gram,
            -1.0,
            self.coefficients.transpose(),
            self.coefficients.as_ref(),
        );
        gram
    }

    /// ||x_j||^2 and ||y_j||^2 of the scaled columns.
    pub(crate) fn energies(&self) -> Vec<(f64, f64)> {
        let energy = |j: usize| self.vectors.row(j).map(|(_, x)| x * x).sum::<f64>();
        let own = |j: usize| self.coefficients.col(j).squared_norm_l2();
        (0..self.count())
            .map(|j| (energy(j), (energy(j) - own(j)).max(0.0)))
            .collect()
    }

    /// Random combinations of the scaled columns, each column weighted by its energy outside the span (q x l).
    ///
    /// Y^T Y is nearly diagonal where columns share few rows; these weights are then a power step at no cost.
    pub(crate) fn random_combinations(&self, l: usize, rng: &mut Pcg64) -> Mat<f64> {
        let mut start = normal_matrix(self.count(), l, rng);
        for (i, (_, outside)) in self.energies().into_iter().enumerate() {
            start.row_mut(i).iter_mut().for_each(|x| *x *= outside);
        }
        start
    }

    /// B = X P over the support.
    fn combined(&self, select: MatRef<'_, f64>) -> Tall {
        let (q, l) = (select.nrows(), select.ncols());
        let mut b = Tall::zeros(self.support.len(), l);
        let select_rows: Vec<f64> = (0..q * l).map(|at| select[(at / l, at % l)]).collect();
        self.transposed.apply(&select_rows, l, &mut b.data);
        b
    }

    /// B = X P over the support, C = V^T B.
    pub(crate) fn pair(&self, select: MatRef<'_, f64>) -> (Tall, Mat<f64>) {
        (self.combined(select), mul(self.coefficients.as_ref(), select))
    }

    /// Y^T (B - V C) = X^T B - C0^T C (q x l).
    pub(crate) fn transpose_times(&self, b: &Tall, c: &Mat<f64>) -> Mat<f64> {
        let (q, l) = (self.count(), b.width);
        let mut out = vec![0.0; q * l];
        self.vectors.apply(&b.data, l, &mut out);
        let mut out = MatRef::from_row_major_slice(&out, q, l).to_owned();
        mul_add(&mut out, -1.0, self.coefficients.transpose(), c.as_ref());
        out
    }

    /// Orthonormal basis of the span of the combinations `select`: pivoted Cholesky-QR on the pairs, twice.
    ///
    /// Combinations that vanish to [`Residual::floor`] are dropped.
    pub(crate) fn orthonormal(&self, select: Mat<f64>) -> Mat<f64> {
        let select = self.nearly_orthonormal(select);
        let (gram, _) = self.gram_of(select.as_ref());
        let reference: Vec<f64> = (0..gram.nrows()).map(|i| gram[(i, i)]).collect();
        mul(select.as_ref(), pivoted(&gram, &reference, self.floor()).0.as_ref())
    }

    /// The same to eps times the squared condition of the combinations.
    pub(crate) fn nearly_orthonormal(&self, select: Mat<f64>) -> Mat<f64> {
        let (gram, before) = self.gram_of(select.as_ref());
        mul(select.as_ref(), pivoted(&gram, &before, self.floor()).0.as_ref())
    }

    /// The Gram matrix of the combinations `select`, and its diagonal before what lies inside the span was taken off.
    fn gram_of(&self, select: MatRef<'_, f64>) -> (Mat<f64>, Vec<f64>) {
        let (b, c) = self.pair(select);
        let b = MatRef::from_row_major_slice(&b.data, b.rows, b.width);
        let mut gram = mul(b.transpose(), b);
        let before = (0..gram.nrows()).map(|i| gram[(i, i)]).collect();
        mul_add(&mut gram, -1.0, c.transpose(), c.as_ref());
        (gram, before)
    }

    /// Squared relative size below which a column is rounding noise.
    pub(crate) fn floor(&self) -> f64 {
        (8.0 * f64::EPSILON * (self.coefficients.nrows() + self.count()) as f64).max(1e-14)
    }

    /// C P: V^T of the sparse halves X P of the basis (k x r).
    pub(crate) fn inside(&self, basis: &Basis) -> Mat<f64> {
        mul(self.coefficients.as_ref(), basis.select.as_ref())
    }

    /// R = Q^T Y in true units (r x q); `inside` from [`Residual::inside`].
    pub(crate) fn coordinates(&self, basis: &Basis, inside: &Mat<f64>) -> Mat<f64> {
        let r = if self.count() <= 2 * basis.select.ncols() {
            mul(basis.select.transpose(), self.gram().as_ref())
        } else {
            let b = self.combined(basis.select.as_ref());
            self.transpose_times(&b, inside).transpose().to_owned()
        };
        Mat::from_fn(r.nrows(), r.ncols(), |i, j| r[(i, j)] * self.scale[j])
    }
}

/// Cholesky with diagonal pivoting of a Gram matrix, stopped when every remaining diagonal entry is at most `floor`
/// times its reference: T (q x r) with T^T W T = I, and the smallest relative pivot accepted.
pub(crate) fn pivoted(gram: &Mat<f64>, reference: &[f64], floor: f64) -> (Mat<f64>, f64) {
    let q = gram.nrows();
    // Unit reference norms; empty columns never become pivots.
    let norms: Vec<f64> = reference
        .iter()
        .map(|&x| if x > 0.0 { x.sqrt() } else { 0.0 })
        .collect();
    let unit = |i: usize, j: usize| {
        if norms[i] > 0.0 && norms[j] > 0.0 {
            gram[(i, j)] / norms[i] / norms[j]
        } else {
            0.0
        }
    };
    let mut rest: Vec<f64> = (0..q).map(|i| unit(i, i)).collect();
    let mut lower: Vec<f64> = Vec::new(); // columns of length q
    let (mut pivots, mut smallest) = (Vec::new(), f64::INFINITY);
    while pivots.len() < q {
        let best = (0..q).fold(0, |m, i| if rest[i] > rest[m] { i } else { m });
        if rest[best].is_nan() || rest[best] <= floor {
            break;
        }
        smallest = smallest.min(rest[best]);
        let root = rest[best].sqrt();
        let mut column: Vec<f64> = (0..q).map(|i| unit(i, best)).collect();
        for earlier in lower.chunks_exact(q) {
            let a = -earlier[best];
            simd::run(Axpy {
                a,
                x: earlier,
                y: &mut column,
            });
        }
        for &p in &pivots {
            column[p] = 0.0;
        }
        column.iter_mut().for_each(|c| *c /= root);
        column[best] = root;
        rest.iter_mut().zip(&column).for_each(|(r, c)| *r -= c * c);
        pivots.push(best);
        pivots.iter().for_each(|&p: &usize| rest[p] = f64::NEG_INFINITY);
        lower.extend(column);
    }
    let r = pivots.len();
    let triangle = Mat::from_fn(r, r, |i, j| if i <= j { lower[i * q + pivots[j]] } else { 0.0 });
    let mut inverse = Mat::<f64>::identity(r, r);
    faer::linalg::triangular_solve::solve_upper_triangular_in_place(
        triangle.as_ref(),
        inverse.as_mut(),
        faer::Par::Seq,
    );
    let mut select = Mat::zeros(q, r);
    for (row, &p) in pivots.iter().enumerate() {
        (0..r).for_each(|c| select[(p, c)] = inverse[(row, c)] / norms[p]);
    }
    (select, smallest)
}
