//! How new vectors enter the extended decomposition: residuals, the core, its triplets, the new factors.

use std::time::Instant;

use faer::{Mat, MatRef};
use rand_pcg::Pcg64;

use crate::error::Result;
use crate::scaling::{clean_rest, norm, rest};
use crate::sparse::Csr;
use crate::tall::mul_add;
use crate::update::core::{CoreSvd, leading};
use crate::update::factor::{Addition, Appended, Factor};
use crate::update::residual::{Basis, Residual};
use crate::update::{Augmentation, UpdateReport, UpdatingSvd};

/// One side's share of an update: the residual, its basis, and R.
pub(super) struct Outside {
    residual: Residual,
    basis: Basis,
    /// C P, the coefficients of the basis.
    inside: Mat<f64>,
    r: Mat<f64>,
    /// Relative error of the basis vectors' norms.
    loss: f64,
}

/// eps cond(K) ||c||^2 beyond which the differences x - V c are multiplied out: six of the sixteen digits.
const CANCELLATION: f64 = 1e6;

impl Outside {
    /// V top + (X P - V C P) bottom as V relative + X (P bottom): relative, and the rest as an addition.
    fn split<'a>(&'a self, top: MatRef<'_, f64>, bottom: MatRef<'a, f64>) -> (Mat<f64>, Addition<'a>) {
        let mut relative = top.to_owned();
        mul_add(&mut relative, -1.0, self.inside.as_ref(), bottom);
        let addition = Addition {
            support: &self.residual.support,
            vectors: &self.residual.vectors,
            select: self.basis.select.as_ref(),
            weights: bottom,
        };
        (relative, addition)
    }
}

impl<M: Augmentation> UpdatingSvd<M> {
    fn rng(&self) -> Pcg64 {
        Pcg64::new(u128::from(self.options.seed), u128::from(self.bookkeeping.updates))
    }

    /// Residual and basis of the rows of `block` against `factor`.
    pub(super) fn outside(&self, factor: &Factor, block: &Csr) -> Result<Outside> {
        let mut residual = Residual::new(factor, block);
        let mut basis = self.method.basis(&residual, &mut self.rng());
        // c = K^T (P^T x) is known to eps cond(K).
        let condition = factor.condition().max(1.0);
        let mut inside = residual.inside(&basis);
        let mut growth = condition * cancellation(&inside);
        if growth > CANCELLATION {
            residual = residual.densified(factor)?;
            basis = self.method.basis(&residual, &mut self.rng());
            inside = residual.inside(&basis);
            growth = condition * cancellation(&inside);
        }
        let r = residual.coordinates(&basis, &inside);
        let loss = f64::EPSILON * growth;
        Ok(Outside {
            residual,
            basis,
            inside,
            r,
            loss,
        })
    }

    /// M of an append: [diag(s) 0; C^T R^T].
    pub(super) fn append(&mut self, e: &Csr, rows: bool, begin: Instant) -> Result<UpdateReport> {
        let along = if rows { &self.right } else { &self.left };
        let outside = self.outside(along, e)?;
        let (k0, q, r) = (self.values.len(), e.nrows(), outside.r.nrows());
        let c = outside.residual.projection();
        let mut below = Mat::zeros(q, k0 + r);
        below.subcols_mut(0, k0).copy_from(c.transpose());
        below.subcols_mut(k0, r).copy_from(outside.r.transpose());
        let CoreSvd {
            left: f,
            values,
            right: g,
            ..
        } = leading(&self.values, below, self.k, 0.0)?;
        let k1 = values.len();
        let whole = norm(&self.values).hypot(e.norm());
        let discarded = clean_rest(whole, norm(&values), k0 + q);
        let (relative, addition) = outside.split(g.submatrix(0, 0, k0, k1), g.submatrix(k0, 0, r, k1));
        let limit = self.options.condition_limit;
        let (long, grown) = if rows {
            (&mut self.right, &mut self.left)
        } else {
            (&mut self.left, &mut self.right)
        };
        let appended = Appended {
            images: f.images.subrows(k0, q),
            turn: f.turn.as_ref(),
        };
        let (one, two) = both(
            k0,
            || grown.update(f.rows(0, k0).as_ref(), None, Some(appended), limit),
            || long.update(relative.as_ref(), Some(addition), None, limit),
        );
        let eager = one | two;
        self.bookkeeping.size = self.bookkeeping.size.hypot(e.norm());
        self.bookkeeping.drift += outside.loss;
        Ok(self.finish(values, eager, r, discarded, begin))
    }

