//! When the extended decomposition is multiplied out, and the seed of the approximate methods.

use serde::{Deserialize, Serialize};

use crate::error::{Result, SsvdError};

/// When [`UpdatingSvd`](super::UpdatingSvd) multiplies its long factors out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UpdateOptions {
    /// Largest condition number of the mixing matrices K_u, K_v. Far above the default of 1e4 the loss of orthogonality
    /// outgrows its estimate, [`UpdatingSvd::drift`](super::UpdatingSvd::drift).
    pub condition_limit: f64,
    /// Largest estimated loss of orthogonality since the last rebase ([`UpdatingSvd::drift`](super::UpdatingSvd::drift)).
    pub drift_limit: f64,
    /// Seed of the random starts of the approximate methods.
    pub seed: u64,
}

impl UpdateOptions {
    pub(super) fn check(&self) -> Result<()> {
        let limits = [
            ("condition_limit", self.condition_limit, 1.0, "at least 1"),
            ("drift_limit", self.drift_limit, 0.0, "at least 0"),
        ];
        for (name, value, least, expected) in limits {
            if value.is_nan() || value < least {
                return Err(SsvdError::Option { name, value, expected });
            }
        }
        Ok(())
    }
}

impl Default for UpdateOptions {
    fn default() -> Self {
        Self {
            condition_limit: 1e4,
            drift_limit: 1e-10,
            seed: 0,
        }
    }
}
