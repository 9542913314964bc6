//! Shared generators and golden-value reader of the property tests.
pub mod meeg;
pub mod oscillation;
pub mod readers;
pub mod sliced;
pub mod spd;
pub mod ssvd;
