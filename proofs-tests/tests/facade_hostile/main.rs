//! Hostile input through the public functions of every wing, as a user of the facade calls them: random shapes, NaN,
//! infinities, subnormals, huge and tiny scales. No panic, no hang, no silent NaN, errors of one line.
//!
//! The wings' own suites test values; here only the manners count. `geometry_hostile` does the same for the metrics.

mod draw;
mod meeg;
mod oscillation;
mod plot;
mod sliced;
mod ssvd;
mod trust_region;
