//! Is a Jacobian the derivative of its residual?

use super::Differences;
use super::differences::Scheme;
use crate::{Bounds, Error, Result, Structure, System};

/// The entry where a Jacobian and central differences disagree most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JacobianCheck {
    /// Row of that entry.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// What the system says.
    pub given: f64,
    /// What central differences say; not finite where F at a neighbour is not, or fails.
    pub difference: f64,
    /// |given − difference|/max(|given|, |difference|, largest entry · 1e-6): near 1e-9 for a right Jacobian of a smooth
    /// function, near 1 for a wrong entry, NaN where the difference is not finite.
    pub error: f64,
}

/// Compares J at x with central differences in the box and returns the worst entry; also entries outside a sparse
/// pattern. 2n + 1 evaluations of F.
///
/// # Errors
/// [`Error::DimensionMismatch`], [`Error::User`], [`Error::NonFinite`] when x, F or J is not finite, and
/// [`Error::InvalidParameter`] for matrix-free systems, which have no entries.
pub fn check_jacobian(system: &(impl System + ?Sized), bounds: &Bounds, x: &[f64]) -> Result<JacobianCheck> {
    let (m, n) = (system.equations(), system.variables());
    for (what, found) in [("bounds", bounds.len()), ("point", x.len())] {
        if found != n {
            return Err(Error::DimensionMismatch {
                what,
                expected: n,
                found,
            });
        }
    }
    let finite = |what, values: &[f64]| match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(Error::NonFinite { what, index }),
        None => Ok(()),
    };
    finite("point", x)?;
    let mut f = vec![0.0; m];
    system.residual(x, &mut f).map_err(Error::User)?;
    finite("residual", &f)?;
    let mut given = vec![0.0; m * n];
    match system.structure() {
        Structure::Dense => {
            system.jacobian(x, &f, bounds, &mut given).map_err(Error::User)?;
        }
        Structure::Sparse(pattern) => {
            let mut entries = vec![0.0; pattern.entries()];
            system.jacobian(x, &f, bounds, &mut entries).map_err(Error::User)?;
            for j in 0..n {
                for at in pattern.column_starts()[j]..pattern.column_starts()[j + 1] {
                    given[j * m + pattern.row_indices()[at]] = entries[at];
                }
            }
        }
        Structure::MatrixFree => {
            let reason = "a matrix-free system has no entries to check";
            return Err(Error::InvalidParameter {
                name: "structure",
                value: 0.0,
                reason,
            });
        }
    }
    finite("Jacobian", &given)?;
    // A residual that fails at a neighbour shows as NaN, and so as the worst entry.
    let neighbour = |x: &[f64], f: &mut [f64]| {
        if system.residual(x, f).is_err() {
            f.fill(f64::NAN);
        }
    };
    let differences = Differences::new(n, neighbour)
        .with_equations(m)
        .with_scheme(Scheme::Central);
    let mut measured = vec![0.0; m * n];
    differences
        .jacobian(x, &f, bounds, &mut measured)
        .map_err(Error::User)?;
    let largest = given.iter().chain(&measured).fold(0.0, |m: f64, v| m.max(v.abs()));
    let mut worst = JacobianCheck {
        row: 0,
        column: 0,
        given: 0.0,
        difference: 0.0,
        error: 0.0,
    };
    for (at, (&given, &difference)) in given.iter().zip(&measured).enumerate() {
        let size = given.abs().max(difference.abs()).max(1e-6 * largest);
        let error = if size > 0.0 {
            // Each over the size first: the difference of the largest numbers overflows.
            (given / size - difference / size).abs()
        } else {
            0.0
        };
        if error.is_nan() || error > worst.error {
            worst = JacobianCheck {
                row: at % m,
                column: at / m,
                given,
                difference,
                error,
            };
        }
        if error.is_nan() {
            break;
        }
    }
    Ok(worst)
}
