//! GKL(l): a Krylov basis of the residual (Vecharynski & Saad 2014, in the sparse form of Deng et al. 2024).

use faer::{Mat, MatRef};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::error::{Result, SsvdError};
use crate::tall::{mul, mul_add};
use crate::update::exact::Exact;
use crate::update::residual::{Basis, Residual};
use crate::update::{Augmentation, sealed};

/// Keeps l directions: the Lanczos space of Y^T Y from a random start, Y the residual of the new vectors. The start
/// favours the columns of Y with much energy. Up to l vectors are taken whole, as [`super::Exact`] does.
///
/// A space that closes early (rank of Y below l) ends the iteration: then the update is exact.
/// Cost O(l nnz + l k q + (k + l)^3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gkl {
    /// Number of directions.
    pub l: usize,
}

impl sealed::Sealed for Gkl {}

impl Augmentation for Gkl {
    const NAME: &'static str = "gkl";

    fn check(&self) -> Result<()> {
        check_directions(self.l)
    }

    fn basis(&self, y: &Residual, rng: &mut Pcg64) -> Basis {
        if self.l >= y.count() {
            return Exact.basis(y, rng);
        }
        let space = lanczos_space(y, self.l, rng, |_| false);
        Basis {
            select: y.orthonormal(weighted(y, space)),
        }
    }
}

pub(crate) fn check_directions(l: usize) -> Result<()> {
    if l > 0 {
        Ok(())
    } else {
        Err(SsvdError::Option {
            name: "l",
            value: 0.0,
            expected: "at least 1",
        })
    }
}

/// diag(proportions) P: combinations of the true vectors in terms of the scaled ones.
pub(crate) fn weighted(y: &Residual, mut space: Mat<f64>) -> Mat<f64> {
    let weights = y.proportions();
    (0..space.nrows()).for_each(|i| space.row_mut(i).iter_mut().for_each(|x| *x *= weights[i]));
    space
}

/// W p for W = Y^T Y of the true vectors, blocks of columns at once.
fn normal_times(y: &Residual, weights: &[f64], space: MatRef<'_, f64>) -> Mat<f64> {
    let scaled = |x: MatRef<'_, f64>| Mat::from_fn(x.nrows(), x.ncols(), |i, j| weights[i] * x[(i, j)]);
    let (b, c) = y.pair(scaled(space).as_ref());
    scaled(y.transpose_times(&b, &c).as_ref())
}

/// Orthonormal Lanczos vectors of W, at most l, until the space closes or `enough(captured energy)` says stop.
pub(crate) fn lanczos_space(y: &Residual, l: usize, rng: &mut Pcg64, enough: impl Fn(f64) -> bool) -> Mat<f64> {
    let q = y.count();
    let weights = y.proportions();
    let own: f64 = y.energies().iter().zip(&weights).map(|(e, w)| e.0 * w * w).sum();
    let l = l.min(q);
    let mut space = Mat::<f64>::zeros(q, l);
    let mut found = 0;
    // The start W g lies in the range of W.
    let mut next = normal_times(y, &weights, y.random_combinations(1, rng).as_ref());
    let mut captured = 0.0;
    while found < l {
        let before = space.subcols(0, found);
        // A second time where little is left of the vector (Daniel, Gragg, Kaufman, Stewart 1976).
        let mut size = next.norm_l2();
        for _ in 0..2 {
            let along = mul(before.transpose(), next.as_ref());
            mul_add(&mut next, -1.0, before, along.as_ref());
            let was = std::mem::replace(&mut size, next.norm_l2());
            if size > 0.7 * was {
                break;
            }
        }
        if size.is_nan() || size <= y.floor() * own {
            break;
        }
        (0..q).for_each(|i| space[(i, found)] = next[(i, 0)] / size);
        let direction = space.subcols(found, 1);
        next = normal_times(y, &weights, direction);
        captured += mul(direction.transpose(), next.as_ref())[(0, 0)];
        found += 1;
        if enough(captured) {
            break;
        }
    }
    space.subcols(0, found).to_owned()
}
