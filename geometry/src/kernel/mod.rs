//! The engine of extended kernel metrics.

pub(crate) mod integrator;
