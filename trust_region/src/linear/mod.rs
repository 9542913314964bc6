//! The Jacobian at one point: products, and Newton steps.

mod banded;
mod dense;
mod lsmr;
mod sparse;

use crate::blocks::norm;
use crate::{Bounds, Error, Result, Structure, System};

/// Residual ‖Jp + F‖/‖F‖ up to which a solution by factors counts as a Newton step.
const ACCEPTED: f64 = 1e-6;

/// The stored Jacobian of a system and the factors made of it.
pub(crate) struct Jacobian {
    rows: usize,
    columns: usize,
    entries: Vec<f64>,
    kind: Kind,
    /// F of the last update, to tell how far a linear solve got.
    image: Vec<f64>,
}

enum Kind {
    Dense(dense::Lu),
    Sparse(sparse::Lu),
    MatrixFree { at: Vec<f64> },
}

/// Products with a matrix and its transpose.
pub(crate) trait Products {
    fn product(&self, p: &[f64], out: &mut [f64]) -> Result<()>;
    fn transpose_product(&self, y: &[f64], out: &mut [f64]) -> Result<()>;
}

/// The Jacobian beside the system that a matrix-free one needs.
pub(crate) struct Linear<'a, S: ?Sized>(pub(crate) &'a Jacobian, pub(crate) &'a S);

impl Jacobian {
    pub(crate) fn new(system: &(impl System + ?Sized)) -> Self {
        let (rows, columns) = (system.equations(), system.variables());
        let (count, kind) = match system.structure() {
            Structure::Dense => (rows * columns, Kind::Dense(dense::Lu::new(rows, columns))),
            Structure::Sparse(pattern) => (pattern.entries(), Kind::Sparse(sparse::Lu::new(pattern))),
            Structure::MatrixFree => (0, Kind::MatrixFree { at: vec![0.0; columns] }),
        };
        Self {
            rows,
            columns,
            entries: vec![0.0; count],
            kind,
            image: vec![0.0; rows],
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
        if let Kind::MatrixFree { at } = &mut self.kind {
            at.copy_from_slice(x);
            return Ok((0, true));
        }
        let evaluations = system.jacobian(x, f, bounds, &mut self.entries).map_err(Error::User)?;
        Ok((evaluations, self.entries.iter().all(|v| v.is_finite())))
    }

    /// Solves J p = −F, or minimises ‖Jp + F‖ with the shortest p when J is singular or not square. Returns whether the
    /// shortest solution was needed.
    pub(crate) fn newton(&mut self, system: &(impl System + ?Sized), f: &[f64], p: &mut [f64]) -> Result<bool> {
        if self.rows == self.columns {
            let solved = match &mut self.kind {
                Kind::Dense(lu) => lu.solve(&self.entries, f, p),
                Kind::Sparse(lu) => lu.solve(&self.entries, f, p),
                Kind::MatrixFree { .. } => false,
            };
            if solved {
                p.iter_mut().for_each(|v| *v = -*v);
                let mut image = std::mem::take(&mut self.image);
                let product = Linear(self, system).product(p, &mut image);
                image.iter_mut().zip(f).for_each(|(i, f)| *i += f);
                let left = norm(&image);
                self.image = image;
                product?;
                if left <= ACCEPTED * norm(f) + f64::MIN_POSITIVE {
                    return Ok(false);
                }
            }
        }
        match &self.kind {
            Kind::Dense(_) => dense::shortest(&self.entries, self.rows, self.columns, f, p),
            _ => {
                let limit = 4 * self.rows.max(self.columns);
                lsmr::solve(&Linear(self, system), f, p, 1e-12, limit)?;
                p.iter_mut().for_each(|v| *v = -*v);
            }
        }
        Ok(true)
    }

    /// Index of the first entry that is NaN or infinite.
    pub(crate) fn first_bad_entry(&self) -> usize {
        self.entries.iter().position(|v| !v.is_finite()).unwrap_or(0)
    }

    /// Σ J_ij².
    pub(crate) fn energy(&self) -> Option<f64> {
        match self.kind {
            Kind::MatrixFree { .. } => None,
            _ => Some(self.entries.iter().map(|v| v * v).sum()),
        }
    }
}

impl<S: System + ?Sized> Products for Linear<'_, S> {
    fn product(&self, p: &[f64], out: &mut [f64]) -> Result<()> {
        let j = self.0;
        match &j.kind {
            Kind::Dense(_) => {
                out.fill(0.0);
                for (column, &p) in j.entries.chunks_exact(j.rows.max(1)).zip(p) {
                    out.iter_mut().zip(column).for_each(|(o, c)| *o += c * p);
                }
            }
            Kind::Sparse(lu) => lu.product(&j.entries, p, out),
            Kind::MatrixFree { at } => self.1.product(at, p, out).map_err(Error::User)?,
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
            Kind::Sparse(lu) => lu.transpose_product(&j.entries, y, out),
            Kind::MatrixFree { at } => self.1.transpose_product(at, y, out).map_err(Error::User)?,
        }
        Ok(())
    }
}
