//! Banks of projection directions: unit-norm symmetric matrices.

use std::sync::OnceLock;

use nalgebra::DMatrix;
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::draws::{haar, stream, unit_vector};
use super::packed::{pack_into, packed_len, unpack};
use crate::eigen;
use crate::error::{Error, Result, in_range};

/// Directions that are projected together: two AVX-512 registers, four AVX2 registers.
pub(crate) const PANEL: usize = 16;

/// L symmetric directions A_1 … A_L of order d, drawn once and shared by every distance, feature and kernel.
///
/// Distances of the same bank are metrics and its kernels are positive definite; distances of different banks are not
/// comparable beyond their Monte Carlo error. Direction l depends on the seed and on l alone, so that a longer bank of
/// the same seed begins with the shorter one, on every platform and for every number of threads.
///
/// ```
/// use hadamard_geometry::sliced::DirectionBank;
///
/// let bank = DirectionBank::lambda_s(4, 100, 7)?;
/// assert_eq!((bank.order(), bank.len()), (4, 100));
/// assert!((bank.direction(99).norm() - 1.0).abs() < 1e-14);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DirectionBank {
    order: usize,
    len: usize,
    /// Panel by panel: d(d+1)/2 packed coordinates, each of [`PANEL`] directions; the last panel is padded with zeros.
    panels: Vec<f64>,
    /// The same numbers, panel by panel of [`PANEL`] coordinates, L directions each: for gradients, on first use.
    adjoint: OnceLock<Vec<f64>>,
    /// A_l = P_l diag(θ_l) P_lᵀ where the law draws it so.
    factors: Option<Factors>,
}

/// Spectral factors of the directions.
#[derive(Debug, Clone)]
pub(crate) struct Factors {
    /// L rows of d eigenvalues.
    pub(crate) theta: Vec<f64>,
    /// L orthogonal matrices, column-major.
    pub(crate) basis: Vec<f64>,
}

impl DirectionBank {
    /// `count` independent directions A = P diag(θ) Pᵀ with θ uniform on the unit sphere of ℝᵈ and P Haar on O(d): the
    /// law λ_S of the log-Euclidean sliced-Wasserstein distance. O(L d³), threads over directions.
    ///
    /// E⟨A,S⟩² = (2‖S‖² + (tr S)²) / (d(d+2)) for every symmetric S.
    ///
    /// # Errors
    /// [`Error::Empty`] for order or count 0.
    ///
    /// Source: Bonet et al. 2023 (arXiv 2303.05798), section 3; P by random reflections as Stewart 1980.
    pub fn lambda_s(order: usize, count: usize, seed: u64) -> Result<Self> {
        Self::lambda_s_range(order, 0..count, seed)
    }

    /// Directions `range` of the endless bank of `seed`.
    pub(crate) fn lambda_s_range(order: usize, range: std::ops::Range<usize>, seed: u64) -> Result<Self> {
        Self::from_law(
            order,
            range.len(),
            1,
            |block| stream(seed, (range.start + block) as u64),
            |rng, theta, basis| {
                unit_vector(rng, theta);
                haar(order, rng, basis);
            },
        )
    }

    /// `count` directions of law λ_S in blocks of d that share P and take θ from the columns of a second Haar matrix, so
    /// that the directions of a block are orthonormal in the Frobenius product. Where the means of two
    /// measures differ, fewer directions reach the same error: the variance falls some hundred times in the tests (clouds
    /// of 60 matrices of order 3 and 10), and stays about the same where the means agree. O(L d³).
    ///
    /// # Errors
    /// As [`Self::lambda_s`].
    pub fn orthogonal(order: usize, count: usize, seed: u64) -> Result<Self> {
        Self::from_law(
            order,
            count,
            order,
            |block| stream(seed, block as u64),
            |rng, theta, basis| {
                let (first, copies) = basis.split_at_mut(order * order);
                haar(order, rng, first);
                copies
                    .chunks_exact_mut(order * order)
                    .for_each(|copy| copy.copy_from_slice(first));
                let mut second = vec![0.0; order * order];
                haar(order, rng, &mut second);
                theta.copy_from_slice(&second[..theta.len()]);
            },
        )
    }

