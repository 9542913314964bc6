//! Density of states, its integral, gaps and spacings.

use crate::division_free::Counting;
use crate::error::{OscillationError, Result};
use crate::jacobi::Jacobi;

/// Numbers of eigenvalues in the cells between consecutive edges.
#[derive(Debug, Clone, PartialEq)]
pub struct DensityOfStates {
    /// m + 1 edges, increasing.
    pub edges: Vec<f64>,
    /// m counts: eigenvalues in `[edges[i], edges[i+1])`.
    pub counts: Vec<usize>,
    /// Eigenvalues below the first edge.
    pub below: usize,
    /// Order n of the matrix.
    pub order: usize,
}

impl DensityOfStates {
    /// counts / (n · width): integrates to the fraction of the eigenvalues inside the edges.
    pub fn density(&self) -> Vec<f64> {
        let cells = self.edges.windows(2).zip(&self.counts);
        cells
            .map(|(w, &c)| c as f64 / (self.order as f64 * (w[1] - w[0])))
            .collect()
    }
}

/// An interval without eigenvalues.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// The eigenvalue at its lower end.
    pub lower: f64,
    /// The eigenvalue at its upper end.
    pub upper: f64,
    /// Number of eigenvalues up to the lower end: `below / n` is the integrated density of states in the gap.
    pub below: usize,
}

/// Spacings of consecutive eigenvalues.
#[derive(Debug, Clone, PartialEq)]
pub struct Spacings {
    /// λ(k+1) - λ(k)
    pub spacings: Vec<f64>,
    /// Mean spacing; 0 for a single eigenvalue.
    pub mean: f64,
    /// Mean of min(s, s')/max(s, s') over neighbouring spacings: 2 ln 2 - 1 ≈ 0.386 for independent levels (localised
    /// states), ≈ 0.531 for the orthogonal ensembles; `None` with fewer than two spacings or when all vanish.
    pub mean_ratio: Option<f64>,
}

impl Jacobi {
    /// Numbers of eigenvalues between consecutive edges.
    ///
    /// Errs with fewer than two edges, when they do not increase, or on unusable values. O(n) for every 16 edges.
    ///
    /// ```
    /// use hadamard_oscillation::models;
    /// let dos = models::free_chain(1000)?.density_of_states(&[-2.0, 0.0, 2.0])?;
    /// assert_eq!(dos.counts, [500, 500]);
    /// # Ok::<(), hadamard_oscillation::OscillationError>(())
    /// ```
    pub fn density_of_states(&self, edges: &[f64]) -> Result<DensityOfStates> {
        self.density_of_states_by(edges, Counting::Canonical)
    }

    /// [`density_of_states`](Self::density_of_states) by the recurrence that is asked for. Counts without divisions that
    /// drop from one edge to the next are taken as equal. Errs as that.
    pub fn density_of_states_by(&self, edges: &[f64], counting: Counting) -> Result<DensityOfStates> {
        if edges.len() < 2 {
            return Err(OscillationError::LengthMismatch {
                what: "edges",
                found: edges.len(),
                expected: 2,
            });
        }
        let mut below = self.counts_below_by(edges, counting)?;
        if let Some(i) = edges.windows(2).position(|w| w[0] >= w[1]) {
            return Err(OscillationError::NotIncreasing {
                what: "edges",
                index: i + 1,
            });
        }
        let mut most = 0;
        below.iter_mut().for_each(|c| {
            most = most.max(*c);
            *c = most;
        });
        Ok(DensityOfStates {
            edges: edges.to_vec(),
            counts: below.windows(2).map(|w| w[1] - w[0]).collect(),
            below: below[0],
            order: self.order(),
        })
    }

    /// Integrated density of states N(x) = #{λ ≤ x} / n at many x. Errs on unusable x. O(n) for every 16 of them.
    pub fn integrated_density(&self, x: &[f64]) -> Result<Vec<f64>> {
        let n = self.order() as f64;
        Ok(self.counts_at_most(x)?.into_iter().map(|c| c as f64 / n).collect())
    }

    /// Every gap between consecutive eigenvalues that is at least `width` wide, ascending, with its ends to the last
    /// bit.
    ///
    /// A grid of half the width finds them, since each holds a whole cell. Errs when the width is not positive and
    /// finite or needs more than 2²⁴ cells. O(n · spectrum/width).
    pub fn gaps(&self, width: f64) -> Result<Vec<Gap>> {
        let (low, high) = self.gershgorin();
        let cells = (2.0 * (high - low) / width).ceil();
        if !(width > 0.0 && width.is_finite() && cells <= f64::from(1 << 24)) {
            return Err(OscillationError::BadParameter {
                what: "width",
                value: width,
                expected: "positive, finite, and at least 2^-23 of the spectrum's width",
            });
        }
        let cells = (cells as usize).max(1);
        let edges: Vec<f64> = (0..=cells)
            .map(|i| low + (high - low) * (i as f64 / cells as f64))
            .collect();
        let counts = self.counts_below(&edges)?;
        let mut inside: Vec<usize> = counts.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0]).collect();
        inside.dedup();
        inside.retain(|&c| 0 < c && c < self.order());
        let mut gaps = Vec::new();
        for below in inside {
            let (lower, upper) = (self.eigenvalue(below - 1)?, self.eigenvalue(below)?);
            if upper - lower >= width {
                gaps.push(Gap { lower, upper, below });
            }
        }
        Ok(gaps)
    }

    /// Spacings of the eigenvalues with indices in `range`. Errors and cost as [`eigenvalues`](Self::eigenvalues).
    pub fn spacings(&self, range: std::ops::Range<usize>) -> Result<Spacings> {
        let values = self.eigenvalues(range)?;
        let spacings: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
        let ratios: Vec<f64> = spacings
            .windows(2)
            .filter(|w| w[0] > 0.0 || w[1] > 0.0)
            .map(|w| w[0].min(w[1]) / w[0].max(w[1]))
            .collect();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        Ok(Spacings {
            mean: if spacings.is_empty() { 0.0 } else { mean(&spacings) },
            mean_ratio: (!ratios.is_empty()).then(|| mean(&ratios)),
            spacings,
        })
    }
}
