//! Eigenproblems and matrix functions of whole batches.

use std::sync::LazyLock;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::group::{Group, Isa};
use super::lanes::Mask;
use super::large::Large;
use super::partial_fractions::{Fractional, MAX_LEVEL};
use super::{SymmetricEigen, dense};

/// Above this order the matrices of a group are no longer faster side by side (measured at 48 to 96).
pub(crate) const MAX_LANE_ORDER: usize = 72;
/// Up to this order two registers for a number hide each other's square roots and divisions (measured at 2 to 8: beyond,
/// the rotations no longer fit the registers).
#[cfg(target_arch = "x86_64")]
const MAX_DOUBLE_ORDER: usize = 3;
/// Above this order the blocked algorithm of `faer` is faster (measured at 256 and 320).
const MAX_UNBLOCKED_ORDER: usize = 256;

/// From this order to that one logarithms and roots are made without eigenvectors (measured at 3 to 6; at 400 they still take
/// a third of the time, but 30 MB a thread).
pub(crate) const FRACTIONAL_ORDERS: std::ops::RangeInclusive<usize> = 6..=256;
/// Above this order fewer matrices than [`FEW`] leave so many lanes empty that eigenvectors are faster.
const MAX_SPARE_ORDER: usize = 128;
const FEW: usize = 3;

pub(crate) static ISA: LazyLock<Isa> = LazyLock::new(Isa::detect);

/// Eigendecompositions of a batch of N matrices of order d.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchEigen {
    /// N · d eigenvalues, ascending within a matrix.
    pub values: Vec<f64>,
    /// N · d · d entries: for each matrix its eigenvectors, one after the other.
    pub vectors: Vec<f64>,
}

/// Eigenvalues of N symmetric matrices (N·d² entries), ascending within a matrix.
pub(crate) fn values(order: usize, matrices: &[f64]) -> Vec<f64> {
    with_isa(*ISA, order, matrices, Values)
}

/// Eigendecompositions of N symmetric matrices (N·d² entries).
pub(crate) fn eigen(order: usize, matrices: &[f64]) -> BatchEigen {
    let joined = with_isa(*ISA, order, matrices, Vectors);
    let (size, count) = (order * order, matrices.len() / (order * order).max(1));
    let mut values = Vec::with_capacity(count * order);
    let mut vectors = Vec::with_capacity(count * size);
    for one in joined.chunks_exact(order + size) {
        values.extend_from_slice(&one[..order]);
        vectors.extend_from_slice(&one[order..]);
    }
    BatchEigen { values, vectors }
}

/// f(A) of N symmetric matrices (N·d² entries), both triangles equal to the last bit.
pub(crate) fn map(order: usize, matrices: &[f64], f: &(dyn Fn(f64) -> f64 + Sync)) -> Vec<f64> {
    with_isa(*ISA, order, matrices, Function(f))
}

/// log A, A^½ or A^{-½} of N positive definite matrices (N·d² entries), both triangles equal to the last bit.
pub(crate) fn fractional(order: usize, matrices: &[f64], f: Fractional) -> Vec<f64> {
    with_isa(*ISA, order, matrices, f)
}

/// What is wanted of every matrix.
trait Job: Copy + Sync {
    /// Whether eigenvectors are needed.
    const VECTORS: bool;
    /// Numbers written for each matrix.
    fn size(self, order: usize) -> usize;
    /// Whether `count` matrices of this order lie side by side in lanes.
    fn side_by_side(self, order: usize, _count: usize) -> bool {
        order <= MAX_LANE_ORDER
    }
    /// Solves a group that was loaded; returns the matrices that it did not solve.
    fn solve<const W: usize>(self, group: &mut Group<W>) -> Mask<W>;
    /// Writes the results of a finished group.
    fn collect<const W: usize>(self, group: &Group<W>, order: usize, out: &mut [f64]);
    /// Writes the result of one matrix of a solved group of large ones.
    fn collect_large<const W: usize, const G: usize>(self, group: &mut Large<W, G>, lane: usize, out: &mut [f64]);
    /// The same from an eigendecomposition of one matrix.
    fn single(self, eigen: &SymmetricEigen, out: &mut [f64]);
}

#[derive(Clone, Copy)]
struct Values;

#[derive(Clone, Copy)]
struct Vectors;

#[derive(Clone, Copy)]
struct Function<'a>(&'a (dyn Fn(f64) -> f64 + Sync));

impl Job for Values {
    const VECTORS: bool = false;

    fn size(self, order: usize) -> usize {
        order
    }

    fn solve<const W: usize>(self, group: &mut Group<W>) -> Mask<W> {
        group.solve(Self::VECTORS)
    }

