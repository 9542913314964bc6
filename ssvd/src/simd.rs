//! Plain loops compiled for the widest vector instructions that the machine has.
//!
//! `pulp` compiles what it inlines once per instruction set. A closure may be called through a shim that is not inlined
//! and then runs with the baseline instructions only; the kernels are therefore types with an inlined `call`. Kernels
//! that the compiler does not vectorise by itself are written over registers ([`WithSimd`]).

pub(crate) use pulp::{NullaryFnOnce as Kernel, Simd, WithSimd};

/// Runs a kernel.
pub(crate) fn run<K: WithSimd>(kernel: K) -> K::Output {
    pulp::Arch::new().dispatch(kernel)
}

/// Asks for the cache line that holds `data[at]`, which may lie beyond the end. The processors' own prefetchers leave a
/// loop of many streams waiting for memory half of its time.
#[inline(always)]
pub(crate) fn prefetch(data: &[f64], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch changes nothing that a program can see and does not fault, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(data.as_ptr().wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, at);
}

/// y += a x.
pub(crate) struct Axpy<'a> {
    pub(crate) a: f64,
    pub(crate) x: &'a [f64],
    pub(crate) y: &'a mut [f64],
}

impl Kernel for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.y.iter_mut().zip(self.x).for_each(|(y, x)| *y += self.a * x);
    }
}
