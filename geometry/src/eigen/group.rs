//! Eigenproblems of up to W matrices of one order, side by side in the lanes of vector registers.

use super::implicit_ql::{Rotations, implicit_ql};
use super::lanes::{LaneMatrix, Lanes, Mask, one_by_one};
use super::partial_fractions::{Fractional, PartialFractions};
use super::root_free::eigenvalues;
use super::transpose::transpose;
use super::tridiagonal::Tridiagonal;

/// Instruction set that the kernels are compiled for, chosen at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    /// What every machine of the target has.
    Portable,
    /// 256-bit registers with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit registers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The widest set this machine has.
    pub(crate) fn detect() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }

    /// All sets this machine has, narrowest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                    sets.push(Self::Avx512);
                }
            }
        }
        sets
    }
}

/// Work that is compiled once for every instruction set.
pub(crate) trait Kernel {
    /// Must be `#[inline(always)]`, so that it is compiled for the set of its caller.
    fn run<const FMA: bool>(self);
}

/// Runs a kernel on the given instruction set.
pub(crate) fn on(isa: Isa, kernel: impl Kernel) {
    match isa {
        Isa::Portable => kernel.run::<false>(),
        // SAFETY: an `Isa` other than `Portable` comes from `available`, which saw the features on this machine.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { run_avx2(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { run_avx512(kernel) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2(kernel: impl Kernel) {
    kernel.run::<true>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
fn run_avx512(kernel: impl Kernel) {
    kernel.run::<true>();
}

/// Working memory for one group: everything a group needs, allocated once a thread.
pub(crate) struct Group<const W: usize> {
    order: usize,
    pub(super) isa: Isa,
    /// The matrices (lower triangles), then the vectors of the reflections, then f(A).
    pub(super) a: LaneMatrix<W>,
    /// Row k: the k-th eigenvector.
    pub(super) q: LaneMatrix<W>,
    /// Rows of `q` scaled by f.
    scaled: LaneMatrix<W>,
    tridiagonal: Tridiagonal<W>,
    rotations: Rotations<W>,
    fractions: PartialFractions<W>,
    /// Power of two that each matrix was multiplied by.
    pub(super) scale: [f64; W],
}

impl<const W: usize> Group<W> {
    pub(crate) fn new(order: usize, isa: Isa) -> Self {
        Self {
            order,
            isa,
            a: LaneMatrix::zeros(order),
            q: LaneMatrix::zeros(order),
            scaled: LaneMatrix::zeros(order),
            tridiagonal: Tridiagonal::zeros(order),
            rotations: Rotations::zeros(order),
            fractions: PartialFractions::zeros(order),
            scale: [1.0; W],
        }
    }

    pub(crate) fn order(&self) -> usize {
        self.order
    }

    /// Loads 1 to W symmetric matrices, n² entries each; the lanes left repeat the last.
    pub(crate) fn load<'a>(&mut self, matrices: impl IntoIterator<Item = &'a [f64]>) {
        let mut matrices = matrices.into_iter();
        let mut last: &[f64] = &[];
        let matrices: [&[f64]; W] = std::array::from_fn(|_| {
            last = matrices.next().unwrap_or(last);
            last
        });
        on(self.isa, Load { group: self, matrices });
    }

    /// Solves the eigenproblems loaded; with `vectors`, row k of the result belongs to value k. Returns the matrices
    /// that did not converge.
    pub(crate) fn solve(&mut self, vectors: bool) -> Mask<W> {
        let mut failed = [false; W];
        on(
            self.isa,
            Solve {
                vectors,
                failed: &mut failed,
                group: self,
            },
        );
        failed
    }

    /// f(A) of the matrices loaded, without eigenvectors. Returns the matrices whose spectra do not allow that.
    /// `limit`: see [`PartialFractions::evaluate`].
    pub(crate) fn fractional(&mut self, f: Fractional, limit: usize) -> Mask<W> {
        let mut failed = [false; W];
        on(
            self.isa,
            Evaluate {
                f,
                limit,
                failed: &mut failed,
                group: self,
            },
        );
        std::mem::swap(&mut self.a, &mut self.q);
        failed
    }

    /// tr log A and tr log² A of the matrices loaded. `limit` and result as above.
    pub(crate) fn log_squares(&mut self, limit: usize) -> ([Lanes<W>; 2], Mask<W>) {
        let (mut failed, mut sums) = ([false; W], [Lanes::ZERO; 2]);
        on(
            self.isa,
            SumLogarithms {
                limit,
                failed: &mut failed,
                sums: &mut sums,
                group: self,
            },
        );
        (sums, failed)
    }

    /// Eigenvalue k of the matrix in `lane`.
    pub(crate) fn value(&self, lane: usize, k: usize) -> f64 {
        self.tridiagonal.diagonal[k].0[lane] / self.scale[lane]
    }

    /// Eigenvector k of the matrix in `lane`.
    pub(crate) fn vector(&self, lane: usize, k: usize) -> impl Iterator<Item = f64> {
        self.q.row(k).iter().map(move |x| x.0[lane])
    }

    /// f(A) of the matrices solved with vectors.
    pub(crate) fn apply(&mut self, f: &(dyn Fn(f64) -> f64 + Sync)) {
        for k in 0..self.order {
            let mut image = Lanes::ZERO;
            for lane in 0..W {
                image.0[lane] = f(self.value(lane, k));
            }
            self.tridiagonal.off[k] = image;
        }
        on(self.isa, Reconstruct { group: self, f: None });
    }

    /// [`Self::apply`] of a function whose values are taken side by side.
    pub(crate) fn apply_fractional(&mut self, f: Fractional) {
        on(
            self.isa,
            Reconstruct {
                group: self,
                f: Some(f),
            },
        );
    }

    /// Writes what [`Self::apply`] computed, n² entries for each of 1 to W matrices.
    pub(crate) fn store(&self, out: &mut [f64]) {
        on(self.isa, Store { group: self, out });
    }
}

/// Brings matrices side by side, the largest entry of each near 1, so that squares neither overflow nor vanish.
struct Load<'a, 'm, const W: usize> {
    group: &'a mut Group<W>,
    matrices: [&'m [f64]; W],
}

impl<const W: usize> Kernel for Load<'_, '_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Group {
            order: n,
            isa,
            a,
            scale,
            ..
        } = self.group;
        let n = *n;
        let mut most = Lanes::ZERO;
        for i in 0..n {
            let row = a.row_mut(i);
            // Whole blocks may reach beyond the diagonal.
            let blocks = (i / W + 1).min(n / W);
            for (b, block) in row.as_chunks_mut::<W>().0[..blocks].iter_mut().enumerate() {
                let mut numbers = [[0.0; W]; W];
                for (numbers, matrix) in numbers.iter_mut().zip(&self.matrices) {
                    numbers.copy_from_slice(&matrix[i * n + b * W..][..W]);
                }
                for (x, numbers) in block.iter_mut().zip(transpose(*isa, &numbers)) {
                    *x = Lanes(numbers);
                    most = Lanes::select_less(most, x.abs(), x.abs(), most);
                }
            }
            for j in blocks * W..=i {
                for lane in 0..W {
                    row[j].0[lane] = self.matrices[lane][i * n + j];
                }
                most = Lanes::select_less(most, row[j].abs(), row[j].abs(), most);
            }
        }
        *scale = most.0.map(scale_of);
        if *scale == [1.0; W] {
            return;
        }
        for i in 0..n {
            for x in &mut a.row_mut(i)[..=i] {
                *x = *x * Lanes(*scale);
                one_by_one();
            }
        }
    }
}