    fn collect<const W: usize>(self, group: &Group<W>, order: usize, out: &mut [f64]) {
        for (lane, out) in out.chunks_exact_mut(order).enumerate() {
            for k in 0..order {
                out[k] = group.value(lane, k);
            }
            out.sort_unstable_by(f64::total_cmp);
        }
    }

    fn collect_large<const W: usize, const G: usize>(self, group: &mut Large<W, G>, lane: usize, out: &mut [f64]) {
        for (out, value) in out.iter_mut().zip(group.values(lane)) {
            *out = value;
        }
        out.sort_unstable_by(f64::total_cmp);
    }

    fn single(self, eigen: &SymmetricEigen, out: &mut [f64]) {
        out.copy_from_slice(eigen.values.as_slice());
    }
}

impl Job for Vectors {
    const VECTORS: bool = true;

    fn size(self, order: usize) -> usize {
        order + order * order
    }

    fn solve<const W: usize>(self, group: &mut Group<W>) -> Mask<W> {
        group.solve(Self::VECTORS)
    }

    fn collect<const W: usize>(self, group: &Group<W>, order: usize, out: &mut [f64]) {
        let (mut unsorted, mut ranks) = (vec![0.0; order], Vec::with_capacity(order));
        for (lane, out) in out.chunks_exact_mut(self.size(order)).enumerate() {
            for (k, value) in unsorted.iter_mut().enumerate() {
                *value = group.value(lane, k);
            }
            rank(&unsorted, &mut ranks);
            let (values, vectors) = out.split_at_mut(order);
            for (&k, (value, vector)) in ranks.iter().zip(values.iter_mut().zip(vectors.chunks_exact_mut(order))) {
                *value = unsorted[k];
                for (x, y) in vector.iter_mut().zip(group.vector(lane, k)) {
                    *x = y;
                }
            }
        }
    }

    fn collect_large<const W: usize, const G: usize>(self, group: &mut Large<W, G>, lane: usize, out: &mut [f64]) {
        let unsorted: Vec<f64> = group.values(lane).collect();
        let order = unsorted.len();
        let mut ranks = Vec::with_capacity(order);
        rank(&unsorted, &mut ranks);
        let rows = group.vectors(lane);
        let (values, vectors) = out.split_at_mut(order);
        for (&k, (value, out)) in ranks.iter().zip(values.iter_mut().zip(vectors.chunks_exact_mut(order))) {
            *value = unsorted[k];
            out.copy_from_slice(rows.row(k));
        }
    }

    fn single(self, eigen: &SymmetricEigen, out: &mut [f64]) {
        let (values, vectors) = out.split_at_mut(eigen.values.len());
        values.copy_from_slice(eigen.values.as_slice());
        vectors.copy_from_slice(eigen.vectors.as_slice());
    }
}

/// Where the values stand in ascending order.
fn rank(values: &[f64], ranks: &mut Vec<usize>) {
    ranks.clear();
    ranks.extend(0..values.len());
    ranks.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
}

impl Job for Function<'_> {
    const VECTORS: bool = true;

    fn size(self, order: usize) -> usize {
        order * order
    }

    fn solve<const W: usize>(self, group: &mut Group<W>) -> Mask<W> {
        let failed = group.solve(true);
        group.apply(self.0);
        failed
    }

    fn collect<const W: usize>(self, group: &Group<W>, _: usize, out: &mut [f64]) {
        group.store(out);
    }

    fn collect_large<const W: usize, const G: usize>(self, group: &mut Large<W, G>, lane: usize, out: &mut [f64]) {
        group.map(lane, self.0, out);
    }

    fn single(self, eigen: &SymmetricEigen, out: &mut [f64]) {
        out.copy_from_slice(eigen.map(self.0).as_slice());
    }
}

impl Job for Fractional {
    const VECTORS: bool = true;

    fn size(self, order: usize) -> usize {
        order * order
    }

    fn side_by_side(self, order: usize, count: usize) -> bool {
        order <= MAX_SPARE_ORDER || count >= FEW && FRACTIONAL_ORDERS.contains(&order)
    }

    fn solve<const W: usize>(self, group: &mut Group<W>) -> Mask<W> {
        if FRACTIONAL_ORDERS.contains(&group.order()) {
            return group.fractional(self, MAX_LEVEL);
        }
        let failed = group.solve(true);
        group.apply_fractional(self);
        failed
    }

    fn collect<const W: usize>(self, group: &Group<W>, _: usize, out: &mut [f64]) {
        group.store(out);
    }

