//! Projections ⟨A_l, log X_i⟩ of a cloud on the directions of a bank, as one blocked matrix product.

use std::cmp::Ordering;
use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use super::directions::{DirectionBank, PANEL};
use super::measure::Projected;
use super::network::{LANES, Row, sort_lanes};
use super::packed::packed_len;
use super::sort::{SortScratch, sort_by_key};

/// Most points whose directions are sorted side by side; more of them leave the second cache, and the network compares
/// each of them log² n times.
const SIDE_BY_SIDE: usize = 1 << 14;

/// Low bits of a key that hold its point while points are sorted.
const POINT_BITS: u64 = SIDE_BY_SIDE as u64 - 1;

/// Products of the `lanes` of one panel of [`PANEL`] directions or coordinates with all rows: n rows of `lanes.len()`
/// numbers. On one thread: panels are what threads share.
fn panel_product(panel: &[f64], lanes: Range<usize>, rows: &[f64], size: usize, out: &mut [f64]) {
    let n = rows.len() / size;
    faer::linalg::matmul::matmul(
        faer::MatMut::from_column_major_slice_mut(out, lanes.len(), n),
        faer::Accum::Replace,
        faer::MatRef::from_column_major_slice(panel, PANEL, size).subrows(lanes.start, lanes.len()),
        faer::MatRef::from_column_major_slice(rows, size, n),
        1.0,
        faer::Par::Seq,
    );
}

/// Projections of all points on `lanes` of panel `index` of the bank: n rows of `lanes.len()` values (zeros in the
/// padding).
pub(crate) fn project_panel(bank: &DirectionBank, index: usize, lanes: Range<usize>, rows: &[f64], out: &mut Vec<f64>) {
    let size = packed_len(bank.order());
    out.clear();
    out.resize(rows.len() / size * lanes.len(), 0.0);
    panel_product(bank.panel(index), lanes, rows, size, out);
}

/// Parts of a panel of `used` directions that are projected and sorted at once: all of it, and halves for clouds of so
/// many points that memory counts.
pub(crate) fn panel_parts(points: usize, used: usize) -> impl Iterator<Item = Range<usize>> {
    let filled = used.next_multiple_of(LANES);
    let width = if points > SIDE_BY_SIDE { LANES } else { filled };
    (0..filled).step_by(width).map(move |start| start..start + width)
}

/// Adds up directions with given weights: row i of `out` (packed) becomes Σ_l weights_il A_l.
pub(crate) fn combine_directions(bank: &DirectionBank, weights: &[f64], out: &mut [f64]) {
    let size = packed_len(bank.order());
    let n = out.len() / size;
    let panels: Vec<Vec<f64>> = (0..size.div_ceil(PANEL))
        .into_par_iter()
        .map(|index| {
            let mut block = vec![0.0; n * PANEL];
            panel_product(bank.adjoint_panel(index), 0..PANEL, weights, bank.len(), &mut block);
            block
        })
        .collect();
    for (i, row) in out.chunks_exact_mut(size).enumerate() {
        for (part, panel) in row.chunks_mut(PANEL).zip(&panels) {
            part.copy_from_slice(&panel[i * PANEL..i * PANEL + part.len()]);
        }
    }
}

/// Scratch of one panel of one cloud: projections in both layouts.
#[derive(Default)]
pub(crate) struct PanelScratch {
    interleaved: Vec<f64>,
    /// Sorted projections, direction after direction of `points` numbers.
    rows: Vec<f64>,
    points: usize,
    pairs: Vec<(f64, f64)>,
    keys: Vec<Row>,
    /// Whether [`Self::order_lanes`] came after the last projection.
    ordered: bool,
    /// Keys with their points in the low bits, group after group of [`LANES`] directions, nearly in order.
    marked: [Vec<Row>; PANEL / LANES],
    sort_values: SortScratch<f64>,
    sort_pairs: SortScratch<(f64, f64)>,
    sort_points: SortScratch<(f64, u32)>,
}

impl PanelScratch {
    /// Projects on the `lanes` of a panel (a multiple of [`LANES`] of them) and sorts: [`Self::sorted`] then has the
    /// projections.
    pub(crate) fn project_sorted(
        &mut self,
        arch: Arch,
        bank: &DirectionBank,
        index: usize,
        lanes: Range<usize>,
        cloud: &impl Projected,
    ) {
        let n = cloud.points();
        let groups = lanes.len() / LANES;
        let used = bank.panel_len(index).saturating_sub(lanes.start);
        self.points = n;
        self.rows.resize(n * lanes.len(), 0.0);
        // Block by block: the projections of a large cloud are kept once.
        for start in (0..n).step_by(SIDE_BY_SIDE) {
            let points = start..n.min(start + SIDE_BY_SIDE);
            let count = points.len();
            cloud.fill(arch, bank, index, lanes.clone(), points, &mut self.interleaved);
            let (rows, _) = self.interleaved.as_chunks::<LANES>();
            let used_groups = used.div_ceil(LANES);
            for (group, out) in self.rows.chunks_mut(LANES * n).enumerate().take(used_groups) {
                self.keys.clear();
                self.keys.extend(rows.iter().skip(group).step_by(groups));
                if n <= SIDE_BY_SIDE {
                    sort_lanes(arch, &mut self.keys);
                }
                transpose_lanes(&self.keys[..count], &mut out[start..], n);
            }
        }
        if n > SIDE_BY_SIDE {
            for sorted in self.rows.chunks_exact_mut(n).take(used) {
                sort_by_key(sorted, &mut self.sort_values, |x| *x, |_, _| Ordering::Equal);
            }
        }
    }