/// Takes symmetric matrices that lie side by side apart, both triangles equal.
struct Store<'a, const W: usize> {
    group: &'a Group<W>,
    out: &'a mut [f64],
}

impl<const W: usize> Kernel for Store<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Group { order: n, isa, a, .. } = self.group;
        let n = *n;
        if n < W {
            for (lane, out) in self.out.chunks_exact_mut(n * n).enumerate() {
                for i in 0..n {
                    for j in 0..=i {
                        let x = a[(i, j)].0[lane];
                        (out[i * n + j], out[j * n + i]) = (x, x);
                    }
                }
            }
            return;
        }
        for i in 0..n {
            for block in 0..n.div_ceil(W) {
                // The last block reaches back over the one before.
                let first = (block * W).min(n - W);
                let mut numbers = [[0.0; W]; W];
                for j in 0..W {
                    numbers[j] = a[(i.max(first + j), i.min(first + j))].0;
                }
                let rows = transpose(*isa, &numbers);
                for (out, row) in self.out.chunks_exact_mut(n * n).zip(&rows) {
                    out[i * n + first..][..W].copy_from_slice(row);
                }
            }
        }
    }
}

struct Evaluate<'a, const W: usize> {
    group: &'a mut Group<W>,
    f: Fractional,
    limit: usize,
    failed: &'a mut Mask<W>,
}

impl<const W: usize> Kernel for Evaluate<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let group = self.group;
        let form = &mut group.tridiagonal;
        form.reduce::<FMA>(&mut group.a, group.order);
        let form_of = [&form.diagonal[..], &form.off];
        let fractions = &mut group.fractions;
        *self.failed = fractions.evaluate::<FMA>(self.f, self.limit, form_of, &group.scale, &mut group.q);
        form.restore::<FMA>(&group.a, &mut group.q, group.order);
    }
}

