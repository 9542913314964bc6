//! The fuzz targets share their functions with the replay in `proofs-tests`, which runs on stable.

#[path = "../../proofs-tests/src/readers.rs"]
pub mod readers;