    /// `count` directions uniform on the unit Frobenius sphere of the symmetric matrices, the law of LogSW:
    /// E⟨A,S⟩² = 2‖S‖² / (d(d+1)). O(L d²).
    ///
    /// # Errors
    /// As [`Self::lambda_s`].
    pub fn log_sw(order: usize, count: usize, seed: u64) -> Result<Self> {
        check_size(order, count)?;
        let size = packed_len(order);
        let mut rows = vec![0.0; count * size];
        rows.par_chunks_exact_mut(size)
            .enumerate()
            .for_each(|(index, row)| unit_vector(&mut stream(seed, index as u64), row));
        Ok(Self::from_packed_rows(order, &rows, None))
    }

    /// The given symmetric matrices as directions, of whatever norm.
    ///
    /// # Errors
    /// [`Error::Empty`] without a matrix; [`Error::NotSquare`], [`Error::DimensionMismatch`], [`Error::NonFinite`] and
    /// [`Error::NotSymmetric`] with the index of the matrix; [`Error::OutOfRange`] when √2 times an entry is.
    pub fn from_matrices(matrices: &[DMatrix<f64>]) -> Result<Self> {
        let order = matrices.first().ok_or(Error::Empty { what: "bank" })?.nrows();
        check_size(order, matrices.len())?;
        let size = packed_len(order);
        let mut rows = vec![0.0; matrices.len() * size];
        for (index, (matrix, row)) in matrices.iter().zip(rows.chunks_exact_mut(size)).enumerate() {
            check_symmetric(matrix, order, index)?;
            pack_into(matrix.as_slice(), order, row);
        }
        Ok(Self::from_packed_rows(order, &in_range(DIRECTION, rows)?, None))
    }

    /// The directions P diag(θ) Pᵀ of the given eigenvalues (unit vectors for a sliced distance) and orthogonal bases.
    ///
    /// # Errors
    /// [`Error::Empty`] without a pair, [`Error::DimensionMismatch`] when sizes differ, [`Error::NonFinite`],
    /// [`Error::InvalidParameter`] when ‖PᵀP − I‖ exceeds 1e-10, and [`Error::OutOfRange`] when an entry of P diag(θ) Pᵀ is.
    pub fn from_factors(factors: &[(Vec<f64>, DMatrix<f64>)]) -> Result<Self> {
        let order = factors.first().ok_or(Error::Empty { what: "bank" })?.0.len();
        check_size(order, factors.len())?;
        let mut all = Factors {
            theta: Vec::with_capacity(factors.len() * order),
            basis: Vec::with_capacity(factors.len() * order * order),
        };
        for (index, (theta, basis)) in factors.iter().enumerate() {
            for found in [theta.len(), basis.nrows(), basis.ncols()] {
                if found != order {
                    return Err(Error::DimensionMismatch {
                        what: "order of a direction",
                        expected: order,
                        found,
                    });
                }
            }
            if let Some(&value) = theta.iter().chain(basis.iter()).find(|x| !x.is_finite()) {
                return Err(Error::NonFinite {
                    index,
                    row: 0,
                    column: 0,
                    value,
                });
            }
            let gap = (basis.transpose() * basis - DMatrix::identity(order, order)).norm();
            // A gap of huge bases is infinite or NaN.
            let orthonormal = gap <= 1e-10;
            if !orthonormal {
                return Err(Error::InvalidParameter {
                    name: "basis",
                    value: gap,
                    reason: "the columns of P must be orthonormal",
                });
            }
            all.theta.extend_from_slice(theta);
            all.basis.extend_from_slice(basis.as_slice());
        }
        let bank = Self::from_all_factors(order, factors.len(), all);
        in_range(DIRECTION, &bank.panels)?;
        Ok(bank)
    }

    /// Order d of the directions.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Number L of directions.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no direction (never: constructors refuse it).
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Direction `index` as a matrix. Panics when `index >= len()`, as slices do.
    pub fn direction(&self, index: usize) -> DMatrix<f64> {
        unpack(&self.packed(index), self.order)
    }

    /// Packed direction `index`: upper triangle by rows, off-diagonal entries times √2. Panics when out of range.
    pub fn packed(&self, index: usize) -> Vec<f64> {
        assert!(index < self.len, "direction {index} of {}", self.len);
        let panel = self.panel(index / PANEL);
        panel.iter().skip(index % PANEL).step_by(PANEL).copied().collect()
    }

    /// Number of panels.
    pub(crate) fn panel_count(&self) -> usize {
        self.len.div_ceil(PANEL)
    }

    /// Panel `index`: coordinate-major, [`PANEL`] directions side by side.
    pub(crate) fn panel(&self, index: usize) -> &[f64] {
        let size = packed_len(self.order) * PANEL;
        &self.panels[index * size..(index + 1) * size]
    }