    fn collect_large<const W: usize, const G: usize>(self, group: &mut Large<W, G>, lane: usize, out: &mut [f64]) {
        group.map(lane, &|x| self.of(x), out);
    }

    fn single(self, eigen: &SymmetricEigen, out: &mut [f64]) {
        out.copy_from_slice(eigen.map(|x| self.of(x)).as_slice());
    }
}

fn with_isa(isa: Isa, order: usize, matrices: &[f64], job: impl Job) -> Vec<f64> {
    match isa {
        Isa::Portable => grouped::<2, 4>(isa, order, matrices, job),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => grouped::<4, 8>(isa, order, matrices, job),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if order <= MAX_DOUBLE_ORDER => grouped::<16, 16>(isa, order, matrices, job),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => grouped::<8, 16>(isa, order, matrices, job),
    }
}

fn blocked(order: usize, matrix: &[f64]) -> SymmetricEigen {
    dense::eigen(&DMatrix::from_column_slice(order, order, matrix))
}

/// Groups of W matrices, threads over groups.
fn grouped<const W: usize, const G: usize>(isa: Isa, order: usize, matrices: &[f64], job: impl Job) -> Vec<f64> {
    let sizes = (order * order, job.size(order));
    if job.side_by_side(order, matrices.len() / sizes.0.max(1)) {
        let group = || Group::<W>::new(order, isa);
        by_chunks(matrices, W, sizes, group, |group, matrices, out| {
            solve_group(group, order, matrices, job, out);
        })
    } else if order <= MAX_UNBLOCKED_ORDER {
        let group = || Large::<W, G>::new(order, isa);
        by_chunks(matrices, G, sizes, group, |group, matrices, out| {
            solve_large(group, order, matrices, job, out);
        })
    } else {
        by_chunks(
            matrices,
            1,
            sizes,
            || (),
            |_, matrix, out| {
                job.single(&blocked(order, matrix), out);
            },
        )
    }
}

/// Results of `count` matrices at a time, in order; a matrix has sizes.0 numbers, its result sizes.1.
fn by_chunks<T>(
    matrices: &[f64],
    count: usize,
    sizes: (usize, usize),
    workspace: impl Fn() -> T + Sync + Send,
    solve: impl Fn(&mut T, &[f64], &mut [f64]) + Sync + Send,
) -> Vec<f64> {
    if matrices.is_empty() {
        return Vec::new();
    }
    let len = |matrices: &[f64]| matrices.len() / sizes.0 * sizes.1;
    if rayon::current_num_threads() > 1 {
        let mut out = vec![0.0; len(matrices)];
        let chunks = matrices.par_chunks(count * sizes.0);
        chunks
            .zip(out.par_chunks_mut(count * sizes.1))
            .for_each_init(workspace, |workspace, (matrices, out)| solve(workspace, matrices, out));
        return out;
    }
    // Zeros just before they are overwritten are still in the cache.
    let (mut workspace, mut out) = (workspace(), Vec::with_capacity(len(matrices)));
    for matrices in matrices.chunks(count * sizes.0) {
        let start = out.len();
        out.resize(start + len(matrices), 0.0);
        solve(&mut workspace, matrices, &mut out[start..]);
    }
    out
}

fn solve_large<const W: usize, const G: usize, J: Job>(
    group: &mut Large<W, G>,
    order: usize,
    matrices: &[f64],
    job: J,
    out: &mut [f64],
) {
    let failed = group.solve(matrices, J::VECTORS);
    let each = matrices
        .chunks_exact(order * order)
        .zip(out.chunks_exact_mut(job.size(order)));
    for (lane, (matrix, out)) in each.enumerate() {
        if failed[lane] {
            job.single(&blocked(order, matrix), out);
        } else {
            job.collect_large(group, lane, out);
        }
    }
}

fn solve_group<const W: usize, J: Job>(group: &mut Group<W>, order: usize, matrices: &[f64], job: J, out: &mut [f64]) {
    group.load(matrices.chunks_exact(order * order));
    let failed = job.solve(group);
    job.collect(group, order, out);
    let each = matrices
        .chunks_exact(order * order)
        .zip(out.chunks_exact_mut(job.size(order)));
    for (_, (matrix, out)) in failed.iter().zip(each).filter(|(failed, _)| **failed) {
        job.single(&blocked(order, matrix), out);
    }
}

