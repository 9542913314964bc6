//! Projections ⟨A_l, log X_i⟩ of a cloud on the directions of a bank, as one blocked matrix product.

use std::cmp::Ordering;

use pulp::Arch;
use rayon::prelude::*;

use super::directions::{DirectionBank, PANEL};
use super::measure::Projected;
use super::packed::packed_len;
use super::sort::{SortScratch, sort_by_key};

/// Products of one panel of [`PANEL`] directions or coordinates with all rows: n rows of [`PANEL`] numbers. On one thread:
/// panels are what threads share.
fn panel_product(panel: &[f64], rows: &[f64], size: usize, out: &mut [f64]) {
    let n = rows.len() / size;
    faer::linalg::matmul::matmul(
        faer::MatMut::from_column_major_slice_mut(out, PANEL, n),
        faer::Accum::Replace,
        faer::MatRef::from_column_major_slice(panel, PANEL, size),
        faer::MatRef::from_column_major_slice(rows, size, n),
        1.0,
        faer::Par::Seq,
    );
}

/// Projections of all points on panel `index` of the bank: n rows of [`PANEL`] values (zeros in the padding).
pub(crate) fn project_panel(bank: &DirectionBank, index: usize, rows: &[f64], out: &mut Vec<f64>) {
    let size = packed_len(bank.order());
    out.clear();
    out.resize(rows.len() / size * PANEL, 0.0);
    panel_product(bank.panel(index), rows, size, out);
}

/// Adds up directions with given weights: row i of `out` (packed) becomes Σ_l weights_il A_l.
pub(crate) fn combine_directions(bank: &DirectionBank, weights: &[f64], out: &mut [f64]) {
    let size = packed_len(bank.order());
    let n = out.len() / size;
    let panels: Vec<Vec<f64>> = (0..size.div_ceil(PANEL))
        .into_par_iter()
        .map(|index| {
            let mut block = vec![0.0; n * PANEL];
            panel_product(bank.adjoint_panel(index), weights, bank.len(), &mut block);
            block
        })
        .collect();
    for (i, row) in out.chunks_exact_mut(size).enumerate() {
        for (part, panel) in row.chunks_mut(PANEL).zip(&panels) {
            part.copy_from_slice(&panel[i * PANEL..i * PANEL + part.len()]);
        }
    }
}

/// Turns n rows of [`PANEL`] values into [`PANEL`] rows of n.
pub(crate) fn transpose_panel(interleaved: &[f64], out: &mut Vec<f64>) {
    let n = interleaved.len() / PANEL;
    out.clear();
    out.resize(interleaved.len(), 0.0);
    // Tiles of 16 x 8 keep the strided side in cache.
    for (tile, block) in interleaved.chunks(8 * PANEL).enumerate() {
        for lane in 0..PANEL {
            let start = lane * n + tile * 8;
            for (slot, row) in out[start..].iter_mut().zip(block.chunks_exact(PANEL)) {
                *slot = row[lane];
            }
        }
    }
}

/// Scratch of one panel of one cloud: projections in both layouts.
#[derive(Default)]
pub(crate) struct PanelScratch {
    interleaved: Vec<f64>,
    rows: Vec<f64>,
    pairs: Vec<(f64, f64)>,
    sort_values: SortScratch<f64>,
    sort_pairs: SortScratch<(f64, f64)>,
    sort_points: SortScratch<(f64, u32)>,
}

impl PanelScratch {
    /// Projects and sorts: direction `lane` of the panel then has its sorted projections in [`Self::sorted`].
    pub(crate) fn project_sorted(&mut self, arch: Arch, bank: &DirectionBank, index: usize, cloud: &impl Projected) {
        cloud.fill(arch, bank, index, &mut self.interleaved);
        transpose_panel(&self.interleaved, &mut self.rows);
        let n = self.rows.len() / PANEL;
        for row in self.rows.chunks_exact_mut(n).take(bank.panel_len(index)) {
            sort_by_key(row, &mut self.sort_values, |x| *x, |_, _| Ordering::Equal);
        }
    }

    /// Sorted projections on direction `lane` of the panel.
    pub(crate) fn sorted(&self, lane: usize) -> &[f64] {
        let n = self.rows.len() / PANEL;
        &self.rows[lane * n..(lane + 1) * n]
    }

    /// Projects only.
    pub(crate) fn project(&mut self, arch: Arch, bank: &DirectionBank, index: usize, cloud: &impl Projected) {
        cloud.fill(arch, bank, index, &mut self.interleaved);
    }

    /// Writes the sorted (projection, point) pairs of direction `lane` after [`Self::project`]; ties keep the order of
    /// the points.
    pub(crate) fn argsort(&mut self, lane: usize, out: &mut Vec<(f64, u32)>) {
        out.clear();
        out.extend(
            self.interleaved[lane..]
                .iter()
                .step_by(PANEL)
                .zip(0..)
                .map(|(&value, point)| (value, point)),
        );
        sort_by_key(out, &mut self.sort_points, |x| x.0, |x, y| x.1.cmp(&y.1));
    }

    /// Sorted (projection, mass) pairs of direction `lane` after [`Self::project`].
    pub(crate) fn sorted_pairs(&mut self, lane: usize, cloud: &impl Projected) -> &[(f64, f64)] {
        let uniform = 1.0 / cloud.points() as f64;
        self.pairs.clear();
        self.pairs.extend(
            self.interleaved[lane..]
                .iter()
                .step_by(PANEL)
                .enumerate()
                .map(|(i, &value)| {
                    let mass = cloud.masses().map_or(uniform, |w| w[i]);
                    (value, mass)
                }),
        );
        sort_by_key(
            &mut self.pairs,
            &mut self.sort_pairs,
            |x| x.0,
            |x, y| x.1.total_cmp(&y.1),
        );
        &self.pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_dot_products_wherever_the_point_stands() {
        let bank = DirectionBank::lambda_s(5, 37, 1).unwrap();
        let size = packed_len(5);
        let rows: Vec<f64> = (0..19 * size).map(|i| (i as f64 * 0.37).sin()).collect();
        let reversed: Vec<f64> = rows.chunks_exact(size).rev().flatten().copied().collect();
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        for index in 0..bank.panel_count() {
            project_panel(&bank, index, &rows, &mut forth);
            project_panel(&bank, index, &reversed, &mut back);
            for (i, row) in rows.chunks_exact(size).enumerate() {
                for lane in 0..bank.panel_len(index) {
                    let direct: f64 = bank
                        .packed(index * PANEL + lane)
                        .iter()
                        .zip(row)
                        .map(|(a, x)| a * x)
                        .sum();
                    let found = forth[i * PANEL + lane];
                    assert!((found - direct).abs() < 16.0 * f64::EPSILON, "{found} against {direct}");
                    assert_eq!(found.to_bits(), back[(18 - i) * PANEL + lane].to_bits());
                }
            }
        }
    }

    #[test]
    fn transposing_moves_every_projection() {
        let interleaved: Vec<f64> = (0..11 * PANEL).map(|x| x as f64).collect();
        let mut rows = Vec::new();
        transpose_panel(&interleaved, &mut rows);
        for i in 0..11 {
            for lane in 0..PANEL {
                assert_eq!(rows[lane * 11 + i], interleaved[i * PANEL + lane]);
            }
        }
    }
}
