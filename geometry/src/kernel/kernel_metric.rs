//! The metric of any kernel.

use super::{ExtendedKernel, Kernel};
use crate::metric::{Metric, TraceTerm};
use crate::spd::Spd;

/// The (extended) kernel metric of any [`Kernel`]: all operations by the general machinery of [`ExtendedKernel`].
///
/// `KernelMetric::with_trace(BuresWasserstein, trace)` is Bures–Wasserstein with a trace term, whose geodesics have no
/// closed form.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct KernelMetric<K> {
    kernel: K,
    trace: TraceTerm,
}

impl<K: Kernel> KernelMetric<K> {
    /// The kernel metric (α = 1, β = 0).
    pub fn new(kernel: K) -> Self {
        Self::with_trace(kernel, TraceTerm::default())
    }

    /// The extended kernel metric with the trace term (α, β).
    pub fn with_trace(kernel: K, trace: TraceTerm) -> Self {
        Self { kernel, trace }
    }

    /// φ.
    pub fn kernel(&self) -> &K {
        &self.kernel
    }
}

impl<K: Kernel> Metric for KernelMetric<K> {
    fn name(&self) -> String {
        format!("kernel metric of {:?}", self.kernel)
    }

    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        Some(ExtendedKernel::new(&self.kernel, self.trace))
    }

    fn injectivity_radius(&self, _at: &Spd) -> Option<f64> {
        None
    }

    /// True for degree 2, which decides when φ is a power of a mean (Hiai and Petz 2009).
    fn is_complete(&self) -> bool {
        self.kernel.degree() == Some(2.0)
    }
}
