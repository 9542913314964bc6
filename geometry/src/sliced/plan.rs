//! Couplings of the original points that projections induce.

use pulp::Arch;
use rayon::prelude::*;

use super::cloud::LogCloud;
use super::directions::{DirectionBank, PANEL};
use super::one_dimensional::{gcd, walk_uniform, walk_weighted};
use super::projection::PanelScratch;
use crate::error::{Result, in_range};

/// Mass that goes from one point to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanEntry {
    /// Point of the first measure.
    pub from: usize,
    /// Point of the second measure.
    pub to: usize,
    /// Mass moved.
    pub mass: f64,
}

/// A sparse coupling of two measures, at most n + m − 1 entries.
#[derive(Debug, Clone, PartialEq)]
pub struct SlicedPlan {
    /// Entries in the order of the projections.
    pub entries: Vec<PlanEntry>,
    /// Σ mass ‖log X − log Y‖²: an upper bound of W_2² with the log-Euclidean ground cost.
    pub cost: f64,
    /// Direction whose monotone coupling this is.
    pub direction: usize,
}

/// The cheapest of the couplings that the directions of the bank induce: sort along a direction, couple monotonically,
/// pay the log-Euclidean cost. Moves labels or points in domain adaptation at the price of sorting.
/// O(L (n+m)(d² + log(n+m))), threads over directions.
///
/// # Errors
/// [`DimensionMismatch`](crate::Error::DimensionMismatch) for another order,
/// [`OutOfRange`](crate::Error::OutOfRange) when the cost leaves the range of numbers.
///
/// Source: Mahey et al. 2023, "Fast optimal transport through sliced Wasserstein generalized geodesics".
pub fn sliced_plan(bank: &DirectionBank, a: &LogCloud, b: &LogCloud) -> Result<SlicedPlan> {
    bank.check_order(a.order())?;
    bank.check_order(b.order())?;
    let arch = Arch::new();
    let costs: Vec<Vec<f64>> = (0..bank.panel_count())
        .into_par_iter()
        .map_init(Workspace::default, |work, panel| {
            work.project(arch, bank, panel, a, b);
            (0..bank.panel_len(panel))
                .map(|lane| {
                    let mut cost = 0.0;
                    work.walk(lane, a, b, |from, to, mass| {
                        cost += mass * square_distance(a.point(from), b.point(to))
                    });
                    cost
                })
                .collect()
        })
        .collect();
    let costs = costs.concat();
    let direction = (0..costs.len())
        .min_by(|&i, &j| costs[i].total_cmp(&costs[j]))
        .expect("a bank has directions");
    let mut work = Workspace::default();
    work.project(arch, bank, direction / PANEL, a, b);
    let mut entries = Vec::with_capacity(a.len() + b.len());
    work.walk(direction % PANEL, a, b, |from, to, mass| {
        entries.push(PlanEntry { from, to, mass })
    });
    let [cost] = in_range("cost of a plan", [costs[direction]])?;
    Ok(SlicedPlan {
        entries,
        cost,
        direction,
    })
}

/// Scratch of one thread.
#[derive(Default)]
struct Workspace {
    of_a: PanelScratch,
    of_b: PanelScratch,
    order_a: Vec<(f64, u32)>,
    order_b: Vec<(f64, u32)>,
}

impl Workspace {
    fn project(&mut self, arch: Arch, bank: &DirectionBank, panel: usize, a: &LogCloud, b: &LogCloud) {
        self.of_a.project(arch, bank, panel, a);
        self.of_b.project(arch, bank, panel, b);
    }

    /// Visits (from, to, mass) of the monotone coupling along `lane`.
    fn walk(&mut self, lane: usize, a: &LogCloud, b: &LogCloud, mut visit: impl FnMut(usize, usize, f64)) {
        self.of_a.argsort(lane, &mut self.order_a);
        self.of_b.argsort(lane, &mut self.order_b);
        let (u, v) = (&self.order_a, &self.order_b);
        if a.weights().is_none() && b.weights().is_none() {
            let unit = 1.0 / (a.len() / gcd(a.len(), b.len()) * b.len()) as f64;
            walk_uniform(a.len(), b.len(), |i, j, mass| {
                visit(u[i].1 as usize, v[j].1 as usize, mass as f64 * unit)
            });
        } else {
            let pairs = |order: &[(f64, u32)], cloud: &LogCloud| -> Vec<(f64, f64)> {
                let mass = |i: u32| cloud.weights().map_or(1.0 / cloud.len() as f64, |w| w[i as usize]);
                order.iter().map(|&(x, i)| (x, mass(i))).collect()
            };
            walk_weighted(&pairs(u, a), &pairs(v, b), |i, j, mass| {
                visit(u[i].1 as usize, v[j].1 as usize, mass)
            });
        }
    }
}

/// ‖x − y‖².
pub(crate) fn square_distance(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (x8, y8) = (x.chunks_exact(8), y.chunks_exact(8));
    let tail: f64 = x8
        .remainder()
        .iter()
        .zip(y8.remainder())
        .map(|(a, b)| (a - b) * (a - b))
        .sum();
    for (a, b) in x8.zip(y8) {
        for lane in 0..8 {
            let r = a[lane] - b[lane];
            sums[lane] += r * r;
        }
    }
    sums.iter().sum::<f64>() + tail
}
