//! The canonical counting kernel and the instruction sets it is compiled for.
//!
//! One formula everywhere, in this order of operations and without fused multiply-add:
//!
//! ```text
//! q[k] = (d[k] - x) - e[k] * (e[k] / q[k-1]),        q[k] = d[k] - x  where e[k] = 0
//! ```
//!
//! with e\[k\] the coupling of row k to row k - 1. The sign bits of q are counted. Subtracting the shift first puts all
//! rounding errors into e (|δe| ≤ 2.5 u |e|); e (e/q) neither overflows nor underflows where e² would; a zero pivot
//! gives ±∞ and then a finite pivot again, with the right count. Each lane holds one shift, so the counts are the same
//! bits on every instruction set.

mod division_free;
mod isa;
mod lanes;
mod segments;

pub(crate) use division_free::{DivisionFreeLanes, inverse_power};
pub use isa::Isa;
pub(crate) use isa::Kernel;
pub use lanes::LANES;
pub(crate) use lanes::{CountLanes, LaguerreLanes, LaguerreSums, passes};
pub(crate) use segments::SegmentLanes;
