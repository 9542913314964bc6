//! The dense baselines: every row of both factors is rewritten at every update.

use std::time::Instant;

use faer::Mat;
use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use crate::error::{Result, SsvdError};
use crate::lanczos::TruncatedSvd;
use crate::orthogonal::normal_matrix;
use crate::scaling::{norm, power_of_two, rest};
use crate::sparse::Csr;
use crate::update::{UpdateReport, UpdateTruncatedSvd, check_forgetting, check_shape, check_triplets};

/// How a dense baseline approximates the new vectors outside the old span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DenseMethod {
    /// The whole space by Householder QR (Zha & Simon 1999).
    ZhaSimon,
    /// `l` Golub-Kahan-Lanczos vectors (Vecharynski & Saad 2014).
    VecharynskiSaad {
        /// Number of directions.
        l: usize,
    },
    /// `l` directions after `t` power iterations (Yamazaki et al. 2015).
    Yamazaki {
        /// Number of directions.
        l: usize,
        /// Power iterations.
        t: usize,
    },
}

/// A truncated SVD updated densely: the reference that the sparse methods are compared with.
///
/// Cost O((m + n)(k + q)^2) per update.
#[derive(Debug, Clone)]
pub struct DenseUpdating {
    svd: TruncatedSvd,
    k: usize,
    method: DenseMethod,
    rng: Pcg64,
}

impl DenseUpdating {
    /// Takes over a decomposition with at most `k` triplets.
    ///
    /// Errs when the shapes do not agree, a number is not finite, the values are not descending and positive, or an
    /// option is zero.
    pub fn new(svd: TruncatedSvd, k: usize, method: DenseMethod, seed: u64) -> Result<Self> {
        let (l, t) = match method {
            DenseMethod::ZhaSimon => (1, 1),
            DenseMethod::VecharynskiSaad { l } => (l, 1),
            DenseMethod::Yamazaki { l, t } => (l, t),
        };
        if l == 0 || t == 0 {
            return Err(SsvdError::Option {
                name: "l or t",
                value: 0.0,
                expected: "at least 1",
            });
        }
        check_triplets(&svd, k)?;
        Ok(Self {
            svd,
            k,
            method,
            rng: Pcg64::seed_from_u64(seed),
        })
    }

    /// (I - V V^T) X ~ Q R with orthonormal Q.
    fn split(&self, x: &DMatrix<f64>, right: bool, rng: &mut Pcg64) -> (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>) {
        let v = if right { &self.svd.v } else { &self.svd.u };
        let unit = power_of_two(x.amax());
        let x = &(x / unit);
        let c = v.transpose() * x;
        let y = x - v * &c;
        let y = &y - v * (v.transpose() * &y);
        let q = match self.method {
            DenseMethod::ZhaSimon => range(&y, x.norm()),
            DenseMethod::VecharynskiSaad { l } => {
                let mut p = from_faer(&normal_matrix(y.ncols(), 1, rng));
                p = y.transpose() * (&y * p);
                let mut krylov = DMatrix::zeros(y.ncols(), 0);
                while krylov.ncols() < l.min(y.ncols()) {
                    for _ in 0..2 {
                        p -= &krylov * (krylov.transpose() * &p);
                    }
                    let norm = p.norm();
                    if norm.is_nan() || norm <= 1e-14 * x.norm_squared() {
                        break;
                    }
                    let at = krylov.ncols();
                    krylov = krylov.insert_column(at, 0.0);
                    krylov.set_column(at, &(p.column(0) / norm));
                    p = y.transpose() * (&y * krylov.columns(at, 1));
                }
                range(&(&y * krylov), x.norm())
            }
            DenseMethod::Yamazaki { l, t } => {
                let p = from_faer(&normal_matrix(y.ncols(), l.min(y.ncols()), rng));
                let mut q = range(&(&y * p), x.norm());
                for _ in 1..t {
                    q = range(&(&y * (y.transpose() * q)), x.norm_squared());
                }
                q
            }
        };
        let r = q.transpose() * y;
        (c * unit, q, r * unit)
    }

    fn append(&mut self, e: &Csr, rows: bool, begin: Instant) -> Result<UpdateReport> {
        let vectors = e.transpose().to_dense();
        let mut rng = self.rng.clone();
        let (c, q_basis, r) = self.split(&vectors, rows, &mut rng);
        let (k0, q) = (self.svd.s.len(), e.nrows());
        let mut core = DMatrix::zeros(k0 + q, k0 + r.nrows());
        (0..k0).for_each(|i| core[(i, i)] = self.svd.s[i]);
        core.view_mut((k0, 0), (q, k0)).copy_from(&c.transpose());
        core.view_mut((k0, k0), (q, r.nrows())).copy_from(&r.transpose());
        let whole = norm(&self.svd.s).hypot(e.norm());
        let (f, s, g) = truncate(&core, self.k, 0.0)?;
        let (long, grown) = if rows {
            (&self.svd.v, &self.svd.u)
        } else {
            (&self.svd.u, &self.svd.v)
        };
        let long = long * g.rows(0, k0) + q_basis * g.rows(k0, r.nrows());
        let mut next = DMatrix::zeros(grown.nrows() + q, s.len());
        next.rows_mut(0, grown.nrows()).copy_from(&(grown * f.rows(0, k0)));
        next.rows_mut(grown.nrows(), q).copy_from(&f.rows(k0, q));
        let (u, v) = if rows { (next, long) } else { (long, next) };
        (self.svd, self.rng) = (TruncatedSvd { u, s, v }, rng);
        Ok(self.report(whole, r.nrows(), begin))
    }

