//! Frobenius distances of all pairs of many matrices, some pairs at a time: what flat metrics come to.

use std::ops::Range;

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::eigen::batch::ISA;
use crate::eigen::group::{Isa, Kernel, on};
use crate::eigen::lanes::Lanes;

/// Numbers of a vector are padded to a multiple of this, the longest register in use.
const PADDED: usize = 8;

/// Rows and columns of distances that are computed together.
const TILE: (usize, usize) = (4, 2);

/// Triangles of matrices of one order as vectors, one after the other: the strict lower part, then the diagonal.
pub(crate) struct Triangles {
    data: Vec<f64>,
    order: usize,
    /// Numbers of a strict lower part, padded.
    lower: usize,
    /// From vector to vector.
    stride: usize,
    count: usize,
    /// What squares of the strict lower part count: 2 where it stands for both parts of symmetric matrices.
    weight: f64,
}

impl Triangles {
    /// Of symmetric matrices, given by their entries.
    pub(crate) fn symmetric<'a>(order: usize, matrices: impl ExactSizeIterator<Item = &'a [f64]>) -> Self {
        Self::new(order, matrices, 2.0)
    }

    /// Of lower triangular matrices, given by their entries, column after column.
    pub(crate) fn lower<'a>(order: usize, matrices: impl ExactSizeIterator<Item = &'a [f64]>) -> Self {
        Self::new(order, matrices, 1.0)
    }

    fn new<'a>(order: usize, matrices: impl ExactSizeIterator<Item = &'a [f64]>, weight: f64) -> Self {
        let lower = (order * order.saturating_sub(1) / 2).next_multiple_of(PADDED);
        let (stride, count) = (lower + order.next_multiple_of(PADDED), matrices.len());
        let mut data = vec![0.0; stride * count];
        for (to, matrix) in data.chunks_exact_mut(stride.max(1)).zip(matrices) {
            let (mut below, diagonal) = to.split_at_mut(lower);
            for (j, column) in matrix.chunks_exact(order).enumerate() {
                diagonal[j] = column[j];
                let (now, later) = below.split_at_mut(order - j - 1);
                now.copy_from_slice(&column[j + 1..]);
                below = later;
            }
        }
        Self {
            data,
            order,
            lower,
            stride,
            count,
            weight,
        }
    }

    /// Multiplies the traceless parts by `off` and the parts along the identity by `on`; false where that leaves the range of
    /// numbers.
    pub(crate) fn scale(&mut self, off: f64, on: f64) -> bool {
        for vector in self.data.chunks_exact_mut(self.stride.max(1)) {
            let trace: f64 = vector[self.lower..].iter().sum();
            let shift = (on - off) * trace / self.order as f64;
            vector.iter_mut().for_each(|x| *x *= off);
            vector[self.lower..][..self.order].iter_mut().for_each(|x| *x += shift);
        }
        self.data.iter().all(|x| x.is_finite())
    }

    /// ‖Aᵢ − Aⱼ‖ for all pairs, from differences: no digit of close matrices is lost.
    pub(crate) fn distances(&self) -> DMatrix<f64> {
        self.distances_on(*ISA)
    }

    fn distances_on(&self, isa: Isa) -> DMatrix<f64> {
        let n = self.count;
        let mut out = DMatrix::zeros(n, n);
        let columns = out.as_mut_slice().par_chunks_mut((TILE.0 * n).max(1)).enumerate();
        // One by one: the last ones take the longest.
        columns.with_max_len(1).for_each(|(at, out)| {
            let first = at * TILE.0;
            let triangles = self;
            match isa {
                Isa::Portable => on(isa, Rows::<2> { triangles, first, out }),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => on(isa, Rows::<4> { triangles, first, out }),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => on(isa, Rows::<8> { triangles, first, out }),
            }
        });
        out.fill_lower_triangle_with_upper_triangle();
        out
    }

    fn lanes<const W: usize>(&self, i: usize) -> &[[f64; W]] {
        self.data[i.min(self.count - 1) * self.stride..][..self.stride]
            .as_chunks()
            .0
    }
}