    /// A_k + D E^T for D and E given as their transposes.
    pub(super) fn low_rank_of(&mut self, d: &Csr, e: &Csr, begin: Instant) -> Result<UpdateReport> {
        let left = self.outside(&self.left, d)?;
        let right = self.outside(&self.right, e)?;
        self.low_rank(Some(left), Some(right), Mat::zeros(0, 0), begin)
    }

    /// M = diag(s) + [C1; R1] [C2; R2]^T. A side without `Outside` lies inside the span with coefficients `inside`.
    pub(super) fn low_rank(
        &mut self,
        left: Option<Outside>,
        right: Option<Outside>,
        inside: Mat<f64>,
        begin: Instant,
    ) -> Result<UpdateReport> {
        let k0 = self.values.len();
        let stack = |side: &Option<Outside>| match side {
            None => inside.clone(),
            Some(o) => {
                let c = o.residual.projection();
                Mat::from_fn(k0 + o.r.nrows(), c.ncols(), |i, j| {
                    if i < k0 { c[(i, j)] } else { o.r[(i - k0, j)] }
                })
            }
        };
        let (d, e) = (stack(&left), stack(&right));
        let mut core = Mat::from_fn(d.nrows(), e.nrows(), |i, j| {
            if i == j && i < k0 { self.values[i] } else { 0.0 }
        });
        mul_add(&mut core, 1.0, d.as_ref(), e.transpose());
        // Terms may cancel: what is left of them below their own rounding is no direction.
        let terms = self.values.first().copied().unwrap_or(0.0) + (d.norm_l2() * e.norm_l2()).min(f64::MAX);
        let total = core.norm_l2();
        let CoreSvd {
            left: f,
            values,
            right: g,
            discarded,
        } = leading(&[], core, self.k, terms)?;
        let limit = self.options.condition_limit;
        let k1 = values.len();
        let f = f.rows(0, d.nrows());
        let update = |factor: &mut Factor, side: &Option<Outside>, mixing: &Mat<f64>| {
            let top = mixing.submatrix(0, 0, k0, k1);
            match side {
                None => factor.update(top, None, None, limit),
                Some(o) => {
                    let (relative, addition) = o.split(top, mixing.submatrix(k0, 0, o.r.nrows(), k1));
                    factor.update(relative.as_ref(), Some(addition), None, limit)
                }
            }
        };
        let (one, two) = both(
            k0,
            || update(&mut self.left, &left, &f),
            || update(&mut self.right, &right, &g),
        );
        let eager = one | two;
        self.bookkeeping.size = rest(self.bookkeeping.size, norm(&self.values)).hypot(total);
        self.bookkeeping.drift += [&left, &right].into_iter().flatten().map(|o| o.loss).sum::<f64>();
        let directions = d.nrows() + e.nrows() - 2 * k0;
        Ok(self.finish(values, eager, directions, discarded, begin))
    }

    fn finish(
        &mut self,
        values: Vec<f64>,
        eager: bool,
        directions: usize,
        discarded: f64,
        begin: Instant,
    ) -> UpdateReport {
        self.values = values;
        let condition = self.condition();
        let books = &mut self.bookkeeping;
        books.updates += 1;
        books.error_bound += discarded;
        books.drift += f64::EPSILON * (self.k as f64).sqrt() * condition.0.max(condition.1);
        // The update stands even if its rebase fails (which leaves the factors as they are): the next one tries again.
        let due = eager || books.drift > self.options.drift_limit;
        let rebased = due && self.rebase().is_ok();
        let (rank, seconds) = (self.values.len(), begin.elapsed().as_secs_f64());
        UpdateReport {
            rank,
            directions,
            discarded_energy: discarded * discarded,
            condition,
            rebased,
            seconds,
        }
    }
}

/// ||c||^2 of the basis vector y = b - V c, ||y|| = 1, for which it is largest: what the difference
/// ||b||^2 - ||c||^2 = 1 multiplies the relative error of c with.
fn cancellation(inside: &Mat<f64>) -> f64 {
    inside.col_iter().map(|c| c.squared_norm_l2()).fold(0.0, f64::max)
}

/// Both tasks of order k^3, side by side where that outweighs waking a thread. The longer one first: it begins at once.
fn both<A: Send, B: Send>(k: usize, one: impl FnOnce() -> A + Send, two: impl FnOnce() -> B + Send) -> (A, B) {
    if k < 32 { (one(), two()) } else { rayon::join(one, two) }
}
