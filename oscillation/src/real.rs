//! The two floating-point formats the counting kernels run in.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`: what a counting kernel needs to know of a float. Sealed.
pub trait Real:
    Copy
    + PartialOrd
    + Debug
    + Display
    + Default
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + sealed::Sealed
    + 'static
{
    /// Unsigned integer as wide as the float: counters of that width stay in the lanes of a vector register.
    type Counter: Copy + Default + AddAssign + Into<u64> + Send;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Unit roundoff u: 2⁻⁵³ for `f64`, 2⁻²⁴ for `f32`.
    const UNIT_ROUNDOFF: Self;
    /// Half of the largest finite float: bound on matrix entries and shifts, so that d - x is finite.
    const HALF_MAX: Self;
    /// Smallest positive subnormal.
    const TINY: Self;
    /// Largest coupling for which an overflowing pivot is a perturbation below u times that coupling.
    const LARGEST_PLAIN_COUPLING: Self;

    /// The sign bit, 0 or 1; unlike `self < 0` it is 1 for -0.
    fn sign_bit(self) -> Self::Counter;
    /// Modulus.
    fn abs(self) -> Self;
    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;
    /// Next float towards +∞.
    fn next_up(self) -> Self;
    /// Next float towards -∞.
    fn next_down(self) -> Self;
    /// Widening conversion.
    fn to_f64(self) -> f64;
    /// Nearest value of this format.
    fn from_f64(x: f64) -> Self;
}

macro_rules! real {
    ($float:ident, $counter:ident, $shift:literal, $u:expr, $coupling:expr) => {
        impl Real for $float {
            type Counter = $counter;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const UNIT_ROUNDOFF: Self = $u;
            const HALF_MAX: Self = $float::MAX / 2.0;
            const TINY: Self = $float::from_bits(1);
            const LARGEST_PLAIN_COUPLING: Self = $coupling;

            #[inline(always)]
            fn sign_bit(self) -> $counter {
                self.to_bits() >> $shift
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                self.is_finite()
            }
            #[inline(always)]
            fn next_up(self) -> Self {
                self.next_up()
            }
            #[inline(always)]
            fn next_down(self) -> Self {
                self.next_down()
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $float
            }
        }
    };
}

// 2^970 and 2^103: the exponent range less the precision.
real!(f64, u64, 63, f64::EPSILON / 2.0, f64::from_bits((1023 + 970) << 52));
real!(f32, u32, 31, f32::EPSILON / 2.0, f32::from_bits((127 + 103) << 23));