/// The pairs (i, j), j < i, of some matrices i from `first` on.
struct Rows<'a, const W: usize> {
    triangles: &'a Triangles,
    first: usize,
    out: &'a mut [f64],
}

impl<const W: usize> Kernel for Rows<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { triangles, first, out } = self;
        let n = triangles.count;
        let mut x: [&[[f64; W]]; TILE.0] = [&[]; TILE.0];
        for r in 0..TILE.0 {
            x[r] = triangles.lanes(first + r);
        }
        for j in (0..n.min(first + TILE.0)).step_by(TILE.1) {
            let mut y: [&[[f64; W]]; TILE.1] = [&[]; TILE.1];
            for s in 0..TILE.1 {
                y[s] = triangles.lanes(j + s);
            }
            let mut sums = [[Lanes::<W>::ZERO; TILE.1]; TILE.0];
            add_squares::<W, FMA>(&mut sums, 0..triangles.lower / W, x, y);
            for sum in sums.as_flattened_mut() {
                *sum = *sum * Lanes([triangles.weight; W]);
            }
            add_squares::<W, FMA>(&mut sums, triangles.lower / W..triangles.stride / W, x, y);
            for (r, column) in out.chunks_exact_mut(n).enumerate() {
                for s in (0..TILE.1).filter(|s| j + s < first + r) {
                    column[j + s] = sums[r][s].0.iter().sum::<f64>().sqrt();
                }
            }
        }
    }
}

/// Adds the squares of x − y at `range`.
#[inline(always)]
fn add_squares<const W: usize, const FMA: bool>(
    sums: &mut [[Lanes<W>; TILE.1]; TILE.0],
    range: Range<usize>,
    x: [&[[f64; W]]; TILE.0],
    y: [&[[f64; W]]; TILE.1],
) {
    let mut found = *sums;
    let (x, y) = (x.map(|x| &x[range.clone()]), y.map(|y| &y[range.clone()]));
    for at in 0..range.len() {
        for s in 0..TILE.1 {
            let y = Lanes(y[s][at]);
            for r in 0..TILE.0 {
                let gap = Lanes(x[r][at]) - y;
                found[r][s] = gap.mul_add::<FMA>(gap, found[r][s]);
            }
        }
    }
    *sums = found;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_finds_the_distances() {
        for (count, order) in [(0, 3), (1, 1), (2, 2), (5, 4), (9, 7), (12, 0)] {
            let entry = |m: usize, i: usize, j: usize| ((7 * m * m + 3 * i + 5 * i * j) % 23) as f64 / 8.0;
            let matrix = |m: usize, symmetric: bool| {
                DMatrix::from_fn(order, order, |i, j| match (i >= j, symmetric) {
                    (true, _) => entry(m, i, j),
                    (false, true) => entry(m, j, i),
                    (false, false) => 0.0,
                })
            };
            for symmetric in [true, false] {
                let matrices: Vec<_> = (0..count).map(|m| matrix(m, symmetric)).collect();
                let entries = matrices.iter().map(DMatrix::as_slice);
                let triangles = match symmetric {
                    true => Triangles::symmetric(order, entries),
                    false => Triangles::lower(order, entries),
                };
                for isa in Isa::available() {
                    let found = triangles.distances_on(isa);
                    assert_eq!(found.shape(), (count, count));
                    for (i, j) in (0..count).flat_map(|i| (0..count).map(move |j| (i, j))) {
                        // Sums of multiples of 1/64 are exact.
                        let expected = (&matrices[i] - &matrices[j]).norm();
                        assert_eq!(found[(i, j)], expected, "{isa:?} {count} {order} ({i}, {j})");
                    }
                }
            }
        }
    }
}
