//! RPI(l, t): randomized power iteration on the residual (Yamazaki et al. 2015, in the sparse form of Deng et al. 2024).

use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::error::{Result, SsvdError};
use crate::update::exact::Exact;
use crate::update::gkl::{check_directions, weighted};
use crate::update::residual::{Basis, Residual};
use crate::update::{Augmentation, sealed};

/// Keeps l directions: a random block after t rounds of P <- Y^T orth(Y P), Y the residual of the new vectors. The block
/// favours the columns of Y with much energy. Up to l vectors are taken whole, as [`super::Exact`] does.
///
/// Cost O(t l nnz + t l k q + (k + l)^3); products in blocks, so faster than [`super::Gkl`] for the same l.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rpi {
    /// Number of directions.
    pub l: usize,
    /// Rounds, at most 1000; 1 to 3 are customary.
    pub t: usize,
}

const MOST_ROUNDS: usize = 1000;

impl sealed::Sealed for Rpi {}

impl Augmentation for Rpi {
    const NAME: &'static str = "rpi";

    fn check(&self) -> Result<()> {
        // More rounds gain nothing, and a damaged state could ask for rounds without end.
        if !(1..=MOST_ROUNDS).contains(&self.t) {
            return Err(SsvdError::Option {
                name: "t",
                value: self.t as f64,
                expected: "from 1 to 1000",
            });
        }
        check_directions(self.l)
    }

    fn basis(&self, y: &Residual, rng: &mut Pcg64) -> Basis {
        if self.l >= y.count() {
            return Exact.basis(y, rng);
        }
        let mut select = weighted(y, y.random_combinations(self.l, rng));
        for _ in 1..self.t {
            // The next product needs the span and no more: once is enough.
            select = y.nearly_orthonormal(select);
            let (b, c) = y.pair(select.as_ref());
            // Y^T Q of the true vectors, then as combinations of the scaled ones: the weights enter twice.
            select = weighted(y, weighted(y, y.transpose_times(&b, &c)));
        }
        Basis {
            select: y.orthonormal(select),
        }
    }
}
