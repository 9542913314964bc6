//! Scalings as data, so that the options of a solver can be stored.

use serde::{Deserialize, Serialize};

use super::{Clipped, ColemanLi, HagerMairZhang, HeinkenschlossUlbrich, Identity, KanzowKlug, Mix, Scaling};
use crate::Result;

/// A scaling of this crate with its parameters.
///
/// ```
/// use hadamard_trust_region::scaling::{Mix, Named, Scaling};
/// let named = Mix::default().named().expect("made of scalings of this crate");
/// assert_eq!(named.build()?.entry(0.3, 0.7, 2.0), Mix::default().entry(0.3, 0.7, 2.0));
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Named {
    /// [`ColemanLi`].
    ColemanLi,
    /// [`Clipped`].
    Clipped {
        /// Largest entry.
        cap: f64,
    },
    /// [`HeinkenschlossUlbrich`].
    HeinkenschlossUlbrich {
        /// Exponent.
        p: f64,
    },
    /// [`KanzowKlug`].
    KanzowKlug {
        /// Weight of the gradient.
        gamma: f64,
    },
    /// [`HagerMairZhang`].
    HagerMairZhang {
        /// Inverse of the largest entry.
        alpha: f64,
    },
    /// [`Identity`].
    Identity,
    /// [`Mix`] of scalings with these weights.
    Mix(Vec<(f64, Named)>),
}

impl Named {
    /// The scaling itself.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a parameter out of its range.
    pub fn build(&self) -> Result<Box<dyn Scaling>> {
        Ok(match self {
            Self::ColemanLi => Box::new(ColemanLi),
            Self::Clipped { cap } => Box::new(Clipped::try_new(*cap)?),
            Self::HeinkenschlossUlbrich { p } => Box::new(HeinkenschlossUlbrich::try_new(*p)?),
            Self::KanzowKlug { gamma } => Box::new(KanzowKlug::try_new(*gamma)?),
            Self::HagerMairZhang { alpha } => Box::new(HagerMairZhang::try_new(*alpha)?),
            Self::Identity => Box::new(Identity),
            Self::Mix(members) => {
                let members = members.iter().map(|(w, named)| Ok((*w, named.build()?)));
                Box::new(Mix::try_new(members.collect::<Result<_>>()?)?)
            }
        })
    }
}

/// How serde stores the scaling of a solver.
pub(crate) mod stored {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

    use super::{Named, Scaling};

    pub(crate) fn serialize<S: Serializer>(scaling: &Arc<dyn Scaling>, to: S) -> Result<S::Ok, S::Error> {
        match scaling.named() {
            Some(named) => named.serialize(to),
            None => Err(ser::Error::custom(format!(
                "the scaling {:?} is not one of this crate and cannot be stored",
                scaling.name()
            ))),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<dyn Scaling>, D::Error> {
        let named = Named::deserialize(from)?;
        named.build().map(Arc::from).map_err(de::Error::custom)
    }
}
