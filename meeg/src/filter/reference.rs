//! Common average reference.

use crate::io::Signal;

/// Subtracts the mean of all channels from each channel, sample by sample.
///
/// The channels then sum to zero: covariances lose one rank ([`crate::rank`]).
pub fn average_reference(signal: &mut Signal) {
    let (channels, samples) = (signal.channels(), signal.samples());
    let mut mean = vec![0.0; samples];
    for channel in 0..channels {
        for (mean, x) in mean.iter_mut().zip(signal.channel(channel)) {
            *mean += x;
        }
    }
    for mean in &mut mean {
        *mean /= channels as f64;
    }
    for channel in 0..channels {
        for (x, mean) in signal.channel_mut(channel).iter_mut().zip(&mean) {
            *x -= mean;
        }
    }
}
