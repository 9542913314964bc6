//! Scaling matrices D = diag(d): how far each variable may move before a bound matters.
//!
//! d_i has the size of a distance to a bound, and D(x) g(x) = 0 at first-order points of min ½‖F‖² over the box, for
//! g = JᵀF. A root on the boundary has g = 0 there, so strict complementarity fails and the choice of D decides how
//! fast a method still is. One file each; [`Mix`] combines any of them, a user's own included, and [`check`] tells which
//! of the properties below hold.
//!
//! | scaling | d_i | continuous in g | λ ≥ 1 |
//! |---|---|---|---|
//! | [`ColemanLi`] | distance to the bound that −g faces; 1 if infinite | no | no |
//! | [`Clipped`] | the same, at most `cap` | no | no |
//! | [`HeinkenschlossUlbrich`] | the same; 1 unless distance or \|g\| is below the other's p-th power | no | no |
//! | [`KanzowKlug`] | min(x − l + γ max(0, −g), u − x + γ max(0, g)) | yes | no |
//! | [`HagerMairZhang`] | X/(αX + \|g\|) for the facing distance X | yes | yes |
//! | [`Identity`] | 1 | yes | no |
//!
//! λ is the step along −Dg to the boundary.

pub mod check;
mod coleman_li;
mod hager;
mod heinkenschloss;
mod identity;
mod kanzow;
mod mix;
mod named;

pub use coleman_li::{Clipped, ColemanLi};
pub use hager::HagerMairZhang;
pub use heinkenschloss::HeinkenschlossUlbrich;
pub use identity::Identity;
pub use kanzow::KanzowKlug;
pub use mix::Mix;
pub use named::Named;
pub(crate) use named::stored;

use crate::Bounds;

/// One scaling matrix, entry by entry.
///
/// ```
/// use hadamard_trust_region::scaling::{Mix, KanzowKlug, Scaling, check};
///
/// /// The harmonic mean of both distances.
/// struct Harmonic;
/// impl Scaling for Harmonic {
///     fn name(&self) -> String {
///         "harmonic".into()
///     }
///     fn entry(&self, below: f64, above: f64, _g: f64) -> f64 {
///         1.0 / (1.0 / below + 1.0 / above)
///     }
/// }
///
/// let report = check::check(&Harmonic);
/// assert!(!report.zero_pattern); // it vanishes at a bound that the gradient points away from
/// let mixed = Mix::try_new(vec![(0.5, Box::new(Harmonic)), (0.5, Box::new(KanzowKlug::default()))])?;
/// assert_eq!(mixed.entry(1.0, 1.0, 0.0), 0.75);
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
pub trait Scaling: Send + Sync {
    /// Name for reports.
    fn name(&self) -> String;

    /// d_i from `below` = x_i − l_i and `above` = u_i − x_i (either may be +∞) and `g` = g_i.
    fn entry(&self, below: f64, above: f64, g: f64) -> f64;

    /// Adds `weight` d to `d`, for the point `x` with gradient `g`. O(n).
    ///
    /// What calls [`entry`](Self::entry) for all variables at once; there is no need to write it for a new scaling.
    fn accumulate(&self, weight: f64, x: &[f64], g: &[f64], bounds: &Bounds, d: &mut [f64]) {
        let sides = bounds.lower().iter().zip(bounds.upper());
        for (((d, &x), &g), (&l, &u)) in d.iter_mut().zip(x).zip(g).zip(sides) {
            *d += weight * self.entry(x - l, u - x, g);
        }
    }

    /// The description under which this scaling is stored with the options of a [`Solver`](crate::Solver); `None` for
    /// scalings of a user's own, which cannot be.
    fn named(&self) -> Option<Named> {
        None
    }
}

impl<S: Scaling + ?Sized> Scaling for Box<S> {
    fn name(&self) -> String {
        (**self).name()
    }
    fn entry(&self, below: f64, above: f64, g: f64) -> f64 {
        (**self).entry(below, above, g)
    }
    fn accumulate(&self, weight: f64, x: &[f64], g: &[f64], bounds: &Bounds, d: &mut [f64]) {
        (**self).accumulate(weight, x, g, bounds, d);
    }
    fn named(&self) -> Option<Named> {
        (**self).named()
    }
}

/// Writes d for the point `x` with gradient `g`. O(n).
pub fn scale(scaling: &dyn Scaling, x: &[f64], g: &[f64], bounds: &Bounds, d: &mut [f64]) {
    d.fill(0.0);
    scaling.accumulate(1.0, x, g, bounds, d);
}

/// The distance to the bound that a step along −g runs into; `below` for g = 0.
fn facing(below: f64, above: f64, g: f64) -> f64 {
    if g < 0.0 { above } else { below }
}
