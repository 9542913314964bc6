//! Quantile features: vectors whose Euclidean distance is the sliced-Wasserstein distance.

use pulp::Arch;
use rayon::prelude::*;

use super::cloud::LogCloud;
use super::directions::{DirectionBank, PANEL};
use super::projection::PanelScratch;
use crate::error::{Error, Result, in_range};

/// What leaves the range of numbers when coordinates are astronomical.
const PROJECTION: &str = "projection";

impl DirectionBank {
    /// φ(μ)_{l,k} = F⁻¹_{⟨A_l, log ·⟩_# μ}((k − ½)/T) / √(L T), direction after direction, T = `levels`.
    ///
    /// ‖φ(μ) − φ(ν)‖² ≈ SPDSW_2²(μ, ν), with equality for uniform measures whose sizes divide T. The map depends on
    /// the bank alone, so that Gaussian kernels of these features are positive definite. Length L·T;
    /// O(L n (d² + log n)), threads over directions.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for another order, [`Error::Empty`] for T = 0, [`Error::OutOfRange`] when a projection
    /// leaves the range of numbers.
    ///
    /// Source: Bonet et al. 2023 (arXiv 2303.05798), section on the kernel; midpoints instead of a grid with end
    /// points, which would give the extremes of a sample the weight of a whole level.
    pub fn quantile_features(&self, cloud: &LogCloud, levels: usize) -> Result<Vec<f64>> {
        self.check_order(cloud.order())?;
        if levels == 0 {
            return Err(Error::Empty {
                what: "quantile levels",
            });
        }
        let n = cloud.len();
        let scale = ((self.len() * levels) as f64).sqrt().recip();
        // F⁻¹(q) = x_⌈qn⌉ with q = (2k+1)/2T in whole numbers.
        let ranks: Vec<usize> = (0..levels)
            .map(|k| ((2 * k + 1) * n).div_ceil(2 * levels) - 1)
            .collect();
        let mut features = vec![0.0; self.len() * levels];
        self.for_each_panel(&mut features, levels, |scratch, arch, panel, out| {
            if cloud.weights().is_none() {
                scratch.project_sorted(arch, self, panel, 0..PANEL, cloud);
                for (lane, out) in out.chunks_exact_mut(levels).enumerate() {
                    let sorted = scratch.sorted(lane);
                    for (slot, &rank) in out.iter_mut().zip(&ranks) {
                        *slot = scale * sorted[rank];
                    }
                }
            } else {
                scratch.project(arch, self, panel, cloud);
                for (lane, out) in out.chunks_exact_mut(levels).enumerate() {
                    weighted_quantiles(scratch.sorted_pairs(lane, cloud), scale, out);
                }
            }
        });
        in_range(PROJECTION, features)
    }

    /// Features of several uniform measures whose squared distances are SPDSW_2² of this bank exactly, whatever the
    /// sizes: the levels are the pieces between all multiples of 1/n_j, weighted by their lengths.
    ///
    /// T ≤ Σ n_j levels over the distinct sizes, T = n when all sizes are n; each vector has length L·T.
    ///
    /// # Errors
    /// [`Error::Empty`] without a cloud, [`Error::DimensionMismatch`] for another order, and [`Error::InvalidWeights`]
    /// for a weighted cloud, whose levels would differ from direction to direction: use
    /// [`exact_squared_distances`](super::exact_squared_distances). [`Error::OutOfRange`] as [`Self::quantile_features`].
    pub fn exact_features(&self, clouds: &[&LogCloud]) -> Result<Vec<Vec<f64>>> {
        if clouds.is_empty() {
            return Err(Error::Empty {
                what: "list of measures",
            });
        }
        for (index, cloud) in clouds.iter().enumerate() {
            self.check_order(cloud.order())?;
            if cloud.weights().is_some() {
                return Err(Error::InvalidWeights {
                    reason: format!("measure {index} is weighted, exact features need uniform measures"),
                });
            }
        }
        let levels = common_levels(clouds.iter().map(|cloud| cloud.len()));
        let scale = (self.len() as f64).sqrt().recip();
        clouds
            .iter()
            .map(|cloud| {
                let n = cloud.len();
                let mut features = vec![0.0; self.len() * levels.len()];
                self.for_each_panel(&mut features, levels.len(), |scratch, arch, panel, out| {
                    scratch.project_sorted(arch, self, panel, 0..PANEL, *cloud);
                    for (lane, out) in out.chunks_exact_mut(levels.len()).enumerate() {
                        let sorted = scratch.sorted(lane);
                        for (slot, &(middle, width)) in out.iter_mut().zip(&levels) {
                            *slot = scale * width.sqrt() * sorted[((middle * n as f64) as usize).min(n - 1)];
                        }
                    }
                });
                in_range(PROJECTION, features)
            })
            .collect()
    }

    /// Runs `fill` on the `width` outputs a direction of every panel, with scratch of its thread.
    pub(crate) fn for_each_panel(
        &self,
        out: &mut [f64],
        width: usize,
        fill: impl Fn(&mut PanelScratch, Arch, usize, &mut [f64]) + Sync,
    ) {
        let arch = Arch::new();
        out.par_chunks_mut(PANEL * width)
            .enumerate()
            .for_each_init(PanelScratch::default, |scratch, (panel, out)| {
                fill(scratch, arch, panel, out)
            });
    }
}

/// F⁻¹((k − ½)/T) = inf{x : F(x) ≥ (k − ½)/T} of sorted (point, mass) pairs.
fn weighted_quantiles(sorted: &[(f64, f64)], scale: f64, out: &mut [f64]) {
    // A partial sum that rounding leaves just below a level counts as having reached it, as in whole numbers.
    let slack = sorted.len() as f64 * f64::EPSILON;
    let levels = out.len() as f64;
    let mut index = 0;
    let mut mass = sorted[0].1;
    for (k, slot) in out.iter_mut().enumerate() {
        let level = (k as f64 + 0.5) / levels - slack;
        while mass < level && index + 1 < sorted.len() {
            index += 1;
            mass += sorted[index].1;
        }
        *slot = scale * sorted[index].0;
    }
}

/// (Middle, length) of the pieces of [0, 1] between all multiples of 1/n, in whole numbers until the end.
fn common_levels(sizes: impl Iterator<Item = usize>) -> Vec<(f64, f64)> {
    let mut sizes: Vec<u128> = sizes.map(|n| n as u128).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut cuts: Vec<(u128, u128)> = sizes.iter().flat_map(|&n| (0..=n).map(move |k| (k, n))).collect();
    cuts.sort_unstable_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)));
    cuts.dedup_by(|a, b| a.0 * b.1 == b.0 * a.1);
    cuts.windows(2)
        .map(|pair| {
            let ((a, n), (b, m)) = (pair[0], pair[1]);
            let (left, right, unit) = (a * m, b * n, (n * m) as f64);
            ((left + right) as f64 / (2.0 * unit), (right - left) as f64 / unit)
        })
        .collect()
}
