//! Gradients of the sliced-Wasserstein loss with respect to the points.

use nalgebra::DMatrix;
use pulp::Arch;
use rayon::prelude::*;

use super::cloud::LogCloud;
use super::directions::{DirectionBank, PANEL};
use super::measure::Projected;
use super::one_dimensional::{Exponent, walk_uniform, walk_weighted};
use super::packed::{packed_len, unpack};
use super::projection::{PanelScratch, combine_directions};
use super::spdsw::{POWERS, mean};
use crate::batch::SpdBatch;
use crate::error::{Error, Result, in_range, matrix_in_range};

/// The loss f(μ) = SPDSW_p^p(μ, ν) of a fixed target ν, whose projections are sorted once.
///
/// ```
/// use hadamard_geometry::{SpdBatch, sliced::{DirectionBank, LogCloud, SlicedLoss}};
///
/// let bank = DirectionBank::lambda_s(2, 50, 0)?;
/// let target = LogCloud::try_new(&SpdBatch::try_from_vec(2, vec![2.0, 0.5, 0.5, 1.0])?)?;
/// let loss = SlicedLoss::try_new(&bank, &target, 2.0)?;
/// let at_target = loss.value_and_gradient(&target)?;
/// assert_eq!(at_target.value, 0.0);
/// assert!(at_target.rows.iter().all(|g| *g == 0.0));
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SlicedLoss<'a> {
    bank: &'a DirectionBank,
    exponent: Exponent,
    target: Target,
}

/// Sorted projections of the target: L rows of m.
#[derive(Debug, Clone)]
enum Target {
    Uniform(Vec<f64>),
    Weighted(Vec<(f64, f64)>),
}

/// A loss and its gradient in logarithmic coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// f(μ).
    pub value: f64,
    /// ∂f/∂(log X_i), packed: n rows of d(d+1)/2, off-diagonal entries times √2.
    pub rows: Vec<f64>,
}

/// Mean curvature of a loss in the logarithm of a point of unit mass: what a preconditioned step divides by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curvature {
    /// Along traceless symmetric matrices.
    pub traceless: f64,
    /// Along the identity.
    pub trace: f64,
}

/// A loss of a measure that flows can follow.
pub trait Objective: Sync {
    /// The loss and its gradient in logarithmic coordinates.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] when the order of the cloud is not that of the loss, and those of the loss.
    fn value_and_gradient(&self, cloud: &LogCloud) -> Result<Gradient>;

    /// Its mean curvature.
    fn curvature(&self) -> Curvature;
}

impl Objective for SlicedLoss<'_> {
    fn value_and_gradient(&self, cloud: &LogCloud) -> Result<Gradient> {
        SlicedLoss::value_and_gradient(self, cloud)
    }

    /// 2 E⟨A,S⟩² over the directions of the bank and unit S: 4/(d(d+2)) on the traceless part and 2/d on the trace for
    /// law λ_S, 4/(d(d+1)) for LogSW.
    fn curvature(&self) -> Curvature {
        let (d, l) = (self.bank.order(), self.bank.len() as f64);
        let (mut square, mut along_identity) = (0.0, 0.0);
        for direction in (0..self.bank.len()).map(|l| self.bank.packed(l)) {
            square += direction.iter().map(|a| a * a).sum::<f64>() / l;
            along_identity += super::packed::packed_trace(&direction, d).powi(2) / (d as f64 * l);
        }
        let trace = 2.0 * along_identity;
        let others = packed_len(d) - 1;
        let traceless = if others == 0 {
            trace
        } else {
            2.0 * (square - along_identity) / others as f64
        };
        Curvature { traceless, trace }
    }
}