    /// After an update to a matrix of Frobenius norm `whole` before truncation.
    fn report(&self, whole: f64, directions: usize, begin: Instant) -> UpdateReport {
        UpdateReport {
            rank: self.svd.s.len(),
            directions,
            discarded_energy: rest(whole, norm(&self.svd.s)).powi(2),
            condition: (1.0, 1.0),
            rebased: true,
            seconds: begin.elapsed().as_secs_f64(),
        }
    }
}

impl UpdateTruncatedSvd for DenseUpdating {
    fn nrows(&self) -> usize {
        self.svd.u.nrows()
    }

    fn ncols(&self) -> usize {
        self.svd.v.nrows()
    }

    fn singular_values(&self) -> &[f64] {
        &self.svd.s
    }

    fn svd(&self) -> TruncatedSvd {
        self.svd.clone()
    }

    fn add_rows(&mut self, e: &Csr) -> Result<UpdateReport> {
        let begin = Instant::now();
        check_shape("rows to add", e, None, Some(self.ncols()))?;
        self.append(e, true, begin)
    }

    fn add_columns(&mut self, e: &Csr) -> Result<UpdateReport> {
        let begin = Instant::now();
        check_shape("columns to add", e, Some(self.nrows()), None)?;
        self.append(&e.try_transpose()?, false, begin)
    }

    fn add_low_rank(&mut self, d: &Csr, e: &Csr) -> Result<UpdateReport> {
        let begin = Instant::now();
        check_shape("left factor of the change", d, Some(self.nrows()), None)?;
        check_shape("right factor of the change", e, Some(self.ncols()), Some(d.ncols()))?;
        let mut rng = self.rng.clone();
        let (c1, q1, r1) = self.split(&d.to_dense(), false, &mut rng);
        let (c2, q2, r2) = self.split(&e.to_dense(), true, &mut rng);
        let k0 = self.svd.s.len();
        let stack = |c: &DMatrix<f64>, r: &DMatrix<f64>| {
            DMatrix::from_fn(k0 + r.nrows(), c.ncols(), |i, j| {
                if i < k0 { c[(i, j)] } else { r[(i - k0, j)] }
            })
        };
        let (left, right) = (stack(&c1, &r1), stack(&c2, &r2));
        let mut core = &left * right.transpose();
        (0..k0).for_each(|i| core[(i, i)] += self.svd.s[i]);
        // Terms may cancel: what is left of them below their own rounding is no direction.
        let product = norm(left.as_slice()) * norm(right.as_slice());
        let terms = self.svd.s.first().copied().unwrap_or(0.0) + product.min(f64::MAX);
        let (f, s, g) = truncate(&core, self.k, terms)?;
        let u = &self.svd.u * f.rows(0, k0) + q1 * f.rows(k0, r1.nrows());
        let v = &self.svd.v * g.rows(0, k0) + q2 * g.rows(k0, r2.nrows());
        (self.svd, self.rng) = (TruncatedSvd { u, s, v }, rng);
        Ok(self.report(norm(core.as_slice()), r1.nrows() + r2.nrows(), begin))
    }

    fn forget(&mut self, lambda: f64) -> Result<()> {
        check_forgetting(lambda)?;
        self.svd.s.iter_mut().for_each(|s| *s *= lambda.sqrt());
        let keep = self.svd.s.iter().take_while(|&&s| s > 0.0).count();
        self.svd.s.truncate(keep);
        self.svd.u = self.svd.u.columns(0, keep).into_owned();
        self.svd.v = self.svd.v.columns(0, keep).into_owned();
        Ok(())
    }
}

fn from_faer(a: &Mat<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)])
}

/// Orthonormal basis of the range, directions below 16 eps `size` left out.
fn range(y: &DMatrix<f64>, size: f64) -> DMatrix<f64> {
    let a = faer::MatRef::from_column_major_slice(y.as_slice(), y.nrows(), y.ncols());
    let Ok(svd) = a.thin_svd() else {
        return DMatrix::zeros(y.nrows(), 0);
    };
    let floor = 16.0 * f64::EPSILON * size * ((y.nrows() + y.ncols()) as f64).sqrt();
    let rank = (0..y.nrows().min(y.ncols()))
        .take_while(|&i| svd.S()[i] > floor)
        .count();
    DMatrix::from_fn(y.nrows(), rank, |i, j| svd.U()[(i, j)])
}

type Triplets = (DMatrix<f64>, Vec<f64>, DMatrix<f64>);

/// At most `k` leading triplets, only those above the rounding of the largest value and of terms of size `terms`.
fn truncate(core: &DMatrix<f64>, k: usize, terms: f64) -> Result<Triplets> {
    let failed = || SsvdError::Factorisation("core matrix");
    if core.iter().any(|x| !x.is_finite()) {
        return Err(failed());
    }
    let unit = power_of_two(core.amax());
    let core = core / unit;
    let a = faer::MatRef::from_column_major_slice(core.as_slice(), core.nrows(), core.ncols());
    let svd = a.thin_svd().map_err(|_| failed())?;
    let count = core.nrows().min(core.ncols()).min(k);
    let s: Vec<f64> = (0..count).map(|i| svd.S()[i] * unit).collect();
    if s.iter().any(|x| !x.is_finite()) {
        return Err(failed());
    }
    let size = core.nrows().max(core.ncols());
    let floor = f64::EPSILON * size as f64 * terms;
    let rank = crate::lanczos::numerical_rank(&s, size);
    let rank = s[..rank].iter().take_while(|&&x| x > floor).count();
    let take = |x: faer::MatRef<'_, f64>| DMatrix::from_fn(x.nrows(), rank, |i, j| x[(i, j)]);
    Ok((take(svd.U()), s[..rank].to_vec(), take(svd.V())))
}
