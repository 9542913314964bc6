//! Shared generators and golden-value reader of the property tests.
pub mod sliced;
pub mod spd;
