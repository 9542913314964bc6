//! The Jacobian at one point: products, and Newton steps.

mod banded;
mod dense;
mod incomplete;
mod krylov;
mod lsmr;
mod orthogonal;
mod products;
mod sparse;

use serde::{Deserialize, Serialize};

use crate::blocks::{norm, sum2};
use crate::{Bounds, Error, Result, Structure, System};

/// Residual ‖Jp + F‖/‖F‖ up to which a solution by factors counts as a Newton step.
const ACCEPTED: f64 = 1e-6;
/// Tolerance and most iterations of LSMR where factors have failed.
const SHORTEST: (f64, usize) = (1e-12, 4000);
/// Basis vectors of GMRES where none are asked for.
const RESTART: usize = 40;

/// How Newton steps J p = −F are found.
///
/// Inexact steps stop at ‖J p + F‖ ≤ η ‖F‖ with the forcing terms η of Eisenstat and Walker (SIAM J. Sci. Comput. 17,
/// 1996, choice 2): cheap far from a root and exact near it, so that convergence stays superlinear. They are for Jacobians
/// whose factors do not fit into memory; on two-dimensional grids of 1e5 points factors are faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LinearSolver {
    /// Factors of a stored J (LU; Cholesky where a sparse J beyond a narrow band is symmetric positive definite), the
    /// shortest least-squares step where it is singular or not square. A matrix-free J, which has no factors, as by
    /// `Gmres` with 40 vectors, or by `Lsmr` when it is not square.
    #[default]
    Direct,
    /// GMRES with restarts, preconditioned from the right by [`System::precondition`] or else, for a sparse J, by its
    /// incomplete LU factors; LSMR where GMRES does not get there.
    Gmres {
        /// Vectors kept between restarts.
        restart: usize,
    },
    /// LSMR: products with J and Jᵀ, no preconditioner, any rank and shape.
    Lsmr,
}

/// The stored Jacobian of a system and the factors made of it.
pub(crate) struct Jacobian {
    rows: usize,
    columns: usize,
    entries: Vec<f64>,
    kind: Kind,
    /// Whether the last Newton step has left factors.
    factored: bool,
    /// Shortest least-squares solutions of small dense systems.
    complete: Option<orthogonal::Complete>,
    inexact: Option<Box<Inexact>>,
    /// The point of the last update, for products and preconditioners that the system computes.
    at: Vec<f64>,
}

enum Kind {
    Dense(dense::Lu),
    Sparse(Box<sparse::Factors>),
    MatrixFree,
}

/// What inexact steps need.
struct Inexact {
    /// Vectors of GMRES; `None` for LSMR.
    restart: Option<usize>,
    forcing: krylov::Forcing,
    gmres: krylov::Gmres,
    incomplete: Option<incomplete::Incomplete>,
    /// Whether the incomplete factors are those of the present entries.
    factored: bool,
}

/// What a Newton step took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effort {
    /// Whether the shortest least-squares solution was needed.
    pub(crate) shortest: bool,
    /// Iterations of GMRES and LSMR.
    pub(crate) iterations: usize,
}

/// Products with a matrix and its transpose.
pub(crate) trait Products {
    fn product(&self, p: &[f64], out: &mut [f64]) -> Result<()>;
    fn transpose_product(&self, y: &[f64], out: &mut [f64]) -> Result<()>;
    /// Writes about A⁻¹ r; false, and nothing written, when there is no preconditioner.
    fn precondition(&self, r: &[f64], out: &mut [f64]) -> Result<bool>;
}

/// The Jacobian beside the system that a matrix-free one needs.
pub(crate) struct Linear<'a, S: ?Sized>(pub(crate) &'a Jacobian, pub(crate) &'a S);

