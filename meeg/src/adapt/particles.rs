//! Alignment by a flow of every matrix for itself.

use hadamard_geometry::sliced::{FlowOptions, FlowReport, LogCloud, flow};

use super::{Loss, Prepared};
use crate::error::Result;

/// Moves every source matrix down the loss against the target, in logarithmic coordinates with the preconditioned steps
/// of [`flow`]. The order of the matrices, and so their labels, stays.
///
/// # Errors
/// [`Error::Geometry`](crate::Error::Geometry) when the orders differ or an option is out of range.
pub fn particles(source: &LogCloud, target: &LogCloud, loss: Loss, options: FlowOptions) -> Result<FlowReport> {
    let bank = loss.bank(target)?;
    let objective = Prepared::try_new(loss, bank.as_ref(), target)?;
    Ok(flow(&objective, source, options)?)
}