    /// Sorted projections on direction `lane` of those of [`Self::project_sorted`].
    pub(crate) fn sorted(&self, lane: usize) -> &[f64] {
        &self.rows[lane * self.points..(lane + 1) * self.points]
    }

    /// Projects only.
    pub(crate) fn project(&mut self, arch: Arch, bank: &DirectionBank, index: usize, cloud: &impl Projected) {
        cloud.fill(arch, bank, index, 0..PANEL, 0..cloud.points(), &mut self.interleaved);
        self.ordered = false;
    }

    /// Sorts the points of all directions at once, after [`Self::project`], where that pays: [`Self::argsort`] then only
    /// reads.
    pub(crate) fn order_lanes(&mut self, arch: Arch) {
        if self.interleaved.len() / PANEL > SIDE_BY_SIDE {
            return;
        }
        self.ordered = true;
        let (rows, _) = self.interleaved.as_chunks::<LANES>();
        for (group, marked) in self.marked.iter_mut().enumerate() {
            let rows = rows.iter().skip(group).step_by(PANEL / LANES);
            marked.clear();
            marked.extend(
                rows.zip(0..)
                    .map(|(keys, point)| keys.map(|key| f64::from_bits(key.to_bits() & !POINT_BITS | point))),
            );
            sort_lanes(arch, marked);
        }
    }

    /// Writes the sorted (projection, point) pairs of direction `lane` after [`Self::project`]; ties keep the order of
    /// the points.
    pub(crate) fn argsort(&mut self, lane: usize, out: &mut Vec<(f64, u32)>) {
        out.clear();
        if self.ordered {
            let n = self.interleaved.len() / PANEL;
            out.extend(self.marked[lane / LANES][..n].iter().map(|row| {
                let point = (row[lane % LANES].to_bits() & POINT_BITS) as u32;
                (self.interleaved[point as usize * PANEL + lane], point)
            }));
            settle(out);
            return;
        }
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

/// Writes lane `l` of all rows to `out[l * stride..]`, in tiles that keep the strided side in cache.
fn transpose_lanes(rows: &[Row], out: &mut [f64], stride: usize) {
    for (tile, rows) in rows.chunks(LANES).enumerate() {
        for lane in 0..LANES {
            let start = lane * stride + tile * LANES;
            for (slot, row) in out[start..].iter_mut().zip(rows) {
                *slot = row[lane];
            }
        }
    }
}

/// Sorts what is sorted but for keys that differ in their marked bits only. Insertion, and a sort where many do.
fn settle(order: &mut [(f64, u32)]) {
    let compare = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let mut allowance = 16 * order.len();
    for i in 1..order.len() {
        let mut place = i;
        while place > 0 && compare(&order[place - 1], &order[place]).is_gt() {
            order.swap(place - 1, place);
            place -= 1;
            allowance -= 1;
            if allowance == 0 {
                return order.sort_unstable_by(compare);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sliced::LogCloud;

    #[test]
    fn products_are_dot_products_wherever_the_point_stands() {
        let bank = DirectionBank::lambda_s(5, 37, 1).unwrap();
        let size = packed_len(5);
        let rows: Vec<f64> = (0..19 * size).map(|i| (i as f64 * 0.37).sin()).collect();
        let reversed: Vec<f64> = rows.chunks_exact(size).rev().flatten().copied().collect();
        let (mut forth, mut back) = (Vec::new(), Vec::new());
        for index in 0..bank.panel_count() {
            project_panel(&bank, index, 0..PANEL, &rows, &mut forth);
            project_panel(&bank, index, 0..PANEL, &reversed, &mut back);
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

    /// Points as an axis times a number: projections tie, nearly tie, fall and rise with the point.
    #[test]
    fn orders_are_those_of_a_stable_sort() {
        let bank = DirectionBank::lambda_s(2, 20, 3).unwrap();
        let arch = Arch::new();
        let shapes: [fn(usize) -> f64; 5] = [
            |i| (i as f64 * 0.7).sin(),
            |i| (i % 3) as f64,
            |_| -1.0,
            |i| 1.0 + 1e-14 * ((i * 7919) % 101) as f64,
            |i| -(i as f64),
        ];
        for n in [1, 7, 8, 100, 2000, SIDE_BY_SIDE + 5] {
            for shape in shapes {
                let rows = (0..n).flat_map(|i| [shape(i), 0.5 * shape(i), 0.0]).collect();
                let cloud = LogCloud::from_packed_rows(2, rows).unwrap();
                let mut scratch = PanelScratch::default();
                let mut found = Vec::new();
                for panel in 0..bank.panel_count() {
                    for lane in 0..bank.panel_len(panel) {
                        scratch.project(arch, &bank, panel, &cloud);
                        scratch.argsort(lane, &mut found);
                        let expected = found.clone();
                        scratch.order_lanes(arch);
                        scratch.argsort(lane, &mut found);
                        assert_eq!(found, expected, "n = {n}");
                        scratch.project_sorted(arch, &bank, panel, 0..PANEL, &cloud);
                        let keys: Vec<f64> = expected.iter().map(|x| x.0).collect();
                        assert_eq!(scratch.sorted(lane), keys, "n = {n}");
                        if n > 2000 {
                            break;
                        }
                    }
                }
            }
        }
    }
}
