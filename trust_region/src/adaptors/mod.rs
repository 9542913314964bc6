//! Systems out of plain functions: a Jacobian of one's own, differences that stay in the box, dual numbers.
//!
//! | you have | use | cost of J |
//! |---|---|---|
//! | F and J | [`Functions`] | yours |
//! | F | [`Differences`], forward or central | n or 2n evaluations |
//! | F and where J may be nonzero | [`Differences::sparse`] | colours, or twice as many |
//! | F for any kind of number | [`DualNumbers`] | n evaluations with dual numbers, exact to rounding |
//! | products with J and Jᵀ | [`System`](crate::System) with [`Structure::MatrixFree`](crate::Structure::MatrixFree) | yours |
//!
//! [`check_jacobian`] compares any of them with central differences, [`colouring`] groups columns that share no row,
//! [`Weighted`] divides rows by weights, [`Inequalities`] turns rows into inequalities.

mod check;
mod colouring;
mod differences;
mod dual;
mod functions;
mod inequalities;
mod weighted;

pub use check::{JacobianCheck, check_jacobian};
pub use colouring::{colouring, detect_pattern};
pub use differences::{Differences, Scheme};
pub use dual::{DualNumbers, Formula};
pub use functions::Functions;
pub use inequalities::Inequalities;
pub use weighted::Weighted;
