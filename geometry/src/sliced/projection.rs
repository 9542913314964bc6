//! Projections ⟨A_l, log X_i⟩ of a cloud on the directions of a bank, as one blocked matrix product.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::directions::{DirectionBank, PANEL};
use super::measure::Projected;
use super::packed::packed_len;

/// Product of one panel of directions with all points.
struct PanelProduct<'a> {
    /// Coordinate-major, [`PANEL`] directions side by side.
    panel: &'a [f64],
    /// Packed points, one after another.
    rows: &'a [f64],
    /// Length of a packed point.
    size: usize,
    /// n rows of [`PANEL`] projections.
    out: &'a mut [f64],
}

impl WithSimd for PanelProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Registers a panel takes x points at once: 2 x 8 of 32 (AVX-512), 4 x 2 of 16 (AVX2), 8 x 2 of 32 (NEON).
        match S::F64_LANES {
            8 => self.blocks::<S, 2, 8>(simd),
            4 => self.blocks::<S, 4, 2>(simd),
            2 => self.blocks::<S, 8, 2>(simd),
            _ => self.blocks::<S, PANEL, 1>(simd),
        }
    }
}

impl PanelProduct<'_> {
    /// `V` registers hold the panel, `P` points go through together; the left-over points one by one. Every projection
    /// is one chain of multiply-adds over the coordinates, so that its bits do not depend on where its point stands.
    #[inline(always)]
    fn blocks<S: Simd, const V: usize, const P: usize>(self, simd: S) {
        let Self { panel, rows, size, out } = self;
        let full = rows.len() / size / P * P;
        let (head_rows, tail_rows) = rows.split_at(full * size);
        let (head_out, tail_out) = out.split_at_mut(full * PANEL);
        for (points, out) in head_rows
            .chunks_exact(P * size)
            .zip(head_out.chunks_exact_mut(P * PANEL))
        {
            block::<S, V, P>(simd, panel, points, size, out);
        }
        for (point, out) in tail_rows.chunks_exact(size).zip(tail_out.chunks_exact_mut(PANEL)) {
            block::<S, V, 1>(simd, panel, point, size, out);
        }
    }
}

/// `P` points against one panel.
#[inline(always)]
fn block<S: Simd, const V: usize, const P: usize>(
    simd: S,
    panel: &[f64],
    points: &[f64],
    size: usize,
    out: &mut [f64],
) {
    let mut sums = [[simd.splat_f64s(0.0); V]; P];
    let rows: [&[f64]; P] = std::array::from_fn(|point| &points[point * size..(point + 1) * size]);
    let (panel, _) = S::as_simd_f64s(panel);
    for (k, directions) in panel.chunks_exact(V).enumerate().take(size) {
        for point in 0..P {
            let coordinate = simd.splat_f64s(rows[point][k]);
            for v in 0..V {
                sums[point][v] = simd.mul_add_e_f64s(directions[v], coordinate, sums[point][v]);
            }
        }
    }
    let (out, _) = S::as_mut_simd_f64s(out);
    for point in 0..P {
        for v in 0..V {
            out[point * V + v] = sums[point][v];
        }
    }
}

/// Projections of all points on panel `index` of the bank: n rows of [`PANEL`] values (zeros in the padding).
pub(crate) fn project_panel(arch: Arch, bank: &DirectionBank, index: usize, rows: &[f64], out: &mut Vec<f64>) {
    let size = packed_len(bank.order());
    out.clear();
    out.resize(rows.len() / size * PANEL, 0.0);
    arch.dispatch(PanelProduct {
        panel: bank.panel(index),
        rows,
        size,
        out,
    });
}

/// Adds up directions with given weights: row i of `out` (packed) becomes Σ_l weights_il A_l.
pub(crate) fn combine_directions(arch: Arch, bank: &DirectionBank, weights: &[f64], out: &mut [f64]) {
    let size = packed_len(bank.order());
    let n = out.len() / size;
    let panels: Vec<Vec<f64>> = (0..size.div_ceil(PANEL))
        .into_par_iter()
        .map(|index| {
            let mut block = vec![0.0; n * PANEL];
            let panel = bank.adjoint_panel(index);
            arch.dispatch(PanelProduct {
                panel,
                rows: weights,
                size: bank.len(),
                out: &mut block,
            });
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
}

impl PanelScratch {
    /// Projects and sorts: direction `lane` of the panel then has its sorted projections in [`Self::sorted`].
    pub(crate) fn project_sorted(&mut self, arch: Arch, bank: &DirectionBank, index: usize, cloud: &impl Projected) {
        cloud.fill(arch, bank, index, &mut self.interleaved);
        transpose_panel(&self.interleaved, &mut self.rows);
        let n = self.rows.len() / PANEL;
        for row in self.rows.chunks_exact_mut(n).take(bank.panel_len(index)) {
            row.sort_unstable_by(f64::total_cmp);
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
    pub(crate) fn argsort(&self, lane: usize, out: &mut Vec<(f64, u32)>) {
        out.clear();
        out.extend(
            self.interleaved[lane..]
                .iter()
                .step_by(PANEL)
                .zip(0..)
                .map(|(&value, point)| (value, point)),
        );
        out.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
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
        self.pairs
            .sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
        &self.pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_of_register_gives_the_product() {
        let bank = DirectionBank::lambda_s(5, 37, 1).unwrap();
        let size = packed_len(5);
        let rows: Vec<f64> = (0..19 * size).map(|i| (i as f64 * 0.37).sin()).collect();
        let mut fast = Vec::new();
        let mut scalar = vec![0.0; 19 * PANEL];
        for index in 0..bank.panel_count() {
            project_panel(Arch::new(), &bank, index, &rows, &mut fast);
            PanelProduct {
                panel: bank.panel(index),
                rows: &rows,
                size,
                out: &mut scalar,
            }
            .with_simd(pulp::Scalar::new());
            for (i, row) in rows.chunks_exact(size).enumerate() {
                for lane in 0..bank.panel_len(index) {
                    let direct: f64 = bank
                        .packed(index * PANEL + lane)
                        .iter()
                        .zip(row)
                        .map(|(a, x)| a * x)
                        .sum();
                    for found in [fast[i * PANEL + lane], scalar[i * PANEL + lane]] {
                        assert!((found - direct).abs() < 1e-14, "{found} against {direct}");
                    }
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
