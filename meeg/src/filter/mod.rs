//! Filters: Butterworth and notch as second-order sections, causal or zero-phase, decimation, average reference.
//!
//! ```
//! use hadamard_meeg::Signal;
//! use hadamard_meeg::filter::Sos;
//!
//! let rate = 250.0;
//! let wave = |hz: f64| (0..1000).map(move |t| (std::f64::consts::TAU * hz * t as f64 / rate).sin());
//! let signal = Signal::new(vec!["Cz".into(), "Pz".into()], rate, wave(10.0).chain(wave(50.0)).collect())?;
//! let alpha = Sos::band_pass(4, 8.0, 13.0, rate)?.filter_zero_phase(&signal)?;
//! assert!((alpha.channel(0)[500] - signal.channel(0)[500]).abs() < 1e-3); // 10 Hz passes
//! assert!(alpha.channel(1)[500].abs() < 1e-4); // 50 Hz does not
//! # Ok::<(), hadamard_meeg::Error>(())
//! ```

mod butterworth;
mod lanes;
mod notch;
mod reference;
mod resample;
mod sections;
mod sos;

pub use reference::average_reference;
pub use resample::decimate;
pub use sos::Sos;