impl<'a> SlicedLoss<'a> {
    /// Projects and sorts the target. O(L m (d² + log m)).
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for another order, [`Error::InvalidParameter`] for p < 1 and p = ∞.
    pub fn try_new(bank: &'a DirectionBank, target: &LogCloud, p: f64) -> Result<Self> {
        let exponent = Exponent::try_finite(p)?;
        bank.check_order(target.order())?;
        let m = target.len();
        let target = if target.weights().is_none() {
            let mut sorted = vec![0.0; bank.len() * m];
            bank.for_each_panel(&mut sorted, m, |scratch, arch, panel, out| {
                scratch.project_sorted(arch, bank, panel, 0..PANEL, target);
                for (lane, out) in out.chunks_exact_mut(m).enumerate() {
                    out.copy_from_slice(scratch.sorted(lane));
                }
            });
            Target::Uniform(sorted)
        } else {
            let mut sorted = vec![(0.0, 0.0); bank.len() * m];
            let arch = Arch::new();
            sorted.par_chunks_mut(PANEL * m).enumerate().for_each_init(
                PanelScratch::default,
                |scratch, (panel, out)| {
                    scratch.project(arch, bank, panel, target);
                    for (lane, out) in out.chunks_exact_mut(m).enumerate() {
                        out.copy_from_slice(scratch.sorted_pairs(lane, target));
                    }
                },
            );
            Target::Weighted(sorted)
        };
        Ok(Self { bank, exponent, target })
    }

    /// The bank of directions.
    pub fn bank(&self) -> &'a DirectionBank {
        self.bank
    }

    /// f(μ) and ∂f/∂(log X_i) = (1/L) Σ_l (∂W_p^p/∂u_li) A_l: projections and gradient are one matrix product each.
    /// O(L n (d² + log n)), threads over directions; memory 2 L n numbers for the slopes.
    ///
    /// Where projections tie, the order of the points decides (a subgradient). For p = 1 the slope at 0 is 0.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for another order, [`Error::OutOfRange`] when the loss or its gradient leaves the range
    /// of numbers.
    pub fn value_and_gradient(&self, cloud: &LogCloud) -> Result<Gradient> {
        self.bank.check_order(cloud.order())?;
        let arch = Arch::new();
        let (n, l) = (cloud.len(), self.bank.len());
        let panels: Vec<(Vec<f64>, Vec<f64>)> = (0..self.bank.panel_count())
            .into_par_iter()
            .map_init(Default::default, |scratch, panel| {
                self.panel_slopes(arch, scratch, panel, cloud)
            })
            .collect();
        // Slopes point by point: row i holds ∂f/∂u_li of all directions.
        let scale = 1.0 / l as f64;
        let mut slopes = vec![0.0; n * l];
        slopes.par_chunks_exact_mut(l).enumerate().for_each(|(i, row)| {
            for (part, (_, panel)) in row.chunks_mut(PANEL).zip(&panels) {
                for (slot, value) in part.iter_mut().zip(&panel[i * PANEL..]) {
                    *slot = scale * value;
                }
            }
        });
        let mut rows = vec![0.0; n * packed_len(cloud.order())];
        combine_directions(self.bank, &slopes, &mut rows);
        let values: Vec<f64> = panels.iter().flat_map(|(values, _)| values.iter().copied()).collect();
        let [value] = in_range(POWERS, [mean(&values)])?;
        Ok(Gradient {
            value,
            rows: in_range("gradient of a sliced loss", rows)?,
        })
    }

    /// W_p^p of the directions of a panel and its derivatives by the projections, n rows of [`PANEL`].
    fn panel_slopes(
        &self,
        arch: Arch,
        (scratch, order): &mut (PanelScratch, Vec<(f64, u32)>),
        panel: usize,
        cloud: &LogCloud,
    ) -> (Vec<f64>, Vec<f64>) {
        let n = cloud.len();
        let mut slopes = vec![0.0; n * PANEL];
        let mut values = Vec::with_capacity(PANEL);
        scratch.project(arch, self.bank, panel, cloud);
        scratch.order_lanes(arch);
        for lane in 0..self.bank.panel_len(panel) {
            let direction = panel * PANEL + lane;
            scratch.argsort(lane, order);
            let mut value = 0.0;
            let mut add = |point: u32, residual: f64, mass: f64| {
                value += mass * self.exponent.cost(residual);
                slopes[point as usize * PANEL + lane] += mass * self.exponent.slope(residual);
            };
            match (&self.target, cloud.masses()) {
                (Target::Uniform(target), None) => {
                    let m = target.len() / self.bank.len();
                    let target = &target[direction * m..(direction + 1) * m];
                    if n == m {
                        let mass = 1.0 / n as f64;
                        for (&(u, point), v) in order.iter().zip(target) {
                            add(point, u - v, mass);
                        }
                    } else {
                        let unit = 1.0 / (n / super::one_dimensional::gcd(n, m) * m) as f64;
                        walk_uniform(n, m, |i, j, mass| {
                            add(order[i].1, order[i].0 - target[j], mass as f64 * unit)
                        });
                    }
                }
                (target, masses) => {
                    let mass_of = |point: u32| masses.map_or(1.0 / n as f64, |w| w[point as usize]);
                    let u: Vec<_> = order.iter().map(|&(u, point)| (u, mass_of(point))).collect();
                    let v: Vec<_> = match target {
                        Target::Uniform(sorted) => {
                            let m = sorted.len() / self.bank.len();
                            let mass = 1.0 / m as f64;
                            sorted[direction * m..(direction + 1) * m]
                                .iter()
                                .map(|&v| (v, mass))
                                .collect()
                        }
                        Target::Weighted(sorted) => {
                            let m = sorted.len() / self.bank.len();
                            sorted[direction * m..(direction + 1) * m].to_vec()
                        }
                    };
                    walk_weighted(&u, &v, |i, j, mass| add(order[i].1, u[i].0 - v[j].0, mass));
                }
            }
            values.push(value);
        }
        (values, slopes)
    }
}