impl Jacobian {
    pub(crate) fn new(system: &(impl System + ?Sized), solver: LinearSolver) -> Self {
        let (rows, columns) = (system.equations(), system.variables());
        let (count, kind) = match system.structure() {
            Structure::Dense => (rows * columns, Kind::Dense(dense::Lu::new(rows, columns))),
            Structure::Sparse(pattern) => (pattern.entries(), Kind::Sparse(Box::new(sparse::Factors::new(pattern)))),
            Structure::MatrixFree => (0, Kind::MatrixFree),
        };
        let square = rows == columns;
        let restart = match solver {
            LinearSolver::Gmres { restart } => square.then_some(restart),
            LinearSolver::Direct => square.then_some(RESTART),
            LinearSolver::Lsmr => None,
        };
        let inexact = (solver != LinearSolver::Direct || matches!(kind, Kind::MatrixFree)).then(|| {
            let incomplete = match &kind {
                Kind::Sparse(factors) if restart.is_some() => incomplete::Incomplete::new(factors.pattern()),
                _ => None,
            };
            Box::new(Inexact {
                restart,
                forcing: krylov::Forcing::default(),
                gmres: krylov::Gmres::default(),
                incomplete,
                factored: false,
            })
        });
        let small = rows.max(columns) <= orthogonal::SMALL && matches!(kind, Kind::Dense(_));
        Self {
            rows,
            columns,
            entries: vec![0.0; count],
            kind,
            factored: false,
            complete: small.then(|| orthogonal::Complete::new(rows, columns)),
            at: vec![0.0; if inexact.is_some() { columns } else { 0 }],
            inexact,
        }
    }

    /// Forgets what earlier runs left.
    pub(crate) fn begin(&mut self) {
        self.factored = false;
        if let Some(inexact) = &mut self.inexact {
            inexact.forcing = krylov::Forcing::default();
        }
    }

    /// Takes J(x). Returns how often F was evaluated for it, and whether all entries are finite.
    pub(crate) fn update(
        &mut self,
        system: &(impl System + ?Sized),
        x: &[f64],
        f: &[f64],
        bounds: &Bounds,
    ) -> Result<(usize, bool)> {
        if let Some(inexact) = &mut self.inexact {
            self.at.copy_from_slice(x);
            inexact.factored = false;
        }
        if let Kind::MatrixFree = self.kind {
            return Ok((0, true));
        }
        let evaluations = system.jacobian(x, f, bounds, &mut self.entries).map_err(Error::User)?;
        // Without an early end, so that the loop runs on whole registers.
        let finite = self.entries.iter().fold(true, |all, v| all & v.is_finite());
        Ok((evaluations, finite))
    }

    /// Solves J p = −F, or minimises ‖Jp + F‖ with the shortest p when J is singular or not square; inexactly where the
    /// solver says so. Writes p and J p.
    pub(crate) fn newton(
        &mut self,
        system: &(impl System + ?Sized),
        f: &[f64],
        p: &mut [f64],
        jp: &mut [f64],
    ) -> Result<Effort> {
        let mut effort = Effort::default();
        if let Some(mut inexact) = self.inexact.take() {
            let step = self.inexact_step(&mut inexact, system, f, p, &mut effort);
            self.inexact = Some(inexact);
            step?;
            Linear(self, system).product(p, jp)?;
            return Ok(effort);
        }
        if self.rows == self.columns {
            self.factored = match &mut self.kind {
                Kind::Dense(lu) => lu.factor(&self.entries),
                Kind::Sparse(factors) => factors.factor(&self.entries),
                Kind::MatrixFree => false,
            };
            if self.solve_again(f, p) {
                p.iter_mut().for_each(|v| *v = -*v);
                Linear(self, system).product(p, jp)?;
                let left = sum2(jp, f, |jp, f| (jp + f) * (jp + f)).sqrt();
                if left <= ACCEPTED * norm(f) + f64::MIN_POSITIVE {
                    return Ok(effort);
                }
            }
        }
        effort.shortest = true;
        match (&self.kind, &mut self.complete) {
            (Kind::Dense(_), Some(complete)) => complete.shortest(&self.entries, f, p),
            (Kind::Dense(_), None) => dense::shortest(&self.entries, self.rows, self.columns, f, p),
            _ => {
                let limit = SHORTEST.1.min(4 * self.rows.max(self.columns));
                let exact = lsmr::Tolerance {
                    residual: SHORTEST.0,
                    gradient: SHORTEST.0,
                };
                effort.iterations = lsmr::solve(&Linear(self, system), f, p, exact, limit)?;
                p.iter_mut().for_each(|v| *v = -*v);
            }
        }
        Linear(self, system).product(p, jp)?;
        Ok(effort)
    }

    /// p with J p = f for the J of the last Newton step, which need not be the present one; false when it had no factors.
    pub(crate) fn solve_again(&mut self, f: &[f64], p: &mut [f64]) -> bool {
        self.factored
            && match &mut self.kind {
                Kind::Dense(lu) => lu.solve(f, p),
                Kind::Sparse(factors) => factors.solve(f, p),
                Kind::MatrixFree => false,
            }
    }