/// The eigendecomposition of one small matrix by the kernels of the batches, one lane wide.
pub(super) fn single(matrix: &DMatrix<f64>) -> SymmetricEigen {
    let order = matrix.nrows();
    let mut out = vec![0.0; Vectors.size(order)];
    solve_group(
        &mut Group::<1>::new(order, *ISA),
        order,
        matrix.as_slice(),
        Vectors,
        &mut out,
    );
    SymmetricEigen {
        values: nalgebra::DVector::from_column_slice(&out[..order]),
        vectors: DMatrix::from_column_slice(order, order, &out[order..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    /// Symmetric matrices with spectra that are spread, repeated, clustered, graded, huge and tiny.
    fn nasty(order: usize, count: usize) -> Vec<f64> {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(7 + order as u64);
        let mut data = Vec::new();
        for index in 0..count {
            let g = DMatrix::from_fn(order, order, |_, _| rng.random_range(-1.0..1.0));
            let q = g.qr().q();
            let spectrum = DMatrix::from_diagonal(&nalgebra::DVector::from_fn(order, |i, _| match index % 7 {
                0 => rng.random_range(-1.0..1.0),
                1 => 1.0,
                2 => 1.0 + 1e-13 * i as f64,
                3 => 10f64.powi(-(i as i32)),
                4 => 1e200 * rng.random_range(0.5..1.0),
                5 => 1e-200 * rng.random_range(0.5..1.0),
                _ => f64::from(u8::from(i == 0)),
            }));
            let a = &q * spectrum * q.transpose();
            data.extend_from_slice(((&a + a.transpose()) * 0.5).as_slice());
        }
        // A zero matrix and a diagonal one.
        data.extend(vec![0.0; order * order]);
        data.extend_from_slice(
            DMatrix::from_fn(order, order, |i, j| if i == j { i as f64 - 1.5 } else { 0.0 }).as_slice(),
        );
        data
    }

    #[test]
    fn every_instruction_set_diagonalises() {
        for order in [1, 2, 3, 5, 8, 22, 26, 27, 33, 60, 75] {
            let matrices = nasty(order, 21);
            for isa in Isa::available() {
                let joined = with_isa(isa, order, &matrices, Vectors);
                let values = with_isa(isa, order, &matrices, Values);
                for (index, (matrix, one)) in matrices
                    .chunks_exact(order * order)
                    .zip(joined.chunks_exact(order + order * order))
                    .enumerate()
                {
                    let a = DMatrix::from_column_slice(order, order, matrix);
                    let v = DMatrix::from_column_slice(order, order, &one[order..]);
                    let d = nalgebra::DVector::from_column_slice(&one[..order]);
                    // Backward stability: residuals of order n ε ‖A‖, constant of the two phases below 20.
                    let bound = 20.0 * order as f64 * f64::EPSILON;
                    let residual = (&a * &v - &v * DMatrix::from_diagonal(&d)).amax();
                    assert!(
                        residual <= bound * a.amax() * order as f64,
                        "{isa:?} order {order} matrix {index}: {residual:e}"
                    );
                    let orthogonal = (v.transpose() * &v - DMatrix::identity(order, order)).amax();
                    assert!(
                        orthogonal <= bound,
                        "{isa:?} order {order} matrix {index}: {orthogonal:e}"
                    );
                    assert!(d.as_slice().is_sorted());
                    for (x, y) in values[index * order..].iter().zip(d.iter()) {
                        assert!((x - y).abs() <= bound * a.amax() * order as f64);
                    }
                }
            }
        }
    }

    #[test]
    fn a_result_does_not_depend_on_its_neighbours() {
        let sets = [11, 75]
            .into_iter()
            .flat_map(|order| Isa::available().into_iter().map(move |isa| (order, isa)));
        for (order, isa) in sets {
            let size = order * order;
            let matrices = nasty(order, 20);
            let together = with_isa(isa, order, &matrices, Vectors);
            for (index, matrix) in matrices.chunks_exact(size).enumerate() {
                let alone = with_isa(isa, order, matrix, Vectors);
                assert_eq!(
                    alone,
                    together[index * (order + size)..(index + 1) * (order + size)],
                    "{isa:?} {index}"
                );
            }
        }
    }

    #[test]
    fn functions_are_those_of_the_eigenvalues() {
        for order in [1, 2, 7, 22, 60, 75] {
            let matrices = nasty(order, 3);
            let mapped = map(order, &matrices, &|x| x * x + 2.0 * x);
            for (matrix, mapped) in matrices
                .chunks_exact(order * order)
                .zip(mapped.chunks_exact(order * order))
            {
                let a = DMatrix::from_column_slice(order, order, matrix);
                let b = DMatrix::from_column_slice(order, order, mapped);
                assert_eq!(b, b.transpose());
                let expected = &a * &a + &a * 2.0;
                // Spectra lie in [-1.5, order], so the image is bounded by its largest entry.
                let bound = 40.0 * (order * order) as f64 * f64::EPSILON * (expected.amax() + a.amax());
                assert!((b - expected).amax() <= bound);
            }
        }
    }

    /// Positive definite matrices with spectra that are spread, repeated, clustered, graded, huge and tiny.
    fn positive(order: usize, count: usize) -> Vec<f64> {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(3 + order as u64);
        let mut data = Vec::new();
        for index in 0..count {
            let g = DMatrix::from_fn(order, order, |_, _| rng.random_range(-1.0..1.0));
            let q = g.qr().q();
            let part = |i: usize| i as f64 / order as f64;
            let spectrum = DMatrix::from_diagonal(&nalgebra::DVector::from_fn(order, |i, _| match index % 8 {
                0 => rng.random_range(0.1..1.0),
                1 => 1.0,
                2 => 1.0 + 1e-13 * i as f64,
                3 => 10f64.powf(-8.0 * part(i)),
                4 => 1e200 * rng.random_range(0.5..1.0),
                5 => 1e-200 * rng.random_range(0.5..1.0),
                6 => 1e-26 * 10f64.powf(12.0 * part(i)),
                _ => 1e-4 + f64::from(u8::from(i == 0)),
            }));
            let a = &q * spectrum * q.transpose();
            data.extend_from_slice(((&a + a.transpose()) * 0.5).as_slice());
        }
        data.extend_from_slice(
            DMatrix::from_fn(order, order, |i, j| if i == j { i as f64 + 1.5 } else { 0.0 }).as_slice(),
        );
        data
    }

    #[test]
    fn logarithms_and_roots_without_vectors_are_those_with_vectors() {
        let orders = [1, 2, 5, 6, 7, 12, 33, 60, 140];
        for (order, isa) in orders
            .into_iter()
            .flat_map(|n| Isa::available().into_iter().map(move |isa| (n, isa)))
        {
            let matrices = positive(order, if order > MAX_SPARE_ORDER { 4 } else { 24 });
            for f in [Fractional::Log, Fractional::Sqrt, Fractional::InverseSqrt] {
                let found = with_isa(isa, order, &matrices, f);
                let each = matrices
                    .chunks_exact(order * order)
                    .zip(found.chunks_exact(order * order));
                for (index, (matrix, found)) in each.enumerate() {
                    let eigen = blocked(order, matrix);
                    let found = DMatrix::from_column_slice(order, order, found);
                    assert_eq!(found, found.transpose());
                    // Both errors are those of a change of A by n ε ‖A‖, and n roundings of the result.
                    let (least, most) = (eigen.values[0], eigen.values[order - 1]);
                    let slope = match f {
                        Fractional::Log => 1.0 / least,
                        Fractional::Sqrt => 0.5 / least.sqrt(),
                        Fractional::InverseSqrt => 0.5 / least / least.sqrt(),
                    };
                    let size = f.of(least).abs().max(f.of(most).abs());
                    let bound = 20.0 * order as f64 * f64::EPSILON * (most * slope + size);
                    let error = (&found - eigen.map(|x| f.of(x))).norm();
                    assert!(
                        error <= bound,
                        "{isa:?} {f:?} order {order} matrix {index}: {error:e} > {bound:e}"
                    );
                }
                if order > MAX_SPARE_ORDER {
                    continue;
                }
                // No result depends on its neighbours.
                for (index, matrix) in matrices.chunks_exact(order * order).enumerate().step_by(5) {
                    let alone = with_isa(isa, order, matrix, f);
                    assert_eq!(alone, found[index * order * order..(index + 1) * order * order]);
                }
            }
        }
    }

    #[test]
    fn matrices_that_are_not_positive_do_not_disturb_the_others() {
        for order in [6, 7, 9] {
            let good = positive(order, 2);
            let bad = nasty(order, 7);
            // Minus the identity meets a pole: its lane is full of NaN when it goes on to the next matrix.
            let minus = DMatrix::from_diagonal_element(order, order, -1.0);
            let mixed = [&good[..], &bad, &minus.as_slice().repeat(16), &good].concat();
            for isa in Isa::available() {
                let alone = with_isa(isa, order, &good, Fractional::Log);
                let found = with_isa(isa, order, &mixed, Fractional::Log);
                assert_eq!(found[..good.len()], alone);
                assert_eq!(found[found.len() - good.len()..], alone);
            }
        }
    }

    #[test]
    fn empty_batches_give_nothing() {
        assert!(values(4, &[]).is_empty());
        assert!(map(4, &[], &f64::exp).is_empty());
        assert!(eigen(4, &[]).vectors.is_empty());
    }
}