    /// Adjoint panel `index`: direction-major, coordinates [`PANEL`]·index and following side by side.
    pub(crate) fn adjoint_panel(&self, index: usize) -> &[f64] {
        let size = packed_len(self.order);
        let all = self.adjoint.get_or_init(|| {
            let mut all = vec![0.0; size.div_ceil(PANEL) * PANEL * self.len];
            for (l, k) in (0..self.len).flat_map(|l| (0..size).map(move |k| (l, k))) {
                let value = self.panels[((l / PANEL) * size + k) * PANEL + l % PANEL];
                all[((k / PANEL) * self.len + l) * PANEL + k % PANEL] = value;
            }
            all
        });
        &all[index * self.len * PANEL..(index + 1) * self.len * PANEL]
    }

    /// Number of directions in panel `index` (less than [`PANEL`] only in the last one).
    pub(crate) fn panel_len(&self, index: usize) -> usize {
        (self.len - index * PANEL).min(PANEL)
    }

    /// Eigenvalues θ and basis P of direction `index`, A = P diag(θ) Pᵀ, where the law drew it so. Panics when out of range.
    pub fn factor(&self, index: usize) -> Option<(&[f64], DMatrix<f64>)> {
        let d = self.order;
        self.factors.as_ref().map(|all| {
            let basis = DMatrix::from_column_slice(d, d, &all.basis[index * d * d..(index + 1) * d * d]);
            (&all.theta[index * d..(index + 1) * d], basis)
        })
    }

    /// Spectral factors, computed when the law did not draw them.
    pub(crate) fn factors(&self) -> std::borrow::Cow<'_, Factors> {
        if let Some(factors) = &self.factors {
            return std::borrow::Cow::Borrowed(factors);
        }
        let parts: Vec<_> = (0..self.len)
            .into_par_iter()
            .map(|l| eigen::symmetric_eigen(&self.direction(l)))
            .collect();
        let mut factors = Factors {
            theta: Vec::new(),
            basis: Vec::new(),
        };
        for part in &parts {
            factors.theta.extend_from_slice(part.values.as_slice());
            factors.basis.extend_from_slice(part.vectors.as_slice());
        }
        std::borrow::Cow::Owned(factors)
    }

    /// Refuses objects of another order.
    pub(crate) fn check_order(&self, found: usize) -> Result<()> {
        if found == self.order {
            return Ok(());
        }
        Err(Error::DimensionMismatch {
            what: "order of the measure against the order of the bank",
            expected: self.order,
            found,
        })
    }

    /// Draws all factors in blocks of directions, one stream a block.
    fn from_law(
        order: usize,
        count: usize,
        block: usize,
        stream: impl Fn(usize) -> Pcg64 + Sync,
        draw: impl Fn(&mut Pcg64, &mut [f64], &mut [f64]) + Sync,
    ) -> Result<Self> {
        check_size(order, count)?;
        let mut factors = Factors {
            theta: vec![0.0; count * order],
            basis: vec![0.0; count * order * order],
        };
        factors
            .theta
            .par_chunks_mut(block * order)
            .zip(factors.basis.par_chunks_mut(block * order * order))
            .enumerate()
            .for_each(|(index, (theta, basis))| draw(&mut stream(index), theta, basis));
        Ok(Self::from_all_factors(order, count, factors))
    }

    /// Forms A = P diag(θ) Pᵀ for all factors.
    fn from_all_factors(order: usize, count: usize, factors: Factors) -> Self {
        let size = packed_len(order);
        let mut rows = vec![0.0; count * size];
        rows.par_chunks_exact_mut(size)
            .zip(
                factors
                    .theta
                    .par_chunks_exact(order)
                    .zip(factors.basis.par_chunks_exact(order * order)),
            )
            .for_each(|(row, (theta, basis))| form_packed(order, theta, basis, row));
        Self::from_packed_rows(order, &rows, Some(factors))
    }

    /// Lays packed rows out in panels.
    fn from_packed_rows(order: usize, rows: &[f64], factors: Option<Factors>) -> Self {
        let size = packed_len(order);
        let len = rows.len() / size;
        let mut panels = vec![0.0; len.div_ceil(PANEL) * PANEL * size];
        panels
            .par_chunks_exact_mut(PANEL * size)
            .zip(rows.par_chunks(PANEL * size))
            .for_each(|(panel, rows)| {
                for (lane, row) in rows.chunks_exact(size).enumerate() {
                    for (slot, &value) in panel[lane..].iter_mut().step_by(PANEL).zip(row) {
                        *slot = value;
                    }
                }
            });
        Self {
            order,
            len,
            panels,
            adjoint: OnceLock::new(),
            factors,
        }
    }
}