    fn inexact_step(
        &self,
        inexact: &mut Inexact,
        system: &(impl System + ?Sized),
        f: &[f64],
        p: &mut [f64],
        effort: &mut Effort,
    ) -> Result<()> {
        let term = inexact.forcing.next(norm(f));
        let limit = 2 * self.rows.max(self.columns);
        let mut met = false;
        if let Some(restart) = inexact.restart {
            if let (Some(incomplete), Kind::Sparse(factors)) = (&mut inexact.incomplete, &self.kind) {
                inexact.factored = incomplete.factor(factors.pattern(), &self.entries);
            }
            let incomplete = inexact.incomplete.as_ref().filter(|_| inexact.factored);
            let products = Preconditioned(Linear(self, system), incomplete);
            // Twenty cycles, as many as a well-preconditioned system ever needs.
            let most = limit.min(restart.saturating_mul(20));
            let (taken, done) = inexact.gmres.solve(&products, f, p, term, restart, most)?;
            effort.iterations += taken;
            met = done && p.iter().all(|v| v.is_finite());
        }
        if !met {
            effort.shortest = true;
            // Where there are as many equations as variables, a small gradient alone is no good step: A may be
            // ill-conditioned.
            let square = self.rows == self.columns;
            let tolerance = lsmr::Tolerance {
                residual: term,
                gradient: if square { SHORTEST.0 } else { term },
            };
            effort.iterations += lsmr::solve(&Linear(self, system), f, p, tolerance, limit.min(SHORTEST.1))?;
        }
        p.iter_mut().for_each(|v| *v = -*v);
        Ok(())
    }

    /// Whether Newton steps are found by factors.
    pub(crate) fn has_factors(&self) -> bool {
        self.inexact.is_none()
    }

    /// Index of the first entry that is NaN or infinite.
    pub(crate) fn first_bad_entry(&self) -> usize {
        self.entries.iter().position(|v| !v.is_finite()).unwrap_or(0)
    }

    /// The entries; none where the Jacobian is known by its products alone.
    pub(crate) fn entries(&self) -> Option<&[f64]> {
        match self.kind {
            Kind::MatrixFree => None,
            _ => Some(&self.entries),
        }
    }
}

impl<S: System + ?Sized> Products for Linear<'_, S> {
    fn product(&self, p: &[f64], out: &mut [f64]) -> Result<()> {
        let j = self.0;
        match &j.kind {
            Kind::Dense(_) => {
                let mut columns = j.entries.chunks_exact(j.rows.max(1)).zip(p);
                match columns.next() {
                    Some((column, &p)) => out.iter_mut().zip(column).for_each(|(o, c)| *o = c * p),
                    None => out.fill(0.0),
                }
                for (column, &p) in columns {
                    out.iter_mut().zip(column).for_each(|(o, c)| *o += c * p);
                }
            }
            Kind::Sparse(factors) => factors.product(&j.entries, p, out),
            Kind::MatrixFree => self.1.product(&j.at, p, out).map_err(Error::User)?,
        }
        Ok(())
    }

    fn transpose_product(&self, y: &[f64], out: &mut [f64]) -> Result<()> {
        let j = self.0;
        match &j.kind {
            Kind::Dense(_) => {
                for (column, out) in j.entries.chunks_exact(j.rows.max(1)).zip(out) {
                    *out = crate::blocks::dot(column, y);
                }
            }
            Kind::Sparse(factors) => factors.transpose_product(&j.entries, y, out),
            Kind::MatrixFree => self.1.transpose_product(&j.at, y, out).map_err(Error::User)?,
        }
        Ok(())
    }

    fn precondition(&self, r: &[f64], out: &mut [f64]) -> Result<bool> {
        self.1.precondition(&self.0.at, r, out).map_err(Error::User)
    }
}

/// The Jacobian with incomplete factors for those systems that have no preconditioner of their own.
struct Preconditioned<'a, S: ?Sized>(Linear<'a, S>, Option<&'a incomplete::Incomplete>);

impl<S: System + ?Sized> Products for Preconditioned<'_, S> {
    fn product(&self, p: &[f64], out: &mut [f64]) -> Result<()> {
        self.0.product(p, out)
    }

    fn transpose_product(&self, y: &[f64], out: &mut [f64]) -> Result<()> {
        self.0.transpose_product(y, out)
    }

    fn precondition(&self, r: &[f64], out: &mut [f64]) -> Result<bool> {
        if self.0.precondition(r, out)? {
            return Ok(true);
        }
        match (self.1, &self.0.0.kind) {
            (Some(incomplete), Kind::Sparse(factors)) => {
                incomplete.apply(factors.pattern(), r, out);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