struct SumLogarithms<'a, const W: usize> {
    group: &'a mut Group<W>,
    limit: usize,
    failed: &'a mut Mask<W>,
    sums: &'a mut [Lanes<W>; 2],
}

impl<const W: usize> Kernel for SumLogarithms<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let group = self.group;
        group.tridiagonal.reduce::<FMA>(&mut group.a, group.order);
        let form = [&group.tridiagonal.diagonal[..], &group.tridiagonal.off];
        (*self.sums, *self.failed) = group.fractions.log_squares::<FMA>(self.limit, form, &group.scale);
    }
}

/// The power of two that brings the largest entry near 1, so that squares neither overflow nor vanish.
pub(crate) fn power_of_two_scale(matrix: &[f64]) -> f64 {
    let mut most = [0.0_f64; 8];
    let (chunks, rest) = matrix.as_chunks::<8>();
    for chunk in chunks {
        for (most, x) in most.iter_mut().zip(chunk) {
            *most = if x.abs() > *most { x.abs() } else { *most };
        }
    }
    scale_of(most.iter().chain(rest).fold(0.0_f64, |m, x| m.max(x.abs())))
}

/// The power of two that brings a positive number near 1.
fn scale_of(largest: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    // The exponent field; logarithms would take a tenth of the time of an eigenproblem of order 3.
    let exponent = (largest.to_bits() >> 52) as i32 - 1023;
    f64::from_bits(((1023 - exponent.clamp(-1000, 1000)) as u64) << 52)
}

struct Solve<'a, const W: usize> {
    group: &'a mut Group<W>,
    vectors: bool,
    failed: &'a mut Mask<W>,
}

impl<const W: usize> Kernel for Solve<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Group {
            order,
            a,
            q,
            tridiagonal,
            rotations,
            ..
        } = self.group;
        tridiagonal.reduce::<FMA>(a, *order);
        if self.vectors {
            tridiagonal.accumulate::<FMA>(a, q, *order);
        }
        let Tridiagonal { diagonal, off, .. } = tridiagonal;
        *self.failed = if self.vectors {
            implicit_ql::<W, FMA>(diagonal, off, None, q, rotations)
        } else {
            eigenvalues::<W, FMA>(diagonal, off)
        };
    }
}

/// Σ_k f_k q_k q_kᵀ from the eigenvectors; f_k = f(λ_k), or what stands where the couplings were.
struct Reconstruct<'a, const W: usize> {
    group: &'a mut Group<W>,
    f: Option<Fractional>,
}

impl<const W: usize> Kernel for Reconstruct<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let group = self.group;
        if let Some(f) = self.f {
            let unit = Lanes(group.scale.map(f64::recip));
            let Tridiagonal { diagonal, off, .. } = &mut group.tridiagonal;
            for (image, value) in off.iter_mut().zip(diagonal.iter()) {
                *image = f.of_lanes::<W, FMA>(*value * unit);
                one_by_one();
            }
        }
        reconstruct::<W, FMA>(group);
    }
}

/// Rows and columns of the result that are computed together.
const TILE: (usize, usize) = (2, 4);

/// A ← Σ_k f_k q_k q_kᵀ, lower triangle; f_k stands where the couplings were.
#[inline(always)]
fn reconstruct<const W: usize, const FMA: bool>(group: &mut Group<W>) {
    let n = group.order;
    for k in 0..n {
        let f = group.tridiagonal.off[k];
        for (x, y) in group.scaled.row_mut(k).iter_mut().zip(group.q.row(k)) {
            *x = *y * f;
            one_by_one();
        }
    }
    for i in (0..n).step_by(TILE.0) {
        let rows = TILE.0.min(n - i);
        for j in (0..i + rows).step_by(TILE.1) {
            if rows == TILE.0 && j + TILE.1 <= n {
                let mut sums = [[Lanes::<W>::ZERO; TILE.1]; TILE.0];
                for k in 0..n {
                    let left = &group.scaled.row(k)[i..i + TILE.0];
                    let right = &group.q.row(k)[j..j + TILE.1];
                    for a in 0..TILE.0 {
                        for b in 0..TILE.1 {
                            sums[a][b] = left[a].mul_add::<FMA>(right[b], sums[a][b]);
                        }
                    }
                }
                for (a, sums) in sums.iter().enumerate() {
                    group.a.row_mut(i + a)[j..j + TILE.1].copy_from_slice(sums);
                }
            } else {
                for a in 0..rows {
                    for b in 0..TILE.1.min(n - j) {
                        let mut sum = Lanes::ZERO;
                        for k in 0..n {
                            sum = group.scaled[(k, i + a)].mul_add::<FMA>(group.q[(k, j + b)], sum);
                        }
                        group.a[(i + a, j + b)] = sum;
                    }
                }
            }
        }
    }
}