/// Packed P diag(θ) Pᵀ, as a sum of θ_k p_k p_kᵀ.
fn form_packed(order: usize, theta: &[f64], basis: &[f64], packed: &mut [f64]) {
    packed.fill(0.0);
    for (&value, column) in theta.iter().zip(basis.chunks_exact(order)) {
        let mut rest = &mut packed[..];
        for (row, &head) in column.iter().enumerate() {
            let (segment, tail) = rest.split_at_mut(order - row);
            let factor = value * head;
            for (slot, &entry) in segment.iter_mut().zip(&column[row..]) {
                *slot += factor * entry;
            }
            rest = tail;
        }
    }
    let mut rest = packed;
    for row in 0..order {
        let (segment, tail) = rest.split_at_mut(order - row);
        segment[1..]
            .iter_mut()
            .for_each(|slot| *slot *= std::f64::consts::SQRT_2);
        rest = tail;
    }
}

/// What leaves the range of numbers in directions of astronomical entries.
const DIRECTION: &str = "packed entry of a direction";

/// Refuses empty banks.
fn check_size(order: usize, count: usize) -> Result<()> {
    if order == 0 {
        return Err(Error::Empty { what: "direction" });
    }
    if count == 0 {
        return Err(Error::Empty { what: "bank" });
    }
    Ok(())
}

/// Refuses matrices that are not d x d, finite and symmetric to rounding.
fn check_symmetric(matrix: &DMatrix<f64>, order: usize, index: usize) -> Result<()> {
    let (rows, columns) = matrix.shape();
    if rows != columns {
        return Err(Error::NotSquare { index, rows, columns });
    }
    if rows != order {
        return Err(Error::DimensionMismatch {
            what: "order of a direction",
            expected: order,
            found: rows,
        });
    }
    let scale = matrix.amax();
    for column in 0..columns {
        for row in 0..rows {
            let value = matrix[(row, column)];
            if !value.is_finite() {
                return Err(Error::NonFinite {
                    index,
                    row,
                    column,
                    value,
                });
            }
            let relative = (value - matrix[(column, row)]).abs() / scale;
            if relative > crate::spd::SYMMETRY_TOLERANCE {
                return Err(Error::NotSymmetric {
                    index,
                    row,
                    column,
                    relative,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_unit_symmetric_and_the_bases_orthogonal() {
        for bank in [
            DirectionBank::lambda_s(7, 33, 3).unwrap(),
            DirectionBank::orthogonal(7, 33, 3).unwrap(),
            DirectionBank::log_sw(7, 33, 3).unwrap(),
        ] {
            for l in 0..bank.len() {
                assert!((bank.direction(l).norm() - 1.0).abs() < 1e-14);
            }
            for (theta, p) in (0..bank.len()).filter_map(|l| bank.factor(l)) {
                assert!((p.transpose() * &p - DMatrix::identity(7, 7)).norm() < 1e-13);
                assert!((theta.iter().map(|t| t * t).sum::<f64>() - 1.0).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn a_longer_bank_begins_with_the_shorter_one() {
        let (short, long) = (
            DirectionBank::lambda_s(3, 5, 9).unwrap(),
            DirectionBank::lambda_s(3, 40, 9).unwrap(),
        );
        for l in 0..5 {
            assert_eq!(short.packed(l), long.packed(l));
        }
    }

    #[test]
    fn hostile_input_is_refused_by_name() {
        assert_eq!(
            DirectionBank::lambda_s(0, 3, 1).unwrap_err(),
            Error::Empty { what: "direction" }
        );
        assert_eq!(
            DirectionBank::log_sw(3, 0, 1).unwrap_err(),
            Error::Empty { what: "bank" }
        );
        assert!(matches!(
            DirectionBank::from_matrices(&[DMatrix::identity(2, 2), DMatrix::identity(3, 3)]),
            Err(Error::DimensionMismatch { .. })
        ));
        let mut skew = DMatrix::identity(2, 2);
        skew[(0, 1)] = 1.0;
        assert!(matches!(
            DirectionBank::from_matrices(&[skew]),
            Err(Error::NotSymmetric { .. })
        ));
        let nan = DMatrix::from_element(2, 2, f64::NAN);
        assert!(matches!(
            DirectionBank::from_matrices(&[nan]),
            Err(Error::NonFinite { .. })
        ));
    }
}
