//! Exact: an orthonormal basis of the whole residual (Deng et al., ICLR 2024, by pivoted Cholesky-QR).

use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::update::residual::{Basis, Residual, pivoted};
use crate::update::{Augmentation, sealed};

/// Keeps every direction of the new vectors: the result is the best rank-k approximation of the updated matrix.
///
/// Cost O(nnz q + k q^2 + (k + q)^3) per update of q vectors: for small q.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exact;

impl sealed::Sealed for Exact {}

impl Augmentation for Exact {
    const NAME: &'static str = "exact";

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn basis(&self, y: &Residual, _: &mut Pcg64) -> Basis {
        let gram = y.gram();
        let reference: Vec<f64> = y.energies().into_iter().map(|(own, _)| own).collect();
        let (select, smallest) = pivoted(&gram, &reference, y.floor());
        // Ill-conditioned triangles lose orthogonality as eps / pivot; a second pass on the explicit pairs restores it.
        let select = if smallest < 1e-3 { y.orthonormal(select) } else { select };
        Basis { select }
    }
}
