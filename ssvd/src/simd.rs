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
