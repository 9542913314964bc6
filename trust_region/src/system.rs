//! What a solver is given: F, its Jacobian and how that Jacobian is stored.

use crate::{Bounds, Pattern};

/// An error of the user's own functions; a solver that meets one stops and hands it back unchanged.
pub type UserError = Box<dyn std::error::Error + Send + Sync>;

/// How the Jacobian of a [`System`] is stored.
#[derive(Debug, Clone, Copy)]
pub enum Structure<'a> {
    /// All m·n entries, column by column.
    Dense,
    /// The entries of a fixed pattern, in its order.
    Sparse(&'a Pattern),
    /// No entries: products with J and Jᵀ only.
    MatrixFree,
}

/// A function F: Rⁿ → Rᵐ with its Jacobian J = F'.
///
/// A solver asks for F and J inside the box only. Adaptors make a `System` of plain closures, with differences or dual
/// numbers for J.
pub trait System {
    /// n, the number of variables.
    fn variables(&self) -> usize;

    /// m, the number of equations.
    fn equations(&self) -> usize {
        self.variables()
    }

    /// Writes F(x). NaN and infinities are allowed away from the start: the solver then takes a shorter step.
    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError>;

    /// How J is stored; the same at every call.
    fn structure(&self) -> Structure<'_> {
        Structure::Dense
    }

    /// Writes the entries of J(x), as [`structure`](Self::structure) orders them.
    ///
    /// `f` is F(x) and `bounds` the box, for those who take differences. Returns how often F was evaluated for it, 0 for
    /// an exact Jacobian. Not called for [`Structure::MatrixFree`].
    fn jacobian(&self, x: &[f64], f: &[f64], bounds: &Bounds, entries: &mut [f64]) -> Result<usize, UserError>;

    /// Writes J(x) p, of length m. Called for [`Structure::MatrixFree`] only.
    fn product(&self, _x: &[f64], _p: &[f64], _out: &mut [f64]) -> Result<(), UserError> {
        Err("this system has no product with its Jacobian".into())
    }

    /// Writes J(x)ᵀ y, of length n. Called for [`Structure::MatrixFree`] only.
    fn transpose_product(&self, _x: &[f64], _y: &[f64], _out: &mut [f64]) -> Result<(), UserError> {
        Err("this system has no product with its transposed Jacobian".into())
    }

    /// Writes about J(x)⁻¹ r, of length n, and returns true; or returns false, and writes nothing: there is no
    /// preconditioner. A hint for inexact Newton steps ([`LinearSolver`](crate::LinearSolver)), used from the right, for
    /// as many equations as variables only.
    fn precondition(&self, _x: &[f64], _r: &[f64], _out: &mut [f64]) -> Result<bool, UserError> {
        Ok(false)
    }
}

impl<S: System + ?Sized> System for &S {
    fn variables(&self) -> usize {
        (**self).variables()
    }
    fn equations(&self) -> usize {
        (**self).equations()
    }
    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        (**self).residual(x, f)
    }
    fn structure(&self) -> Structure<'_> {
        (**self).structure()
    }
    fn jacobian(&self, x: &[f64], f: &[f64], bounds: &Bounds, entries: &mut [f64]) -> Result<usize, UserError> {
        (**self).jacobian(x, f, bounds, entries)
    }
    fn product(&self, x: &[f64], p: &[f64], out: &mut [f64]) -> Result<(), UserError> {
        (**self).product(x, p, out)
    }
    fn transpose_product(&self, x: &[f64], y: &[f64], out: &mut [f64]) -> Result<(), UserError> {
        (**self).transpose_product(x, y, out)
    }
    fn precondition(&self, x: &[f64], r: &[f64], out: &mut [f64]) -> Result<bool, UserError> {
        (**self).precondition(x, r, out)
    }
}