/// Turns gradients by log X_i into gradients by X_i: with X = V diag(w) Vᵀ, ∂f/∂X = V (K ∘ (Vᵀ G V)) Vᵀ where K holds
/// the divided differences of log, K_ij = (log w_i − log w_j)/(w_i − w_j), K_ii = 1/w_i, in a form that is exact at
/// equal eigenvalues, where differentiating through an eigendecomposition gives NaN. O(n d³), threads over matrices.
///
/// # Errors
/// [`Error::DimensionMismatch`] when `rows` does not hold one packed matrix for each of `batch`; [`Error::OutOfRange`] when
/// a gradient leaves the range of numbers.
///
/// Source: Daleckii & Krein 1965.
pub fn euclidean_gradient(batch: &SpdBatch, rows: &[f64]) -> Result<Vec<DMatrix<f64>>> {
    let d = batch.order();
    if rows.len() != batch.len() * packed_len(d) {
        return Err(Error::DimensionMismatch {
            what: "length of the gradient rows",
            expected: batch.len() * packed_len(d),
            found: rows.len(),
        });
    }
    let rows: Vec<&[f64]> = rows.chunks_exact(packed_len(d)).collect();
    rows.par_iter()
        .enumerate()
        .map(|(index, row)| {
            let eigen = crate::eigen::symmetric_eigen(&batch.matrix(index).into_owned());
            let (v, w) = (&eigen.vectors, &eigen.values);
            let inner = v.transpose() * unpack(row, d) * v;
            let weighted = DMatrix::from_fn(d, d, |i, j| inner[(i, j)] * log_difference_quotient(w[i], w[j]));
            let gradient = v * weighted * v.transpose();
            matrix_in_range("gradient", (&gradient + gradient.transpose()) * 0.5)
        })
        .collect()
}

/// (log a − log b)/(a − b) = atanh(z)/(z m) with m the mean and z = (a − b)/(a + b).
fn log_difference_quotient(a: f64, b: f64) -> f64 {
    let middle = 0.5 * (a + b);
    let z = (a - b) / (a + b);
    if z.abs() < 1e-4 {
        let square = z * z;
        (1.0 + square * (1.0 / 3.0 + square / 5.0)) / middle
    } else {
        z.atanh() / (z * middle)
    }
}
