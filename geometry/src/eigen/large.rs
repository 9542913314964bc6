//! Eigenproblems of matrices too large to lie side by side in the cache: each is reduced, and its vectors are formed,
//! across the registers ([`super::rows`]); only the iteration on the tridiagonal matrices, which is a chain of square
//! roots and divisions, runs in lanes.

use super::group::{Isa, Kernel, on, power_of_two_scale};
use super::implicit_ql::{Rotations, implicit_ql};
use super::lanes::{Lanes, Mask};
use super::root_free::eigenvalues;
use super::rows::{Recorded, Reflections, Rows, reconstruct};

/// Rows that share the registers loaded for them.
const TOGETHER: usize = 4;

/// Working memory for G matrices on registers of W numbers, allocated once a thread.
pub(super) struct Large<const W: usize, const G: usize> {
    order: usize,
    isa: Isa,
    /// Lower triangles, then the vectors of the reflections.
    a: Vec<Rows<W>>,
    reflections: Vec<Reflections>,
    diagonal: Vec<Lanes<G>>,
    off: Vec<Lanes<G>>,
    rotations: Rotations<G>,
    recorded: Recorded<G>,
    scale: [f64; G],
    q: Rows<W>,
    scaled: Rows<W>,
    image: Rows<W>,
}

impl<const W: usize, const G: usize> Large<W, G> {
    pub(super) fn new(order: usize, isa: Isa) -> Self {
        Self {
            order,
            isa,
            a: (0..G).map(|_| Rows::zeros(order)).collect(),
            reflections: (0..G).map(|_| Reflections::zeros(order)).collect(),
            diagonal: vec![Lanes::ZERO; order],
            off: vec![Lanes::ZERO; order],
            rotations: Rotations::zeros(order),
            recorded: Recorded::new(),
            scale: [1.0; G],
            q: Rows::zeros(order),
            scaled: Rows::zeros(order),
            image: Rows::zeros(order),
        }
    }

    /// Eigenvalues of 1 to G symmetric matrices, n² entries each, and with `vectors` all that [`Self::solution`] needs.
    /// Returns the matrices that did not converge.
    pub(super) fn solve(&mut self, matrices: &[f64], vectors: bool) -> Mask<G> {
        let n = self.order;
        self.diagonal.fill(Lanes::ZERO);
        self.off.fill(Lanes::ZERO);
        for (lane, matrix) in matrices.chunks_exact(n * n).enumerate() {
            self.scale[lane] = power_of_two_scale(matrix);
            self.a[lane].load_lower(matrix, self.scale[lane]);
            let reduced = &mut self.reflections[lane];
            on(
                self.isa,
                Reduce {
                    a: &mut self.a[lane],
                    reduced,
                },
            );
            for k in 0..n {
                self.diagonal[k].0[lane] = reduced.diagonal[k];
                self.off[k].0[lane] = reduced.off[k];
            }
        }
        self.recorded.clear();
        let mut failed = [false; G];
        let iterate = Iterate {
            diagonal: &mut self.diagonal,
            off: &mut self.off,
            rotations: &mut self.rotations,
            recorded: vectors.then_some(&mut self.recorded),
            failed: &mut failed,
        };
        on(self.isa, iterate);
        failed
    }

    /// Eigenvalues of the matrix in `lane`, in no order.
    pub(super) fn values(&self, lane: usize) -> impl Iterator<Item = f64> {
        self.diagonal.iter().map(move |d| d.0[lane] / self.scale[lane])
    }

    /// Eigenvectors of the matrix in `lane`, row k that of value k.
    pub(super) fn vectors(&mut self, lane: usize) -> &Rows<W> {
        let form = Form {
            a: &self.a[lane],
            reflections: &self.reflections[lane],
            recorded: &self.recorded,
            lane,
            q: &mut self.q,
        };
        on(self.isa, form);
        &self.q
    }

    /// f(A) of the matrix in `lane`, both triangles.
    pub(super) fn map(&mut self, lane: usize, f: &dyn Fn(f64) -> f64, out: &mut [f64]) {
        let n = self.order;
        let images: Vec<f64> = self.values(lane).map(f).collect();
        self.vectors(lane);
        let product = Product {
            f: &images,
            q: &self.q,
            scaled: &mut self.scaled,
            image: &mut self.image,
        };
        on(self.isa, product);
        for i in 0..n {
            for (j, x) in self.image.row(i)[..=i].iter().enumerate() {
                out[i * n + j] = *x;
                out[j * n + i] = *x;
            }
        }
    }
}

struct Reduce<'a, const W: usize> {
    a: &'a mut Rows<W>,
    reduced: &'a mut Reflections,
}

impl<const W: usize> Kernel for Reduce<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        if W >= TOGETHER {
            self.reduced.reduce::<W, TOGETHER, FMA>(self.a);
        } else {
            self.reduced.reduce::<W, 1, FMA>(self.a);
        }
    }
}

struct Iterate<'a, const G: usize> {
    diagonal: &'a mut [Lanes<G>],
    off: &'a mut [Lanes<G>],
    rotations: &'a mut Rotations<G>,
    recorded: Option<&'a mut Recorded<G>>,
    failed: &'a mut Mask<G>,
}

impl<const G: usize> Kernel for Iterate<'_, G> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Some(recorded) = self.recorded else {
            *self.failed = eigenvalues::<G, FMA>(self.diagonal, self.off);
            return;
        };
        // The values first, which cost little: with them as shifts most sweeps deflate at once, and there are 0.7 n²
        // rotations to apply instead of 1.1 n².
        let (mut known, mut off) = (self.diagonal.to_vec(), self.off.to_vec());
        eigenvalues::<G, FMA>(&mut known, &mut off);
        *self.failed = implicit_ql::<G, FMA>(self.diagonal, self.off, Some(&known), recorded, self.rotations);
    }
}

struct Form<'a, const W: usize, const G: usize> {
    a: &'a Rows<W>,
    reflections: &'a Reflections,
    recorded: &'a Recorded<G>,
    lane: usize,
    q: &'a mut Rows<W>,
}

impl<const W: usize, const G: usize> Kernel for Form<'_, W, G> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.reflections.accumulate::<W, TOGETHER, FMA>(self.a, self.q);
        self.recorded.apply::<W, FMA>(self.lane, self.q);
    }
}

struct Product<'a, const W: usize> {
    f: &'a [f64],
    q: &'a Rows<W>,
    scaled: &'a mut Rows<W>,
    image: &'a mut Rows<W>,
}

impl<const W: usize> Kernel for Product<'_, W> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        reconstruct::<W, FMA>(self.f, self.q, self.scaled, self.image);
    }
}
