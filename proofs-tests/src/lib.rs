//! Shared generators and golden-value reader of the property tests.
pub mod meeg;
pub mod sliced;
pub mod spd;
